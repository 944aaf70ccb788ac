"""What a newcomer sees: the printed link opens, and points appear on the trade-off chart by themselves."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.portal import Portal, strain, until
from tests.tabs import SLOW_TIMES, open_context

pytestmark = pytest.mark.browser
POINTS, EPOCHS = (f"[data-kind={kind}] .scatterlayer .points path" for kind in ("tradeoff", "line"))


@pytest.fixture(scope="module")
def fresh() -> Iterator[Portal]:
    """A portal as the very first `make run` leaves it: its sample run goes on, its link is unused."""
    portal = Portal(Path(tempfile.mkdtemp(prefix="ep-new-")), bare=True)
    portal.start(signed_in=False)
    yield portal
    portal.stop()
    portal.keep_logs(Path(tempfile.mkdtemp()))


def printed_link(portal: Portal) -> str:
    found = re.findall(r"http://127\.0\.0\.1:\d+/enter/\S+", portal.said())
    assert len(found) == 1, "make run prints one link"
    return str(found[0])


def test_the_printed_link_shows_points_appearing_within_a_minute(fresh: Portal, chromium: Any) -> None:
    begun = time.monotonic()
    tab = open_context(chromium).new_page()
    loads: list[str] = []
    tab.on("load", lambda _: loads.append(tab.url))
    tab.goto(printed_link(fresh))
    assert re.search(r"/runs/[0-9a-f-]{36}/$", tab.url)
    until(lambda: tab.locator(POINTS).count() >= 1, 60, "a point on the trade-off chart")
    assert time.monotonic() - begun < 60 * SLOW_TIMES * strain()
    until(lambda: tab.locator(EPOCHS).count() >= 4, 90, "epochs on the accuracy chart")
    assert len(loads) == 1, "the page was not reloaded"


def test_the_link_works_once(fresh: Portal, chromium: Any) -> None:
    tab = open_context(chromium).new_page()
    answer = tab.goto(printed_link(fresh))
    assert answer.status == 410
    assert "make link" in tab.inner_text("body")


def test_another_link_signs_in_and_a_reload_shows_the_same_picture(fresh: Portal, chromium: Any) -> None:
    tab = open_context(chromium).new_page()
    tab.goto(fresh.link())
    until(lambda: tab.locator(POINTS).count() >= 1, 60, "a point on the trade-off chart")
    heading = tab.inner_text("h1")
    tab.reload()
    until(lambda: tab.locator(POINTS).count() >= 1, 30, "the same point after a reload")
    assert tab.inner_text("h1") == heading


def test_the_secret_is_in_no_log(fresh: Portal) -> None:
    secret = printed_link(fresh).rsplit("/", 2)[1]
    for log in (fresh.var / "log").glob("*.log"):
        assert secret not in log.read_text(), log
