"""A plan is saved from the planner; when somebody changes a link, the open list says that it is stale without a reload."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.test_planner import NETWORK, boards  # noqa: F401  a fixture
from tests.portal import Portal, until

pytestmark = pytest.mark.browser


def say_link(tab: Any, portal: Portal, source: str, target: str, mbps: str) -> None:
    """As a person does, on the page of links."""
    tab.goto(f"{portal.address}/devices/links/?source={source}&target={target}")
    tab.fill("#id_bandwidth_mbps", mbps)
    tab.click("form[action$='/links/'] button.primary")
    tab.wait_for_selector(".messages .note")


def test_a_saved_plan_goes_stale_and_comes_back_in_an_open_page(page: Any, portal: Portal,
                                                               boards: dict[str, str]) -> None:  # noqa: F811
    page.goto(f"{portal.address}/planner/?network={NETWORK}")
    page.click("#save > summary")
    page.fill("#save-name", "by hand")
    page.click("#save button.primary")
    page.wait_for_selector("h1:has-text('by hand')")
    here = page.url
    page.goto(f"{portal.address}/planner/saved/")
    other = page.context.new_page()
    say_link(other, portal, boards["slow-board"], boards["near-box"], "100")
    page.wait_for_selector("tr:has-text('by hand') .is-stale")
    until(lambda: "by hand is stale" in page.inner_text("#saved-said"), 30, "who hears the page is told")
    assert page.url.endswith("/planner/saved/"), "without a reload"
    assert not findings(page)
    page.goto(here)
    expect(page.locator(".verdict")).to_contain_text("Best now: all blocks on near-box")
    assert not findings(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert not wider_than_the_window(page)
    say_link(other, portal, boards["slow-board"], boards["near-box"], "1")
    page.wait_for_selector(".verdict .is-up-to-date")
