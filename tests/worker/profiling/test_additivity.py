"""What the blocks come to is said in words, and a difference is never without its meaning."""

from __future__ import annotations

import pytest

from worker.profile import Block, NetworkProfile
from worker.profiling.additivity import meaning, verdict


def profile(*milliseconds: float, whole: float | None = None, noisy: bool = False) -> NetworkProfile:
    blocks = tuple(Block(first=f"conv{i}", last=f"relu{i}", seconds=ms / 1e3, output_bytes=4000 // i)
                   for i, ms in enumerate(milliseconds, 1))
    error = sum(milliseconds) / whole - 1 if whole else None
    return NetworkProfile(network="net", blocks=blocks, whole_s=whole and whole / 1e3, additivity_error=error, noisy=noisy)


def test_the_verdict_names_sum_whole_slowest_block_and_smallest_tensor() -> None:
    assert verdict(profile(1, 3, 0.31, whole=4.29)) == (
        "sum of 3 blocks 4.31 ms, whole 4.29 ms (+0.5 %); block 2 (conv2 .. relu2) takes 70 %; "
        "the smallest tensor, 2 kB, is at the cut behind relu2")


def test_where_noise_reaches_what_was_taken_in_turn_is_told_too() -> None:
    told = verdict(profile(1, 3, whole=5, noisy=True), 1.004)
    assert told.endswith("; in turn, a pass in blocks lasted 1.00 times a whole one")
    assert "in turn" not in verdict(profile(1, 3, whole=4), 1.004)


def test_a_network_without_a_cut_says_so() -> None:
    assert verdict(profile(2, whole=2)) == "sum of 1 block 2 ms, whole 2 ms (+0.0 %); there is no place to cut it"


@pytest.mark.parametrize(("whole", "noisy", "told"), [
    (4.1, False, ""), (3, False, "A plan with few cuts pays less than this"), (6, False, "hit those in blocks less"),
    (3.5, True, "the difference says little"), (5, True, "the difference says little"),
    (2, True, "pays less than this"),
])
def test_a_difference_that_counts_has_its_meaning(whole: float, noisy: bool, told: str) -> None:
    found = profile(1, 3, whole=whole, noisy=noisy)
    assert (told in meaning(found)) if told else (meaning(found) == "")
