"""What a portfolio's verdict claims: no more than its rows carry."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from worker.portfolio.outcome import describe, summary, verdict
from worker.portfolio.rows import Row

DENSE = Row(level=0, variant="dense", offered=True, density=1.0, survivors=1000, params=1100, params_sparse=1100, macs=9,
            macs_sparse=9, size_bytes=5000, accuracy=0.95, accuracy_sparse=0.95, test_images=400, classes=10, commonest=0.1,
            different=0, largest_difference=0.0, latency_ms=1.0, latency_ms_sparse=1.0, latency_noisy=False,
            latency_words="no faster", memory_bytes=5000, memory_bytes_sparse=5000, epochs=10.0, train_seconds=1.0,
            shrink_seconds=0.1)
SAME = replace(DENSE, level=1, variant="level 1", density=0.5)
GOOD = replace(DENSE, level=2, variant="level 2", density=0.25, params=550, accuracy=0.945, latency_words="1.6× faster")
POOR = replace(GOOD, level=3, variant="level 3", density=0.01, params=110, accuracy=0.8)
DEAD = replace(POOR, accuracy=0.11)


def test_the_last_one_within_a_point_is_named_first() -> None:
    said = verdict([DENSE, SAME, GOOD, POOR], [DENSE, SAME, GOOD, POOR])
    assert ("the last, level 2, is 2.0× smaller and 1.6× faster than its fused sparse network, of whose weights 25 % are left"
            in said)
    assert "level 3 is 10.0× smaller" in said and "15.0 points less accurate than the dense network" in said


def test_the_dense_network_is_not_counted_among_the_levels() -> None:
    assert verdict([DENSE, SAME, GOOD], [DENSE, GOOD]).startswith(
        "2 variants of one search over the dense network and 2 levels; ")


@pytest.mark.parametrize("words", ["1.6× faster (noisy timing)", "no faster"])
def test_a_noisy_timing_is_said_once_whatever_it_shows(words: str) -> None:
    noisy = replace(GOOD, latency_words=words, latency_noisy=True)
    said = verdict([DENSE, noisy], [DENSE, noisy])
    assert f"{words.removesuffix(' (noisy timing)')} (noisy timing) than its fused" in said
    assert said.count("noisy timing") == describe(noisy).count("noisy timing") == 1


@pytest.mark.parametrize(("rows", "named"), [([DENSE, SAME, GOOD, POOR], GOOD), ([DENSE, POOR], POOR), ([DENSE], DENSE)])
def test_the_figures_are_those_of_the_level_that_the_sentence_names_first(rows: list[Row], named: Row) -> None:
    made: Any = {row.variant: SimpleNamespace(as_summary=dict) for row in rows}
    found = summary(rows, made)
    assert (found["params_after"], found["sparsity"]) == (named.params, 1 - named.density)


def test_what_guesses_is_called_so() -> None:
    assert "but no better than guessing among 10 classes" in verdict([DENSE, SAME, DEAD], [DENSE, SAME, DEAD])
    assert "no better than guessing" in describe(DEAD) and "guessing" not in describe(POOR)


def test_so_is_what_guesses_worse_than_by_lot_and_what_always_names_the_commonest_class() -> None:
    assert "no better than guessing among 10 classes" in describe(replace(POOR, accuracy=0.01))
    one_sided = replace(POOR, commonest=0.8)
    assert "no better than always naming the commonest class" in describe(one_sided)
    assert "but no better than always naming" in verdict([DENSE, one_sided], [DENSE, one_sided])
    assert "no better" not in describe(replace(one_sided, accuracy=0.86))


def test_no_smaller_network_is_praised_for_its_speed() -> None:
    assert "no smaller than its sparse network" in verdict([DENSE, SAME], [DENSE, SAME])
    assert "faster" not in verdict([DENSE, SAME], [DENSE, SAME])


def test_a_portfolio_without_a_variant_says_so() -> None:
    assert verdict([replace(DENSE, offered=False)], []) == (
        "no level can be offered: each answers otherwise than its sparse network")


def test_a_level_that_answers_otherwise_is_told_with_the_number_of_images() -> None:
    assert "for 3 test images, so it is not offered" in describe(replace(GOOD, different=3, offered=False))
