"""Two runs on one chart: each keeps its own bars, line and colour, on the page and in the picture that is taken away."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.tables import cells
from tests.portal import Portal, until

pytestmark = pytest.mark.browser
DENSITY = "Density by layer"
LINES = f"""() => [...document.querySelectorAll(".chart")].find((chart) => chart.textContent.includes("{DENSITY}"))
  .querySelector(".plot").layout?.shapes.length"""


@pytest.fixture(scope="module")
def pair(portal: Portal) -> list[str]:
    """The same network pruned a little and a lot: what is made narrower, and by which line, differs."""
    runs = [portal.launch("pruning.reconvene", epochs=0, sparsity=sparsity) for sparsity in ("0.5", "0.95")]
    for run in runs:
        portal.wait(run, "finished")
    return runs


@pytest.fixture
def compared(page: Any, portal: Portal, pair: list[str]) -> Any:
    page.goto(f"{portal.address}/compare/?run={pair[0]}&run={pair[1]}")
    drawn(page)
    return page


def drawn(page: Any) -> None:
    """Both runs have bars, and the line that is said behind them."""
    until(lambda: page.evaluate(LINES) == 2, 30, "the lines of both runs")
    expect(density(page).locator(".barlayer .trace")).to_have_count(2)


def density(page: Any) -> Any:
    return page.locator(".chart", has_text=DENSITY).first


def test_each_run_has_its_own_line_and_the_legend_says_whose(compared: Any, portal: Portal, pair: list[str]) -> None:
    names = [f"run {portal.run(run)['number']}" for run in pair]
    chart = density(compared)
    legend = chart.locator(".legend").inner_text()
    assert all(f"{name}, sensitivity" in legend for name in names)
    lines = chart.locator(".plot").evaluate("plot => plot.layout.shapes.map((shape) => [shape.name, shape.y0, shape.line.color])")
    said = {f"run {portal.run(run)['number']}": 100 * float(portal.metrics(run, "sensitivity")[-1]["value"]) for run in pair}
    assert {name: pytest.approx(y) for name, y, _ in lines} == said
    assert len({stroke for _, _, stroke in lines}) == 2, "the colour says whose line it is"


def test_a_bar_is_judged_by_the_line_of_its_own_run(compared: Any) -> None:
    found = density(compared).locator(".plot").evaluate(
        """plot => plot.data.map((bars, i) => bars.y.map((y, j) =>
            [y > plot.layout.shapes[i].y0, bars.marker.color[j], bars.marker.line.color]))""")
    for bars in found:
        for is_above, fill, own in bars:
            assert (fill != own) == is_above, "filled with the colour of the run: made narrower; hollow: not"
    assert len({own for bars in found for _, _, own in bars}) == 2


def test_the_table_gives_each_bar_the_line_of_its_run(compared: Any) -> None:
    chart = density(compared)
    chart.get_by_role("button", name="table").click()
    until(lambda: len({(row[0], row[-1]) for row in cells(chart)[1:]}) == 2, 30, "one line a run")
    assert cells(chart)[0][0] == "run"


def test_a_picture_that_leaves_a_dark_page_stands_alone(compared: Any, tmp_path: Path, pair: list[str], portal: Portal) -> None:
    compared.evaluate("localStorage.setItem('theme', 'dark')")
    compared.reload()
    drawn(compared)
    with compared.expect_download() as download:
        density(compared).get_by_role("button", name="SVG").click()
    download.value.save_as(tmp_path / "density.svg")
    assert compared.evaluate("document.documentElement.dataset.theme") == "dark", "the page stays as it was"
    compared.evaluate("localStorage.removeItem('theme')")
    svg = (tmp_path / "density.svg").read_text()
    assert svg.startswith("<svg") and "#ffffff" in svg
    assert "#e6ebf1" not in svg, "no text in the dark theme's colour"
    words = re.findall(r"<text[^>]*>([^<]+)</text>", svg)
    assert any(DENSITY in word for word in words)
    assert f"run {portal.run(pair[0])['number']}, sensitivity" in words


def test_a_pick_lasts_from_page_to_page(page: Any, portal: Portal, pair: list[str]) -> None:
    variant = portal.one("experiments_run", "inputs->'model'->>'id'", "id = %s", pair[0])
    of = portal.one("catalog_variant", "model_id", "id = %s", variant)
    page.goto(f"{portal.address}/experiments/")
    button = page.locator("[data-compare]")
    expect(button).to_be_disabled()
    page.locator(f"input[data-pick][value='{pair[0]}']").check()
    expect(button).to_have_text("compare 1 picked")
    page.goto(f"{portal.address}/models/{of}/")
    page.locator(f"input[data-pick][value='{pair[1]}']").check()
    expect(button).to_have_text("compare 2 picked")
    button.click()
    page.wait_for_url(lambda address: all(f"run={run}" in address for run in pair))
    page.goto(f"{portal.address}/models/{of}/")
    page.locator("[data-unpick]").click()
    expect(button).to_have_text("compare picked")
    expect(page.locator("input[data-pick]:checked")).to_have_count(0)
