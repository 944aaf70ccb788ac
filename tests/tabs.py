"""Tabs of Chromium as the tests open them: they wait long before they give up, and with `SLOW_TABS=1` everything is late.

Slow tabs find the tests that read a page before it has changed: each answer, file and script comes `LATENCY_MS` later, nothing
is kept from one page for the next, scripts run at a fraction of their speed, and a click returns before what it began.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.portal import Portal

SLOW = bool(os.environ.get("SLOW_TABS"))
LATENCY_MS, CPU_TIMES = 400, 4
# How many times longer `until` waits then.
SLOW_TIMES = 3 if SLOW else 1
# How long to wait for what is sure to come: only a test that fails ever waits so long.
PATIENCE_MS = 180_000


def prepare() -> None:
    """Once for a session, before the first tab."""
    from playwright.sync_api import ElementHandle, Locator, Page, expect

    expect.set_options(timeout=PATIENCE_MS)
    if SLOW:
        for kind in (Page, Locator, ElementHandle):
            for name in ("click", "press"):
                setattr(kind, name, _returning_at_once(getattr(kind, name)))


def _returning_at_once(act: Callable[..., None]) -> Callable[..., None]:
    """Otherwise Playwright mostly waits for the page that a click leads to, but not always."""
    return lambda it, *given, **options: act(it, *given, **{"no_wait_after": True, **options})


def open_context(chromium: Any, portal: Portal | None = None, **options: Any) -> Any:
    """A window of its own, signed in where a portal is given; its tabs come from `new_page`."""
    context = chromium.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    cookies = portal.http.cookies.items() if portal else ()
    context.add_cookies([{"name": name, "value": value, "domain": "127.0.0.1", "path": "/"} for name, value in cookies])
    if SLOW:
        context.new_page = _slow_pages(context, context.new_page)
    return context


def _slow_pages(context: Any, new_page: Callable[[], Any]) -> Callable[[], Any]:
    def slow_page() -> Any:
        page = new_page()
        chrome = context.new_cdp_session(page)
        chrome.send("Network.enable")
        chrome.send("Network.setCacheDisabled", {"cacheDisabled": True})
        chrome.send("Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY_MS, "downloadThroughput": -1,
                                                         "uploadThroughput": -1})
        chrome.send("Emulation.setCPUThrottlingRate", {"rate": CPU_TIMES})
        return page
    return slow_page
