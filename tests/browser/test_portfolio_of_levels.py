"""A DNNShifter run in the browser: variants stand on the trade-off as levels end, and the chosen ones become a portfolio."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.test_review import ask, live
from tests.browser.waiting import another_page
from tests.portal import ENDED, Portal, open_tab, until

pytestmark = pytest.mark.browser
LEVELS = ["dense", "level 1", "level 2", "level 3"]
ON_THE_CHART = """() => document.querySelector(".chart[data-kind=tradeoff] .plot").data
  ?.flatMap((trace) => trace.ids ?? []) ?? []"""
SAID = ("select body->>'variant' from live_event where stream_id = %s and type = 'measured' "
        "and body->>'metric' in ('latency_ms_p50', 'accuracy') group by 1 having count(distinct body->>'metric') = 2")


def launch(portal: Portal) -> str:
    return portal.launch("portfolio.dnnshifter", epochs=3, levels=3, fraction=0.5, batch_size=8)


@pytest.fixture(scope="module")
def run(portal: Portal) -> str:
    """A search that has ended."""
    run = launch(portal)
    portal.wait(run, "finished")
    return run


@pytest.fixture
def tab(chromium: Any, portal: Portal) -> Iterator[Any]:
    yield from open_tab(chromium, portal, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")


def drawn(tab: Any) -> list[str]:
    return sorted(tab.evaluate(ON_THE_CHART))


def said(portal: Portal, run: str) -> list[str]:
    """The variants of which the run has told both sides of their points."""
    return sorted(name for name, in portal.sql(SAID, portal.run(run)["stream_id"]))


def test_variants_appear_while_the_search_goes_on(tab: Any, portal: Portal) -> None:
    portal.clear_the_slot()
    with portal.nothing_begins():
        run = launch(portal)
        tab.goto(f"{portal.address}/runs/{run}/")
        live(tab)
    # The run stands still while it is seen what the page shows before the end, without having been loaded again.
    process = portal.caught(lambda: "level 1" in said(portal, run), "level 1 is there")
    until(lambda: drawn(tab) == said(portal, run), 20, "each level so far on the trade-off")
    assert portal.run(run)["status"] not in ENDED and drawn(tab) != LEVELS
    # One that is silent for long has been ended meanwhile, and another goes on in its place.
    with suppress(psutil.NoSuchProcess):
        process.resume()
    portal.wait(run, "finished")
    until(lambda: drawn(tab) == LEVELS, 30, f"all levels on the trade-off, there are {drawn(tab)}")
    until(lambda: tab.locator("input.pick").count() == len(LEVELS), 30, "a row for each variant")
    assert "4 variants of one search over the dense network and 3 levels" in tab.locator(".verdict").inner_text()


def test_the_chosen_variants_become_a_portfolio_to_review(tab: Any, portal: Portal, run: str) -> None:
    tab.goto(f"{portal.address}/runs/{run}/")
    tab.wait_for_selector("#pick", state="attached")
    for name in ("dense", "level 2", "level 3"):
        tab.get_by_label(f"Pick {name}", exact=True).check()
    assert tab.inner_text("#picked") == "3 picked"
    with another_page(tab):
        tab.click("#add-picked")
    tab.wait_for_selector("h1:has-text('Add 3 variants')")
    tab.fill("[name=name]", "Levels for the doorbell")
    with another_page(tab):
        tab.click("text=Make it")
    board = tab.inner_text("#board")
    assert "level 3 of run" in board and "level 2 of run" in board and "level 1 of run" not in board
    ask(tab, "accuracy", "1")
    expect(tab.locator("td.verdict-pass")).to_have_count(3)
    expect(tab.get_by_role("button", name="Submit for review")).to_have_count(1)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_the_run_is_accessible_and_fits(chromium: Any, portal: Portal, run: str, width: int, scheme: str) -> None:
    for tab in open_tab(chromium, portal, viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce"):
        tab.goto(f"{portal.address}/runs/{run}/")
        tab.wait_for_selector(".chart[data-kind=tradeoff] .main-svg")
        assert not findings(tab) and not wider_than_the_window(tab)
