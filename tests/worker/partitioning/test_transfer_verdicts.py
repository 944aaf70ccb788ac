"""What is said of a transfer layer: where it is the fastest way, what would be faster, and from which bandwidth on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from worker.partitioning.transfer.candidates import Candidate
from worker.partitioning.transfer.options import read
from worker.partitioning.transfer.outcome import Outcome
from worker.partitioning.transfer.overhead import Overhead
from worker.partitioning.transfer.pictures import Picture
from worker.partitioning.transfer.sides import Sides
from worker.partitioning.transfer.telling import verdict
from worker.training.accuracy import Score
from worker.wording import figures

AFTER, SHAPE = "relu5", (16, 32, 32)
PICTURES = (Picture("JPEG 50", 20_000, 0.001, 0.001, 0.80, 500), Picture("JPEG 90", 60_000, 0.001, 0.001, 0.9, 500),
            Picture("PNG", 150_000, 0.002, 0.002, 0.901, 500))


def outcome(*, mbps: float, pi_s: float = 2.0, pictures: Any = PICTURES, accepted: bool = True, drop: float = 0.005) -> Outcome:
    sides = Sides("pi", "rack", 0.02, mbps * 125_000, {AFTER: 0.2 * pi_s}, {AFTER: 0.02}, (pi_s, 0.03), (1.0, 0.1), True)
    candidate = Candidate(AFTER, read("max-pool, int8"), SHAPE)
    found: Any = SimpleNamespace(candidate=candidate, overhead=Overhead(0.001, 0.002, 0.01, 4300), score=Score(450, 500))
    base: Any = SimpleNamespace(score=Score(451, 500), data=SimpleNamespace(in_shape=(3, 224, 224)))
    refused: Any = SimpleNamespace(candidate=candidate, why="it loses too much")
    asked: Any = SimpleNamespace(most_drop=drop)
    return Outcome(asked, base, [found] if accepted else [], [] if accepted else [refused], [], pictures, [sides])


def test_over_a_thin_link_it_is_the_fastest_way() -> None:
    said = verdict(outcome(mbps=0.5))
    assert "sends 4,096 bytes an image instead of 65,536, 16 times less" in said
    assert "as accurate as the uncut network within the noise (−0.2 points, test, n = 500)" in said
    assert said.endswith("At 0.5 Mbit/s and 20 ms nothing else is faster (510 ms, predicted).")


def test_over_a_wide_link_the_picture_is_and_it_is_said_where_it_would_not_be() -> None:
    of = outcome(mbps=100)
    said = verdict(of)
    assert "sending the picture as JPEG 90 (60,000 bytes) and running everything on rack would be faster" in said
    low, high = next((low, high) for way, low, high in of.bands() if way.name == "max-pool, int8")
    edge = (60_000 - 4_096) / ((0.4 + 0.001 + 0.002 + 0.001 + 0.02) - (0.001 + 0.0001 + 0.03))
    assert high == pytest.approx(edge) and low < high
    assert f"the fastest way from {low / 125_000:.3g} to {high / 125_000:.3g} Mbit/s" in said


def test_a_picture_that_costs_more_accuracy_than_is_allowed_is_no_rival() -> None:
    assert outcome(mbps=1).picture == PICTURES[1]
    assert outcome(mbps=1, drop=0.2).picture == PICTURES[0]
    assert outcome(mbps=1, drop=0.0).picture == PICTURES[2]
    assert outcome(mbps=1, pictures=()).picture is None


def test_where_the_device_is_quick_nothing_is_sent() -> None:
    said = verdict(outcome(mbps=1, pi_s=0.01))
    assert "running everything on pi would be faster (10 ms, predicted; with the transfer layer" in said


@pytest.mark.parametrize(("pi_s", "where"), [(0.01, "slower than the transfer layer at every bandwidth"), (0.06, "")])
def test_the_picture_is_held_against_the_layer_where_neither_is_the_fastest(pi_s: float, where: str) -> None:
    above = (60_000 - 4_096) / ((0.2 * pi_s + 0.001 + 0.002 + 0.001 + 0.02) - (0.001 + 0.0001 + 0.03)) / 125_000
    where = where or f"faster than the transfer layer above {figures(above)} Mbit/s"
    assert verdict(outcome(mbps=1, pi_s=pi_s)).endswith(f"Sending the picture as JPEG 90 (60,000 bytes) is {where}.")


def test_the_break_even_with_the_feature_map_as_it_is_is_what_it_saves_over_what_it_takes() -> None:
    of = outcome(mbps=1)
    edge = of.better_than_raw_below(of.accepted[0])
    assert edge is not None and edge == pytest.approx((65_536 - 4_096) / (0.001 + 0.002 + 0.001))
    assert f"It is faster than the feature map as it is below {edge / 125_000:.0f} Mbit/s." in verdict(of)


def test_where_none_is_accepted_what_is_the_fastest_is_said_all_the_same() -> None:
    said = verdict(outcome(mbps=100, accepted=False))
    assert said.startswith("no transfer layer of 1 tried was accepted; max-pool, int8 behind relu5 was not, as it loses too")
    assert "sending the picture as JPEG 90 (60,000 bytes) and running everything on rack would be faster" in said
