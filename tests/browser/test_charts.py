"""Charts of a finished run: drawn from its stream, with the same numbers as a table, as CSV and as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.portal import Portal, until

pytestmark = pytest.mark.browser


@pytest.fixture
def run_page(page: Any, portal: Portal, finished: str) -> Any:
    page.goto(f"{portal.address}/runs/{finished}/")
    page.wait_for_selector(".chart .main-svg")
    return page


def test_the_table_of_a_chart_says_what_the_events_said(run_page: Any, portal: Portal, finished: str) -> None:
    chart = run_page.locator(".chart", has_text="Accuracy per epoch").first
    chart.get_by_role("button", name="table").click()
    expect(chart.locator(".data tbody tr")).to_have_count(len(portal.metrics(finished, "accuracy")))


def test_a_chart_leaves_as_csv_and_as_svg(run_page: Any, tmp_path: Path) -> None:
    chart = run_page.locator(".chart").first
    for word in ("CSV", "SVG"):
        with run_page.expect_download() as download:
            chart.get_by_role("button", name=word).click()
        download.value.save_as(tmp_path / word)
    assert (tmp_path / "CSV").read_text().startswith("variant,")
    assert (tmp_path / "SVG").read_text().startswith("<svg")


def test_a_legend_entry_hides_and_shows_its_trace(run_page: Any) -> None:
    chart = run_page.locator(".chart").first
    entry = chart.locator(".legend button", has_text="dense")
    entry.click()
    run_page.wait_for_selector(".chart .legend button[aria-pressed=false]")
    assert entry.get_attribute("aria-pressed") == "false"


def test_the_theme_key_redraws_the_charts_in_the_new_colours(run_page: Any) -> None:
    colour = "getComputedStyle(document.querySelector('.chart .xtick text')).fill"
    run_page.evaluate("localStorage.setItem('theme', 'light')")
    run_page.reload()
    run_page.wait_for_selector(".chart .xtick text")
    before = run_page.evaluate(colour)
    run_page.keyboard.press("t")
    until(lambda: run_page.evaluate(colour) != before, 30, "a redraw")
    assert run_page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_log_is_searched_and_followed(run_page: Any) -> None:
    run_page.wait_for_selector(".log .lines li")
    run_page.keyboard.press("/")
    run_page.keyboard.type("finished after")
    expect(run_page.locator(".log .lines li:visible")).to_have_count(1)


def test_plotly_is_loaded_only_where_a_chart_is(page: Any, portal: Portal) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{portal.address}/experiments/")
    assert asked and not any("plotly" in address for address in asked)
