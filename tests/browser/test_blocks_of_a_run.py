"""A run that times block by block, in a browser: its table and bars grow while it measures, and go together with the graph."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.waiting import address
from tests.portal import Portal, until

pytestmark = pytest.mark.browser
ROW = "#blocks-card tr[data-block='3']"


@pytest.fixture(scope="module")
def measured(portal: Portal) -> str:
    run = portal.launch("benchmarking.layers", engine="torch", repeats=20)
    portal.wait(run, "finished")
    return run


def opened(page: Any, portal: Portal, run: str) -> Any:
    page.goto(f"{portal.address}/runs/{run}/")
    page.wait_for_selector("#blocks-graph svg.network.moves")
    page.wait_for_selector("#charts .main-svg")
    return page


def lit(page: Any) -> list[str]:
    return [str(name) for name in page.locator("#blocks-graph .n.on").evaluate_all("nodes => nodes.map((n) => n.dataset.name)")]


def bright(page: Any) -> int:
    """How many bars are not stepped back."""
    bars = "[...document.querySelectorAll('#charts .bars .point path')]"
    return int(page.evaluate(f"{bars}.filter((bar) => getComputedStyle(bar).opacity === '1').length"))


def test_the_table_stands_there_while_it_measures_and_stays_when_it_is_stopped(page: Any, portal: Portal, measured: str) -> None:
    # It tells of its blocks at each quarter: after the first, most of a minute is left to look, more where all is slow.
    run = portal.launch("benchmarking.layers", "VGG-11", "digits32", engine="torch", repeats=1000, batch=4, seconds=600)
    page.goto(f"{portal.address}/runs/{run}/")
    page.wait_for_selector("#blocks-card tr[data-block='7']:not(:has(small.of))")
    page.wait_for_selector("#charts .bars .point")
    page.wait_for_selector("#blocks-graph svg.network.moves")
    blocks = page.locator("#blocks-card tr[data-block]").count()
    portal.post(f"/runs/{run}/cancel/")
    portal.wait(run, "cancelled")
    page.wait_for_selector("#head :text('cancelled')")
    expect(page.locator("#blocks-card tr[data-block]")).to_have_count(blocks)


def test_at_the_end_each_time_has_its_interval(page: Any, portal: Portal, measured: str) -> None:
    expect(opened(page, portal, measured).locator("#blocks-card small.of")).to_have_count(7)


def test_a_row_that_is_looked_at_lights_its_bar_and_its_layers(page: Any, portal: Portal, measured: str) -> None:
    opened(page, portal, measured)
    page.hover(ROW)
    until(lambda: lit(page) == ["conv2", "relu2"] and bright(page) == 1, 30, "the light")
    page.hover("h1")
    page.focus("#block-5")
    until(lambda: len(lit(page)) == 1 or bright(page) == 1, 30, "the light of the focus")


def test_a_choice_stands_in_the_address_and_survives_a_new_table(page: Any, portal: Portal, measured: str) -> None:
    opened(page, portal, measured)
    page.focus("#block-3")
    page.keyboard.press("Enter")
    until(lambda: "block=3" in address(page), 30, "the address")
    page.wait_for_selector(f"{ROW}.picked")
    page.evaluate("htmx.ajax('GET', location.pathname + 'blocks/', {source: '#blocks-card', target: '#blocks-card', "
                  "swap: 'outerHTML', select: '#blocks-card'})")
    until(lambda: page.locator(f"{ROW}.picked.lit").count() == 1, 30, "the choice in the new table")
    page.reload()
    page.wait_for_selector(f"{ROW}.picked")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_fits_and_is_accessible(page: Any, portal: Portal, measured: str, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    opened(page, portal, measured)
    assert wider_than_the_window(page) <= 0
    assert findings(page) == []
