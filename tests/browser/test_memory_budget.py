"""Training inside a memory budget, as its page draws it: bytes against the budget, exits, and the methods over time."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.tables import cells
from tests.portal import Portal, until

pytestmark = pytest.mark.browser
MEMORY = "Memory of the training step"
EXITS = "Accuracy of the exits against their parameters"
OVER_TIME = "Accuracy over training time"


@pytest.fixture(scope="module")
def pair(portal: Portal) -> list[str]:
    """Blocks of NeuroFlux in 0.6 MB, and back-propagation in 2 MB."""
    runs = [portal.launch("training.neuroflux", epochs=2, budget_mb="0.6", exits="linear"),
            portal.launch("training.backprop", epochs=2, budget_mb="2")]
    for run in runs:
        portal.wait(run, "finished")
    return runs


@pytest.fixture
def run_page(page: Any, portal: Portal, pair: list[str]) -> Any:
    page.goto(f"{portal.address}/runs/{pair[0]}/")
    return page


@pytest.fixture
def compared(page: Any, portal: Portal, pair: list[str]) -> Any:
    page.goto(f"{portal.address}/compare/?run={pair[0]}&run={pair[1]}")
    return page


def chart(page: Any, title: str) -> Any:
    return page.locator(".chart", has_text=title).first


def rows(page: Any, title: str, count: int) -> list[list[str]]:
    """The table of a chart once it has so many rows, its heading among them."""
    chart(page, title).get_by_role("button", name="table").click()
    until(lambda: len(cells(chart(page, title))) == count, 30, f"{count} rows")
    return cells(chart(page, title))


def test_each_block_has_its_predicted_and_its_measured_bytes_beside_the_budget(run_page: Any) -> None:
    head, *found = rows(run_page, MEMORY, 5)
    assert head == ["figure", "block", "MB alive at once", "memory budget"]
    assert [row[:2] for row in found] == [[figure, block] for figure in ("predicted", "measured")
                                          for block in ("units 1-2", "units 3-4")]
    assert all(0 < float(size) <= float(budget) == 0.6 for *_, size, budget in found)


def test_the_budget_is_one_line_in_the_legend_and_predicted_bars_are_hatched(run_page: Any) -> None:
    expect(chart(run_page, MEMORY).locator(".legend button")).to_have_text(["predicted", "measured", "memory budget"])
    expect(chart(run_page, MEMORY).locator(".caption")).to_have_text("hatched: predicted")
    line, hatches = chart(run_page, MEMORY).locator(".plot").evaluate(
        "plot => [plot.layout.shapes.map((shape) => shape.y0), plot.data.map((bars) => bars.marker.pattern?.shape ?? '')]")
    assert line == [0.6] and hatches == ["/", ""]


def test_the_points_of_exits_have_their_names_and_the_one_that_is_kept_is_marked(run_page: Any) -> None:
    head, *found = rows(run_page, EXITS, 6)
    assert head[1] == "exit"
    exits, kept = [row for row in found if row[0] == "exit accuracy"], [row for row in found if row[0] == "kept exit accuracy"]
    assert sorted(row[1] for row in exits) == ["exit 1", "exit 2", "exit 3", "exit 4"]
    assert len(kept) == 1 and kept[0][1:] in [row[1:] for row in exits]


def test_runs_beside_each_other_keep_prediction_and_measurement_apart(compared: Any, portal: Portal, pair: list[str]) -> None:
    flux, whole = (f"run {portal.run(run)['number']}" for run in pair)
    _, *found = rows(compared, MEMORY, 7)
    kinds = [f"{flux}, predicted"] * 2 + [f"{flux}, measured"] * 2 + [f"{whole}, predicted", f"{whole}, measured"]
    assert [(row[0], float(row[-1])) for row in found] == list(zip(kinds, [0.6] * 4 + [2.0] * 2, strict=True))


def test_methods_are_laid_over_each_other_in_seconds_of_training(compared: Any, portal: Portal, pair: list[str]) -> None:
    head, *found = rows(compared, OVER_TIME, 7)
    assert head[1] == "training time, s"
    said = [each["step"] / 1000 for run in pair for each in portal.metrics(run, "accuracy_over_milliseconds")]
    assert [float(row[1]) for row in found] == [pytest.approx(seconds, rel=0.01) for seconds in said]


@pytest.mark.parametrize("width", [1280, 390])
def test_every_exit_stands_in_the_legend_and_a_predicted_bar_looks_predicted(run_page: Any, width: int) -> None:
    run_page.set_viewport_size({"width": width, "height": 900})
    legend = chart(run_page, "Accuracy per exit").locator(".legend")
    expect(legend.locator("button")).to_have_count(8)
    until(lambda: legend.evaluate("it => it.scrollHeight <= it.clientHeight"), 30, f"no entry is cut at {width}")
    fills = chart(run_page, MEMORY).locator(".legend path").evaluate_all("all => all.map((one) => one.getAttribute('fill'))")
    assert fills[0] == "none" and fills[1] not in ("none", None)
