"""A packed network unpacks to the file it was made of, takes little where weights are zero, and is known when it was changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.switching.packing import Span, checked, expand, pack


def weights(count: int, density: float, seed: int = 0) -> bytes:
    chance = np.random.default_rng(seed)
    values = chance.standard_normal(count, dtype=np.float32) * np.float32(0.05)
    return np.where(chance.random(count) < density, values, np.float32(0)).astype("<f4").tobytes()


@given(before=st.binary(max_size=40), words=st.lists(st.integers(0, 2**32 - 1).filter(lambda word: word != 2**31), max_size=60),
       after=st.binary(max_size=40))
def test_every_word_comes_back_bit_for_bit(before: bytes, words: list[int], after: bytes) -> None:
    """Infinities, numbers that are none, the smallest ones: whatever stands there. A negative zero alone is not among them."""
    middle = np.array(words, "<u4").tobytes()
    body = before + middle + after
    assert expand(checked(pack(body, [(len(before), len(before) + len(middle))]))) == body


def test_a_negative_zero_becomes_a_zero() -> None:
    values = np.array([0.0, -0.0, 1.5, -1.5] * 300, "<f4")
    again = np.frombuffer(expand(pack(values.tobytes(), [(0, values.nbytes)])), "<f4")
    assert np.array_equal(again, values) and not np.signbit(again[1])


@pytest.mark.parametrize("density", [0.0, 0.004, 0.1, 0.5, 1.0])
def test_pieces_between_others_come_back_in_their_places(density: float) -> None:
    one, other = weights(300_000, density), weights(600_000, density, 1)
    body = b"head" + one + b"between" + other + b"tail"
    spans: list[Span] = [(4, 4 + len(one)), (11 + len(one), 11 + len(one) + len(other))]
    assert expand(checked(pack(body, spans))) == body


def test_it_takes_what_its_weights_take_that_are_not_zero() -> None:
    body = weights(1_000_000, 0.05)
    packed = pack(body, [(0, len(body))])
    assert 0.05 * len(body) * 0.75 < len(packed) < 0.05 * len(body) + len(body) / 32 + 10_000


def test_also_a_dense_network_takes_less_and_never_more() -> None:
    body = weights(1_000_000, 1.0)
    assert len(pack(body, [(0, len(body))])) < 0.85 * len(body)


def test_one_that_was_changed_is_refused() -> None:
    packed = bytearray(pack(weights(2000, 0.3), [(0, 8000)]))
    packed[-5] ^= 1
    for bad in (bytes(packed), b"", b"nothing of ours", pack(b"x" * 5000, [])[:-1]):
        with pytest.raises(ValueError, match="not what was packed"):
            checked(bad)
