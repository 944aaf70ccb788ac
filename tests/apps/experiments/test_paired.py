"""The paired test: numbers that were computed by hand, the same numbers from scipy, and what it refuses to conclude."""

from __future__ import annotations

import subprocess
import sys

import pytest

from apps.experiments.paired import MOST_EXACT, holm, needed, paired, sign_flips, t_below, t_quantile, too_few


def test_three_differences_as_computed_by_hand() -> None:
    """1, 2, 3: mean 2, sd 1, t of 2 degrees 4.3027, half width 4.3027 / sqrt(3) = 2.4841; 2 of 8 flips reach a sum of 6."""
    found = paired([1.0, 2.0, 3.0])
    assert found and (found.n, found.mean, found.p, found.is_exact) == (3, 2.0, 0.25, True)
    assert found.low == pytest.approx(-0.48414, abs=1e-5) and found.high == pytest.approx(4.48414, abs=1e-5)
    assert not found.is_told_apart and found.least_p == 0.25


def test_an_interval_that_leaves_zero_out_tells_three_pairs_apart_and_two_never() -> None:
    three, two = paired([1.0, 1.1, 0.9]), paired([1.0, 1.0])
    assert three and three.is_told_apart
    assert two and (two.low, two.high, two.p) == (1.0, 1.0, 0.5) and not two.is_told_apart


def test_one_difference_has_no_interval_and_none_has_no_test() -> None:
    found = paired([0.3])
    assert found and (found.low, found.high, found.p) == (None, None, 1.0) and not found.is_told_apart
    assert paired([]) is None


@pytest.mark.parametrize(("differences", "p"), [
    ([1.0, -1.0], 1.0), ([0.0, 0.0, 0.0], 1.0), ([1.0, 1.0, 1.0, 1.0], 0.125), ([3.0, 1.0, -1.0], 0.75),
    ([0.1, 0.2, 0.3, 0.0], 0.25), ([5.0, 4.0, 3.0, 2.0, -1.0], 0.125)])
def test_flips_are_counted_exactly_and_ties_count(differences: list[float], p: float) -> None:
    assert sign_flips(differences) == (p, True)


def test_flips_of_tenths_are_ties_although_their_sums_differ_in_the_last_digit() -> None:
    assert sign_flips([0.1, 0.2, -0.3]) == (1.0, True)
    assert sign_flips([0.7, 0.1, 0.1, -0.1]) == sign_flips([7.0, 1.0, 1.0, -1.0])


def test_very_many_pairs_are_judged_by_drawn_flips_the_same_each_time() -> None:
    many = [1.0] * (MOST_EXACT + 1)
    p, is_exact = sign_flips(many)
    assert not is_exact and 0 < p < 0.001 and sign_flips(many) == (p, False)


def test_holm_as_computed_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0] and holm([0.2]) == [0.2] and holm([]) == []


def test_quantiles_of_t_as_tables_print_them() -> None:
    table = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 30: 2.042}
    assert {df: round(t_quantile(0.975, df), 3) for df in table} == table
    assert t_below(0.0, 5) == 0.5


def test_scipy_says_the_same() -> None:
    stats = pytest.importorskip("scipy.stats")
    differences = [0.31, -0.12, 0.54, 0.22, 0.17, -0.05, 0.4]
    found = paired(differences)
    assert found
    one = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((one.low, one.high), rel=1e-9)
    whole = stats.permutation_test((differences,), lambda x, axis: x.mean(axis=axis), permutation_type="samples",
                                   n_resamples=float("inf"))
    assert found.p == pytest.approx(whole.pvalue)
    for df in (1, 2, 7, 40):
        assert t_quantile(0.975, df) == pytest.approx(stats.t.ppf(0.975, df), rel=1e-9)


def test_it_needs_neither_django_nor_numpy() -> None:
    asked = "import sys, apps.experiments.paired; print(sorted({'django', 'numpy', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(("tests", "pairs"), [(1, 6), (2, 7), (3, 7), (4, 8), (11, 9)])
def test_as_many_pairs_are_needed_as_can_be_significant_after_holm(tests: int, pairs: int) -> None:
    least = [sign_flips([0.1] * n)[0] for n in (pairs - 1, pairs)]
    assert min(holm([least[0]] * tests)) > 0.05 >= max(holm([least[1]] * tests))
    assert needed(tests) == pairs and too_few(pairs, tests) == ""
    assert f"With {pairs - 1} seeds no difference can be shown at 5 %: {pairs} are needed" in too_few(pairs - 1, tests)
