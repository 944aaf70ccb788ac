"""Devices held against each other: who speaks for each, what is not like with like, blocks that are cut otherwise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.devices.side_by_side import Column, Known, cut_otherwise, disturbed, lines, speaking, totals, unlike
from tests.apps.devices.profiled import SPANS, network
from worker.profile import NetworkProfile

ONE, TWO = UUID(int=1), UUID(int=2)
ORT, TORCH = ("onnxruntime", 1, 1, "a"), ("torch", 1, 1, "a")


def known(device: UUID, like: tuple[Any, ...], origin: str = "measured") -> Known:
    return Known(uuid4(), device, origin, like)


def column(name: str, told: NetworkProfile | None = None) -> Column:
    return Column(SimpleNamespace(pk=uuid4()), name, 0, uuid4(), told or network())


def test_the_profile_that_is_like_the_first_ones_speaks_though_another_is_newer() -> None:
    first, newer, like = known(ONE, ORT), known(TWO, TORCH), known(TWO, ORT)
    assert speaking([newer, first, like], [ONE, TWO]) == [first, like]


def test_of_equals_the_newest_speaks_and_measured_before_predicted() -> None:
    predicted, newer, older = known(ONE, ORT, "predicted"), known(ONE, ORT), known(ONE, ORT)
    assert speaking([predicted, newer, older], [ONE]) == [newer]


def test_a_chosen_profile_speaks_for_its_device_and_leads_the_others() -> None:
    older, newer, ort, torch = known(ONE, TORCH), known(ONE, ORT), known(TWO, ORT), known(TWO, TORCH)
    assert speaking([newer, older, ort, torch], [TWO, ONE], like=older) == [torch, older]


def test_a_device_without_a_profile_has_no_column() -> None:
    first = known(ONE, ORT)
    assert speaking([first], [TWO, ONE]) == [first]


@pytest.mark.parametrize(("differs", "said"), [
    ({"engine": "torch"}, "by different engines: pi4: onnxruntime; nano: torch"),
    ({"threads": 4}, "with different numbers of threads: pi4: 1; nano: 4"), ({"batch": 8}, "different batches"),
    ({"sha256": "cd" * 32}, "different files of the network: pi4: abababababab; nano: cdcdcdcdcdcd"),
    ({"threads": None}, "nano did not say"), ({"origin": "predicted"}, "Not everything here was measured: nano (predicted)"),
])
def test_what_is_not_like_with_like_is_named_with_who_has_what(differs: dict[str, Any], said: str) -> None:
    (sentence,) = unlike([column("pi4"), column("nano", network(**differs))])
    assert said in sentence


def test_like_with_like_is_not_warned_of() -> None:
    assert unlike([column("pi4"), column("nano", network((1.0, 1.0, 1.0)))]) == []


def test_noise_is_no_unlikeness_and_is_said_for_itself() -> None:
    both = [column("pi4", network(noisy=True)), column("nano", network(noisy=True))]
    assert unlike(both) == [] and disturbed(both) == "Other work disturbed the times of pi4, nano: they are not to be built on."
    assert disturbed([column("pi4")]) == ""


def test_the_network_in_one_piece_is_held_against_the_others_where_all_know_it() -> None:
    slow, fast, silent = (column(name, network(whole_s=whole)) for name, whole in (("pi4", 0.06), ("nano", 0.02), ("vm", None)))
    assert [row.times for row in totals([slow, fast], fast)] == pytest.approx([3.0, 1.0])
    assert [row.times for row in totals([slow, fast, silent], fast)] == pytest.approx([1.0, 1.0, 1.0]), "sums beside a sum"


def test_each_total_and_block_is_as_many_times_as_long_as_the_references() -> None:
    slow, fast = column("pi4", network((0.004, 0.012, 0.002))), column("nano")
    assert [row.times for row in totals([slow, fast], fast)] == pytest.approx([2.0, 1.0])
    assert [[cell.times for cell in line.cells] for line in lines([slow, fast], fast)] == [pytest.approx([2.0, 1.0])] * 3


def test_a_reference_that_takes_no_time_gives_no_ratio() -> None:
    nothing = column("zero", network((0.0, 0.0, 0.0)))
    assert [row.times for row in totals([column("pi4"), nothing], nothing)] == [None, None]
    assert lines([column("pi4"), nothing], nothing)[0].cells[0].times is None


def test_blocks_that_are_cut_otherwise_are_told_where() -> None:
    other = column("nano", network((0.001, 0.002), (("stem.conv", "block.conv1"), ("block.conv2", "head.fc"))))
    said = cut_otherwise([column("pi4"), other])
    assert "pi4 has 3 blocks and nano 2" in said
    assert "block 1: stem.conv on pi4, stem.conv … block.conv1 on nano" in said


def test_a_block_that_is_missing_at_the_end_is_told() -> None:
    shorter = column("nano", network((0.002, 0.006), SPANS[:2]))
    assert "block 3: head.fc on pi4, none on nano" in cut_otherwise([column("pi4"), shorter])
    assert cut_otherwise([column("pi4"), column("nano", network((9.0, 9.0, 9.0)))]) == ""
