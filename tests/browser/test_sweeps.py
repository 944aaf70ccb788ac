"""A sweep in a real browser: started from the form, drawn as means with bars while its runs go on, picked and compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.portal import Portal, until
from tests.tabs import open_context

pytestmark = pytest.mark.browser
POINTS = "[data-kind=spread] .scatterlayer .points path"


@pytest.fixture(scope="module")
def sweep(chromium: Any, portal: Portal) -> Iterator[str]:
    """The address of an experiment of two sparsities and two seeds, begun from the form; its page stays open till the end."""
    context = open_context(chromium, portal)
    tab = context.new_page()
    tab.goto(f"{portal.address}/experiments/new/pruning.magnitude/")
    tab.select_option("[name=model]", label="LeNet-5 · initialised")
    tab.select_option("[name=dataset]", label="digits")
    tab.fill("[name=sparsity]", "0.5, 0.875")
    tab.fill("[name=epochs]", "1")
    tab.fill("[name=repeat]", "2")
    until(lambda: "4 runs: 2 values of sparsity × 2 seeds" in tab.locator(".promise").inner_text(), 30, "the summary counts")
    tab.press("[name=repeat]", "Enter")
    tab.wait_for_url(re.compile("/experiments/[0-9a-f-]{36}/$"))
    loads: list[str] = []
    tab.on("load", lambda _: loads.append(tab.url))
    until(lambda: tab.locator(POINTS).count() >= 3, 240, "a star and two points appear by themselves")
    until(lambda: "4 of 4 runs ended" in tab.inner_text("#head"), 240, "all of them end")
    assert not loads, "the page was not reloaded"
    yield tab.url
    context.close()


def test_every_combination_is_drawn_and_stands_in_the_table(page: Any, sweep: str) -> None:
    page.goto(sweep)
    expect(page.locator(POINTS)).to_have_count(3)
    assert "bars ±1 standard deviation, n = 2" in page.inner_text(".chart .caption")
    assert page.locator("#combinations tbody tr").count() == 3 and page.locator("#runs tbody tr").count() == 4


def test_its_chart_leaves_as_csv_and_as_svg(page: Any, sweep: str) -> None:
    page.goto(sweep)
    page.wait_for_selector(POINTS)
    for word, begins in (("CSV", "combination,variant,n"), ("SVG", "<svg")):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Accuracy against latency: {word}").click()
        assert download.value.path().read_text().startswith(begins)


def test_x_picks_and_c_compares(page: Any, sweep: str) -> None:
    page.goto(sweep)
    page.locator("#runs [data-row] a").first.focus()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#runs header")).to_contain_text("compare 2 picked")
    page.keyboard.press("c")
    page.wait_for_url(re.compile(r"/compare/\?run=.*&run="))
    page.wait_for_selector("[data-kind=line] .scatterlayer .lines path")
    legend = page.locator(".chart", has_text="Accuracy per epoch").locator(".legend")
    until(lambda: len(set(re.findall(r"run \d+", legend.inner_text()))) == 2, 30, "both runs are drawn")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        until(lambda: legend.evaluate("it => it.scrollHeight <= it.clientHeight"), 30, f"no entry is cut at {width}")
    page.select_option("[name=agg]", "best")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile("agg=best"))


def test_the_list_shows_it_as_one_row(page: Any, portal: Portal, sweep: str) -> None:
    page.goto(f"{portal.address}/experiments/?recipe=pruning.magnitude")
    row = page.locator("[data-row]", has_text="4 runs")
    assert "4 of 4 finished" in row.first.inner_text()
