"""A profile as a table: shares, running sums, speed, its orders, and what the bars are told."""

from __future__ import annotations

import pytest

from apps.devices import blocks
from tests.apps.devices.profiled import network


def test_each_block_has_its_share_the_sum_until_it_and_its_speed() -> None:
    first, second, third = blocks.rows_of(network())
    assert (first.number, first.label, first.ms) == (1, "stem.conv", pytest.approx(2))
    assert second.label == "block.conv1 … add"
    assert [row.share for row in (first, second, third)] == pytest.approx([2 / 9, 6 / 9, 1 / 9])
    assert [row.cumulative_ms for row in (first, second, third)] == pytest.approx([2, 8, 9])
    assert second.macs_per_s == pytest.approx(2000 / 0.006)


def test_a_block_that_takes_nothing_or_whose_work_is_unknown_has_no_speed() -> None:
    told = network((0.0, 0.0, 0.0))
    assert [row.macs_per_s for row in blocks.rows_of(told)] == [None] * 3
    assert [row.share for row in blocks.rows_of(told)] == [0.0] * 3


@pytest.mark.parametrize(("asked", "order"), [
    ({}, [1, 2, 3]), ({"sort": "ms", "down": "on"}, [2, 1, 3]), ({"sort": "ms"}, [3, 1, 2]),
    ({"sort": "layers"}, [2, 3, 1]), ({"sort": "speed", "down": "on"}, [3, 1, 2]), ({"sort": "nonsense"}, [1, 2, 3]),
])
def test_the_table_is_sorted_as_the_address_asks(asked: dict[str, str], order: list[int]) -> None:
    shown = blocks.shown(network(), asked, device="pi4")["blocks"]
    assert [row.number for row in shown["page"]] == order


def test_a_third_click_leads_back_to_the_order_of_the_network() -> None:
    def head(asked: dict[str, str]) -> dict[str, str]:
        columns = blocks.shown(network(), asked, device="pi4")["blocks"]["columns"]
        return next(column for column in columns if column["name"] == "ms")

    first = head({})
    second = head({"sort": first["sort"], "down": first["down"]})
    third = head({"sort": second["sort"]})
    assert (first["down"], second["order"], second["down"], third["sort"]) == ("on", "descending", "", "")


@pytest.mark.parametrize(("text", "chosen"), [("2", 2), ("4", 0), ("-1", 0), ("x", 0), ("9" * 5000, 0), ("", 0)])
def test_a_block_that_is_not_there_is_not_chosen(text: str, chosen: int) -> None:
    assert blocks.shown(network(), {"block": text}, device="pi4")["blocks"]["chosen"] == chosen


def test_the_bars_are_told_with_their_intervals_colour_and_origin() -> None:
    config = blocks.config([("pi4", 3, network(origin="predicted"))])
    assert config["bars"]["pi4"][0] == [2.0, pytest.approx(1.8), pytest.approx(2.4)]
    assert config["origins"] == {"pi4": "predicted"} and config["places"] == {"pi4": 3}
    assert config["spans"][1] == ["block.conv1", "add"]


def test_without_known_work_its_columns_are_left_out() -> None:
    bare = network()
    bare = bare.model_copy(update={"blocks": tuple(block.model_copy(update={"macs": None}) for block in bare.blocks)})
    names = [column["name"] for column in blocks.shown(bare, {}, device="pi4")["blocks"]["columns"]]
    assert "macs" not in names and "speed" not in names
