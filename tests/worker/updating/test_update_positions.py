"""Positions of changed weights come back exactly, take about as few bytes as is possible, and damaged ones are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.updating.positions import Coded, Uncoded, coded, decoded


@given(st.integers(1, 5000).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))))
def test_any_positions_come_back(drawn: tuple[int, set[int]]) -> None:
    size, chosen = drawn
    positions = np.array(sorted(chosen), dtype=np.int64)
    assert np.array_equal(decoded(coded(positions, size), len(positions), size), positions)


@pytest.mark.parametrize("part", [0.001, 0.005, 0.01, 0.1, 0.5])
def test_they_take_little_more_than_their_entropy(part: float) -> None:
    size = 200_000
    positions = np.flatnonzero(np.random.default_rng(1).random(size) < part).astype(np.int64)
    share = len(positions) / size
    entropy = size * -(share * math.log2(share) + (1 - share) * math.log2(1 - share)) / 8
    assert entropy * 0.98 < len(coded(positions, size).body) < entropy * 1.05 + 16


def test_every_position_in_one_place_takes_a_bitmap_of_nothing() -> None:
    assert coded(np.arange(1000, dtype=np.int64), 1000) == Coded("all", b"")


def test_positions_that_float32_would_round_stay_exact() -> None:
    size = 2**25
    positions = np.array([2**24 - 1, 2**24 + 1, 2**24 + 3, size - 1], dtype=np.int64)
    assert np.array_equal(decoded(coded(positions, size), 4, size), positions)


@pytest.mark.parametrize("coding", ["bitmap", "gaps", "rice"])
def test_cut_lengthened_and_turned_bits_are_refused_or_stay_inside(coding: str) -> None:
    size, chance = 4000, np.random.default_rng(2)
    positions = np.sort(chance.permutation(size)[:40]).astype(np.int64)
    whole = coded(positions, size) if coding == "rice" else Coded(coding, _as(coding, positions, size))  # type: ignore[arg-type]
    assert whole.coding == coding
    for body in (whole.body[:-1], whole.body + b"\x80", b""):
        with pytest.raises(Uncoded):
            decoded(whole._replace(body=body), 40, size)
    for _ in range(300):
        turned = bytearray(whole.body)
        turned[chance.integers(len(turned))] ^= 1 << chance.integers(8)
        try:
            found = decoded(whole._replace(body=bytes(turned)), 40, size)
        except Uncoded:
            continue
        assert len(found) == 40
        assert (np.diff(found) > 0).all()
        assert found[0] >= 0
        assert found[-1] < size


def _as(coding: str, positions: np.ndarray, size: int) -> bytes:
    from worker.updating import positions as inside

    return inside._bitmap(positions, size) if coding == "bitmap" else inside._whole_bytes(np.diff(positions, prepend=-1) - 1)


@pytest.mark.parametrize("told, count, size", [
    (Coded("all", b""), 3, 4), (Coded("all", b"x"), 4, 4), (Coded("rice", b"\xff", 60), 1, 8),
    (Coded("rice", b"", 3), 2**39, 2**40), (Coded("gaps", b"\xff" * 7 + b"\x01"), 1, 100), (Coded("gaps", b"\x64"), 1, 100),
    (Coded("bitmap", b"\xff"), 8, 7), (Coded("gaps", b""), 5, 4), (Coded("gaps", b""), -1, 4),
])
def test_what_claims_more_than_it_has_is_refused(told: Coded, count: int, size: int) -> None:
    with pytest.raises(Uncoded):
        decoded(told, count, size)
