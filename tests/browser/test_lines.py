"""Lines of one chart, however many: each is told from every other, an axis says what it is, and times are steps too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.portal import Portal

pytestmark = pytest.mark.browser
MADE = """async ([chart, run, rows]) => {
  const { Line } = await import("/static/js/charts/line.js");
  const line = new Line({ y: ["accuracy"], by: "", ...chart }, run);
  for (const body of rows) line.append({ type: "metric", body });
  const { data, layout } = line.figure(new Set());
  return { entries: line.entries, axis: layout.xaxis, x: data[0].x };
}"""
EXITS = [{"name": "accuracy", "value": 0.5, "step": 1, "labels": {"exit": f"exit {number}", "split": split}}
         for number in range(1, 9) for split in ("train", "validation")]


def drawn(page: Any, portal: Portal, chart: dict[str, Any], rows: list[dict[str, Any]], run: dict[str, Any] | None = None) -> Any:
    page.goto(f"{portal.address}/experiments/")
    return page.evaluate(MADE, [chart, run or {"recipe": "training.neuroflux"}, rows])


def looks(found: Any) -> set[tuple[Any, ...]]:
    return {(each["colour"], each["dash"], each["thin"]) for each in found["entries"]}


def test_eight_exits_of_two_parts_each_look_different(page: Any, portal: Portal) -> None:
    found = drawn(page, portal, {"by": "exit"}, EXITS)
    assert len(found["entries"]) == 16 and len(looks(found)) == 16


def test_the_exits_of_two_runs_look_different_in_a_comparison(page: Any, portal: Portal) -> None:
    rows = [{**row, "labels": {**row["labels"], "run": name}} for name in ("run 1", "run 2") for row in EXITS]
    found = drawn(page, portal, {"by": "run"}, rows, {"order": ["run 1", "run 2"]})
    assert len(found["entries"]) == 32 and len(looks(found)) == 32


def test_an_axis_of_one_value_names_it_once(page: Any, portal: Portal) -> None:
    found = drawn(page, portal, {"by": "exit"}, [EXITS[0] | {"step": 672_009}])
    assert found["axis"]["ticktext"] == ["672,009"] and found["axis"]["range"] == [336_004.5, 1_008_013.5]


def test_the_first_exits_of_a_run_differ_in_their_dashes_and_the_legend_shows_them(page: Any, portal: Portal) -> None:
    rows = [{**row, "labels": {"exit": row["labels"]["exit"], "run": name}} for name in ("run 1", "run 2") for row in EXITS]
    found = drawn(page, portal, {"by": "run", "within": "exit"}, rows, {"order": ["run 1", "run 2"]})
    assert len({each["dash"] for each in found["entries"]}) == 8
    assert len({(each["colour"], each["dash"]) for each in found["entries"]}) == 16


def test_one_moment_alone_is_written_once_in_hours_and_minutes(page: Any, portal: Portal) -> None:
    found = drawn(page, portal, {}, [{"name": "accuracy", "value": 1.0, "step": "2026-01-02 00:23:32", "labels": {}}])
    assert found["axis"]["ticktext"] == ["2026-01-02 00:23"]
    assert found["axis"]["range"] == ["2026-01-01 23:53:32", "2026-01-02 00:53:32"]


NO_DIFFERENCE = """async () => {
  const { Paired } = await import("/static/js/charts/paired.js");
  const chart = new Paired({ by: "recipe", unit: "points" }, { recipe: "" });
  const arm = { arm: "a", n: 3, mean: -17, low: -19, high: -15, p: 0.1, p_holm: 0.1, words: "", seeds: [[1, -16], [2, -18]] };
  chart.append({ type: "paired", body: [arm] });
  return chart.figure(new Set()).layout.xaxis.range;
}"""


def test_no_difference_is_inside_the_axis_where_all_lie_on_one_side(page: Any, portal: Portal) -> None:
    page.goto(f"{portal.address}/experiments/")
    low, high = page.evaluate(NO_DIFFERENCE)
    assert low < -19 and high > 0


HATCHED = """async () => {
  const { Bars } = await import("/static/js/charts/bars.js");
  const bars = new Bars({ y: ["mb"], x: "block", by: "figure", within: "figure" }, { recipe: "" });
  const say = (figure, block) => bars.append({ type: "metric", body: { name: "mb", value: 1, labels: { figure, block } } });
  for (const block of ["unit 1", "unit 8"]) { say("predicted", block); say("measured", block); }
  say("measured", "units 2-7");
  return [bars.entries.map((entry) => entry.mark), bars.figure(new Set()).data[0].x];
}"""


def test_predicted_bars_are_hatched_in_the_legend_and_blocks_stand_by_their_first_unit(page: Any, portal: Portal) -> None:
    page.goto(f"{portal.address}/experiments/")
    assert page.evaluate(HATCHED) == [["hatched", "square"], ["unit 1", "units 2-7", "unit 8"]]


def test_times_of_day_are_drawn_where_they_were(page: Any, portal: Portal) -> None:
    rows = [{"name": "accuracy", "value": 1.0, "step": f"2026-01-02 03:0{minute}:00", "labels": {}} for minute in (4, 5)]
    assert drawn(page, portal, {}, rows)["x"] == ["2026-01-02 03:04:00", "2026-01-02 03:05:00"]


def test_a_line_over_seconds_is_not_named_after_its_milliseconds(page: Any, portal: Portal) -> None:
    rows = [{"name": "accuracy", "value": 1.0, "step": step, "labels": {}} for step in (1000, 2000)]
    found = drawn(page, portal, {"steps_per_x": 1000, "y_title": "validation accuracy"}, rows)
    assert [each["label"] for each in found["entries"]] == ["validation accuracy"] and found["x"] == [1, 2]
