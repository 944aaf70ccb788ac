"""A DNNShifter run in the browser: variants stand on the trade-off as levels end, and the chosen ones become a portfolio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.test_review import ask
from tests.portal import Portal, open_tab, until

pytestmark = pytest.mark.browser
LEVELS = ["dense", "level 1", "level 2", "level 3"]
ON_THE_CHART = """() => document.querySelector(".chart[data-kind=tradeoff] .plot").data
  ?.flatMap((trace) => trace.ids ?? []) ?? []"""


@pytest.fixture(scope="module")
def run(portal: Portal) -> str:
    portal.clear_the_slot()
    return portal.launch("portfolio.dnnshifter", epochs=3, levels=3, fraction=0.5, batch_size=8)


@pytest.fixture
def tab(chromium: Any, portal: Portal) -> Iterator[Any]:
    yield from open_tab(chromium, portal, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")


def drawn(tab: Any) -> list[str]:
    return sorted(tab.evaluate(ON_THE_CHART))


def test_variants_appear_while_the_search_goes_on(tab: Any, portal: Portal, run: str) -> None:
    tab.goto(f"{portal.address}/runs/{run}/")
    until(lambda: "level 1" in drawn(tab), 90, "level 1 on the trade-off")
    # What this page shows by now it shows without having been loaded again, and before the run has ended.
    assert portal.run(run)["status"] == "running" and drawn(tab) != LEVELS
    portal.wait(run, "finished")
    until(lambda: drawn(tab) == LEVELS, 30, f"all levels on the trade-off, there are {drawn(tab)}")
    until(lambda: tab.locator("input.pick").count() == len(LEVELS), 30, "a row for each variant")
    assert "4 variants of one search over the dense network and 3 levels" in tab.locator(".verdict").inner_text()


def test_the_chosen_variants_become_a_portfolio_to_review(tab: Any, portal: Portal, run: str) -> None:
    portal.wait(run, "finished")
    tab.goto(f"{portal.address}/runs/{run}/")
    tab.wait_for_selector("#pick", state="attached")
    tab.wait_for_load_state("networkidle")
    for name in ("dense", "level 2", "level 3"):
        tab.get_by_label(f"Pick {name}", exact=True).check()
    assert tab.inner_text("#picked") == "3 picked"
    tab.click("#add-picked")
    tab.wait_for_selector("h1:has-text('Add 3 variants')")
    tab.fill("[name=name]", "Levels for the doorbell")
    tab.click("text=Make it")
    tab.wait_for_selector("#board")
    board = tab.inner_text("#board")
    assert "level 3 of run" in board and "level 2 of run" in board and "level 1 of run" not in board
    ask(tab, "accuracy", "1")
    assert tab.locator("td.verdict-pass").count() == 3
    assert tab.get_by_role("button", name="Submit for review").count() == 1


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_the_run_is_accessible_and_fits(chromium: Any, portal: Portal, run: str, width: int, scheme: str) -> None:
    portal.wait(run, "finished")
    for tab in open_tab(chromium, portal, viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce"):
        tab.goto(f"{portal.address}/runs/{run}/")
        tab.wait_for_selector(".chart[data-kind=tradeoff] .main-svg", timeout=30_000)
        assert not findings(tab) and not wider_than_the_window(tab)
