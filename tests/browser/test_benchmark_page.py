"""A benchmark on its page: the verdict in words, samples with their percentiles, and a chart for each part of the protocol."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.tables import cells
from tests.portal import Portal, until
from worker import menu

pytestmark = pytest.mark.browser
RECIPE = "benchmarking.latency"
SHORT = {"engine": "onnxruntime", "laps": "20", "warmup": "2", "seconds": "0.05", "batches": "1, 2", "cold": "1", "cooldown": "0",
         "tries": "1", "sustained": "0.001"}


@pytest.fixture(scope="module")
def benchmark(portal: Portal) -> str:
    run = portal.launch(RECIPE, **SHORT)
    portal.wait(run, "finished")
    return run


@pytest.fixture
def run_page(page: Any, portal: Portal, benchmark: str) -> Any:
    page.goto(f"{portal.address}/runs/{benchmark}/")
    page.wait_for_selector(".chart .main-svg")
    return page


def test_every_part_of_the_protocol_is_drawn(run_page: Any) -> None:
    for chart in menu.get(RECIPE).charts:
        place = run_page.locator(".chart", has_text=chart.title).first
        until(lambda place=place: place.locator(".main-svg").count() > 0, 30, chart.title)


def test_the_percentiles_stand_across_the_samples_and_in_their_table(run_page: Any, portal: Portal, benchmark: str) -> None:
    chart = run_page.locator(".chart", has_text="Inference by inference").first
    until(lambda: chart.locator(".scatterlayer .trace").count() == 4, 30, "the samples and three lines")
    assert "p50 solid, p95 dashed, p99 dotted" in chart.locator(".caption").inner_text()
    chart.get_by_role("button", name="table").click()
    expected = 3 + len(portal.metrics(benchmark, "latency_ms"))
    until(lambda: len(cells(chart)) == 1 + expected, 30, "a row for each sample and each line")
    rows = cells(chart)[1:]
    assert [row[0] for row in rows[-3:]] == [f"p{q} of onnxruntime" for q in (50, 95, 99)]


def test_the_verdict_says_what_was_seen_in_words(run_page: Any) -> None:
    said = run_page.locator("main").inner_text()
    assert "A new process loads it in" in said and "Most images a second" in said and "without a pause" in said
    assert "latency samples, onnxruntime.json" in said
