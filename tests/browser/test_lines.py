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


def test_times_of_day_are_drawn_where_they_were(page: Any, portal: Portal) -> None:
    rows = [{"name": "accuracy", "value": 1.0, "step": f"2026-01-02 03:0{minute}:00", "labels": {}} for minute in (4, 5)]
    assert drawn(page, portal, {}, rows)["x"] == ["2026-01-02 03:04:00", "2026-01-02 03:05:00"]


def test_a_line_over_seconds_is_not_named_after_its_milliseconds(page: Any, portal: Portal) -> None:
    rows = [{"name": "accuracy", "value": 1.0, "step": step, "labels": {}} for step in (1000, 2000)]
    found = drawn(page, portal, {"steps_per_x": 1000, "y_title": "validation accuracy"}, rows)
    assert [each["label"] for each in found["entries"]] == ["validation accuracy"] and found["x"] == [1, 2]
