"""The break-even bandwidth of two ways, and which of several is the fastest from where to where."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.partitioning.transfer.ways import Way, bands, faster_below, fastest, mbps

SECONDS = st.floats(0, 10, allow_nan=False)
BYTES = st.integers(0, 10**8)
BANDWIDTH = st.floats(1, 1e10)
WAYS = st.lists(st.builds(Way, st.just("a"), SECONDS, BYTES), min_size=1, max_size=6).map(
    lambda ways: [Way(f"way {number}", way.fixed_s, way.bytes) for number, way in enumerate(ways)])


@given(raw=st.integers(2, 10**8), saved=st.floats(0.01, 0.99), overhead=SECONDS, rest=SECONDS, bandwidth=BANDWIDTH)
def test_a_transfer_layer_is_better_than_raw_if_and_only_if_what_it_saves_on_the_way_is_more_than_it_takes(
    raw: int, saved: float, overhead: float, rest: float, bandwidth: float,
) -> None:
    sent = min(raw - 1, int(raw * (1 - saved)))
    layer, whole = Way("transfer layer", rest + overhead, sent), Way("raw", rest, raw)
    gain = (raw - sent) / bandwidth - ((rest + overhead) - rest)
    if abs(gain) < 1e-9 * (1 + rest + overhead + raw / bandwidth):
        return
    assert (bandwidth < faster_below(layer, whole)) == (gain > 0)
    assert (layer.seconds(bandwidth) < whole.seconds(bandwidth)) == (gain > 0)


def test_at_the_break_even_both_take_the_same() -> None:
    layer, raw = Way("layer", 0.012, 4096), Way("raw", 0.010, 65536)
    edge = faster_below(layer, raw)
    assert edge == pytest.approx((65536 - 4096) / 0.002)
    assert layer.seconds(edge) == pytest.approx(raw.seconds(edge))
    assert mbps(125_000) == 1


def test_what_takes_no_more_and_sends_less_is_always_better_and_what_sends_nothing_waits_for_nobody() -> None:
    assert faster_below(Way("a", 1.0, 10), Way("b", 1.0, 20)) == math.inf
    assert Way("here", 0.5, 0).seconds(1e-9) == 0.5
    with pytest.raises(ValueError, match="sends no less"):
        faster_below(Way("a", 1.0, 20), Way("b", 1.0, 20))


@given(ways=WAYS, bandwidth=st.floats(1e3, 1e9))
def test_whoever_a_band_names_is_the_fastest_in_it(ways: list[Way], bandwidth: float) -> None:
    found = bands(ways, 1e3, 1e9)
    assert found[0].low == 1e3 and found[-1].high == 1e9
    assert all(one.high == other.low and one.way != other.way for one, other in pairwise(found))
    here = next(band for band in found if band.low <= bandwidth <= band.high)
    best = fastest(ways, bandwidth).seconds(bandwidth)
    assert here.way.seconds(bandwidth) == pytest.approx(best, rel=1e-6, abs=1e-9)
