"""Whether a variant keeps a criterion: by hand, and for every number there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.portfolios.judging import Evidence, Rule, chosen, judge

DAY = datetime(2026, 11, 1, tzinfo=UTC)
numbers = st.floats(min_value=0, max_value=1e15, allow_nan=False)


def evidence(value: float = 4.0, days: int = 0, **more: Any) -> Evidence:
    about: dict[str, Any] = {"metric": "latency_ms_p50", "unit": "ms", "origin": "measured", "device": "jetson",
                             "engine": "onnxruntime", "batch": 1, "id": f"{days}"}
    return Evidence(value=value, when=DAY + timedelta(days=days), **{**about, **more})


def rule(bound: float = 5.0, **more: Any) -> Rule:
    return Rule(**{"metric": "latency_ms_p50", "comparison": "at_most", "bound": bound, **more})


evidences = st.builds(
    evidence, value=numbers, days=st.integers(0, 9), origin=st.sampled_from(["measured", "predicted", "emulated"]),
    device=st.sampled_from(["jetson", "pi"]), engine=st.sampled_from(["onnxruntime", "torch"]),
    batch=st.sampled_from([1, 8, None]))
rules = st.builds(rule, bound=numbers, comparison=st.sampled_from(["at_most", "at_least"]),
                  device=st.sampled_from(["", "jetson", "pi"]))


@pytest.mark.parametrize(("value", "comparison", "verdict"), [
    (4.9, "at_most", "pass"), (5.0, "at_most", "pass"), (5.1, "at_most", "fail"),
    (4.9, "at_least", "fail"), (5.0, "at_least", "pass"), (5.1, "at_least", "pass")])
def test_a_number_on_the_bound_keeps_it(value: float, comparison: str, verdict: str) -> None:
    assert judge(rule(comparison=comparison), [evidence(value)]).verdict == verdict


def test_without_evidence_it_is_not_measured() -> None:
    judged = judge(rule(), [])
    assert (judged.verdict, judged.keeps, judged.evidence) == ("unmeasured", None, None) and not judged.passes


def test_another_device_says_nothing_of_this_one() -> None:
    assert judge(rule(device="pi"), [evidence(1.0)]).verdict == "unmeasured"


def test_another_data_set_says_nothing_of_this_one() -> None:
    asked = Rule("accuracy", "at_least", 0.9, dataset="digits32")
    assert judge(asked, [evidence(0.99, metric="accuracy", dataset="digits8")]).verdict == "unmeasured"


def test_the_newest_of_equal_measurements_counts() -> None:
    assert judge(rule(), [evidence(9.0, 1), evidence(3.0, 2)]).verdict == "pass"
    assert judge(rule(), [evidence(3.0, 1), evidence(9.0, 2)]).verdict == "fail"


def test_the_headline_engine_counts_before_a_newer_other_one() -> None:
    assert judge(rule(), [evidence(4.0, 1), evidence(9.0, 5, engine="torch")]).verdict == "pass"


def test_single_images_count_before_a_newer_batch() -> None:
    assert judge(rule(), [evidence(4.0, 1), evidence(90.0, 5, batch=64)]).verdict == "pass"


def test_the_test_part_counts_before_newer_validation() -> None:
    asked = Rule("accuracy", "at_least", 0.9)
    known = [evidence(0.95, 1, metric="accuracy", split="test"), evidence(0.5, 5, metric="accuracy", split="validation")]
    assert judge(asked, known).verdict == "pass"


@pytest.mark.parametrize("origin", ["predicted", "emulated"])
def test_what_nobody_measured_never_passes(origin: str) -> None:
    judged = judge(rule(), [evidence(0.1, origin=origin)])
    assert (judged.verdict, judged.keeps, judged.passes) == (origin, True, False)


def test_an_interval_around_the_bound_is_within_the_noise() -> None:
    assert judge(rule(), [evidence(4.9, low=4.5, high=5.3)]).is_noise
    assert not judge(rule(), [evidence(4.9, low=4.8, high=5.0)]).is_noise
    assert not judge(rule(), [evidence(4.9)]).is_noise


@given(rules, st.lists(evidences, max_size=8))
def test_the_verdict_is_that_of_evidence_that_fits(rule: Rule, known: list[Evidence]) -> None:
    judged = judge(rule, known)
    fitting = [each for each in known if rule.device in ("", each.device)]
    assert (judged.verdict == "unmeasured") == (not fitting)
    if judged.evidence:
        assert judged.evidence in fitting
        below = judged.evidence.value <= rule.bound
        above = judged.evidence.value >= rule.bound
        assert judged.keeps == (below if rule.comparison == "at_most" else above)
    if judged.passes:
        assert judged.evidence and judged.evidence.origin == "measured" and judged.keeps


@given(rules, st.lists(evidences, min_size=1, max_size=8))
def test_measured_counts_before_anything_else(rule: Rule, known: list[Evidence]) -> None:
    best = chosen(rule, known)
    if best and best.origin != "measured":
        assert not any(each.origin == "measured" and rule.device in ("", each.device) for each in known)


@given(rules, st.lists(evidences, max_size=8, unique_by=lambda each: each.id), st.randoms())
def test_the_order_of_the_evidence_does_not_matter(rule: Rule, known: list[Evidence], chance: Any) -> None:
    shuffled = list(known)
    chance.shuffle(shuffled)
    assert judge(rule, known) == judge(rule, shuffled)


@given(numbers, numbers, numbers)
def test_a_looser_bound_never_turns_pass_into_fail(value: float, bound: float, more: float) -> None:
    strict, loose = judge(rule(bound), [evidence(value)]), judge(rule(bound + more), [evidence(value)])
    assert loose.passes or not strict.passes


def test_a_disturbed_timing_near_its_bound_is_within_the_noise_however_narrow_its_interval() -> None:
    assert judge(rule(), [evidence(4.0, low=3.9, high=4.1, noisy=True)]).is_noise
    assert not judge(rule(), [evidence(4.0, low=3.9, high=4.1)]).is_noise


def test_a_disturbed_timing_far_from_its_bound_is_not_within_the_noise() -> None:
    assert not judge(rule(1.5), [evidence(0.33, low=0.322, high=0.340, noisy=True)]).is_noise
    assert judge(rule(1.5), [evidence(1.4, low=1.1, high=9.49)]).is_noise
