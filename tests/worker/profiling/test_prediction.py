"""A prediction finds the prices that made the times, says the error of leaving out, and refuses where it knows too little."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.recipes.measured import SPEEDS, evidence, network, timed
from worker.evidence import DeviceFacts, Evidence, Seen
from worker.profile import Block, NetworkProfile
from worker.profiling.predicting import profile, verdict
from worker.profiling.prediction import TooLittle, predict
from worker.profiling.prediction.fitting import non_negative, relative
from worker.profiling.prediction.forms import FORMS, Form, linear, roofline
from worker.profiling.prediction.leaving_out import Answer, Answers, error, unchosen
from worker.profiling.prediction.like import Way, alike, asked_for, ways
from worker.profiling.prediction.rows import Rows, moved_bytes, rows_of

prices = st.tuples(*[st.floats(1e-3, 1e3)] * 3)
REGRESSIONS = [form for form in FORMS if not form.elsewhere]
PLAIN = NetworkProfile(network="plain", input_bytes=1000, blocks=tuple(
    Block(first=str(place), last=str(place), seconds=0.0, output_bytes=1000, params_bytes=0, macs=count, kinds={"conv": count})
    for place, count in enumerate((1_000, 2_000, 4_000, 3_000))))


def rows(seed: int, count: int = 40, kinds: int = 1) -> Rows:
    chance, zeros = np.random.default_rng(seed), np.zeros(count, dtype=np.int64)
    return Rows(tuple("abc"[:kinds]), chance.uniform(0, 1e6, (count, kinds)), chance.uniform(1e3, 1e6, count), np.ones(count),
                zeros, zeros, np.arange(count))


def scaled(profile: NetworkProfile, scale: float) -> NetworkProfile:
    return profile.model_copy(update={"blocks": tuple(
        block.model_copy(update={"seconds": scale * 1e-6 * (block.macs or 0)}) for block in profile.blocks)})


def of_devices(scales: dict[str, float], *profiles: NetworkProfile, **facts: dict[str, float]) -> Evidence:
    known = tuple(DeviceFacts(id=name, name=name, **{key: each[name] for key, each in facts.items()}) for name in scales)  # type: ignore[arg-type]
    return Evidence(devices=known, profiles=tuple(
        Seen(device=name, profile=scaled(profile, scale)) for profile in profiles for name, scale in scales.items()))


@settings(max_examples=30, deadline=None)
@given(prices, st.integers(0, 1000))
def test_known_prices_are_found_again(price: tuple[float, float, float], seed: int) -> None:
    known = rows(seed)
    columns = np.stack([known.macs[:, 0], known.moved, np.ones(len(known))], axis=1)
    seconds = columns @ np.array([price[0] * 1e-9, price[1] * 1e-9, price[2] * 1e-4])
    found = relative(columns, seconds, np.full(len(known), 1 / len(known)))
    assert columns @ found == pytest.approx(seconds, rel=1e-6)
    assert found == pytest.approx([price[0] * 1e-9, price[1] * 1e-9, price[2] * 1e-4], rel=1e-3, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_no_price_is_negative_and_none_could_be_better(seed: int, kinds: int) -> None:
    chance, known = np.random.default_rng(seed), rows(seed, kinds=kinds)
    columns = np.hstack([known.macs, known.moved[:, None]])
    wanted = chance.normal(size=len(known))
    found = non_negative(columns, wanted)
    slope = columns.T @ (wanted - columns @ found) / np.linalg.norm(columns, axis=0)
    assert (found >= 0).all()
    assert slope.max() < 1e-6 and np.abs(slope[found > 0]).max(initial=0) < 1e-6


@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize("form", [form for form in REGRESSIONS if form.needs_macs], ids=lambda form: form.name)
@given(st.integers(0, 1000), st.floats(1, 10))
def test_more_macs_never_take_less(form: Form, seed: int, more: float) -> None:
    known = rows(seed, kinds=2)
    seconds = np.random.default_rng(seed).uniform(1e-5, 1e-1, len(known))
    times = form.fit(known, seconds)
    assert (times(replace(known, macs=more * known.macs)) >= times(known) * (1 - 1e-12)).all()
    assert (times(known) >= 0).all()


def test_a_roof_is_found_where_there_is_one() -> None:
    known = rows(3, 200)
    seconds = np.maximum(3e-9 * known.macs[:, 0], 4e-9 * known.moved) + 1e-4
    weighted = replace(known, seconds=seconds)
    assert roofline(weighted, seconds)(weighted) == pytest.approx(seconds, rel=1e-3)
    assert np.abs(linear(weighted, seconds)(weighted) / seconds - 1).max() > 0.05


def test_the_error_of_leaving_one_of_three_devices_out_is_as_by_hand() -> None:
    # Scales 1, 2 and 4. Without its own, each is taken to be the geometric mean of the two others: sqrt(8), 2, sqrt(2).
    held = of_devices({"a": 1.0, "b": 2.0, "c": 4.0}, PLAIN)
    found = predict(held, PLAIN, "new")
    assert (found.basis, found.question.device_known, found.question.network_known) == ("class", False, True)
    assert (found.total.n, found.total.within) == (3, pytest.approx(4 / 2 ** 0.5 - 1, rel=1e-4))
    assert found.total.typical == pytest.approx(1 - 1 / 8 ** 0.5, rel=1e-4)
    assert found.total_s == pytest.approx(2 * 1e-6 * 10_000, rel=1e-4)
    assert "its speed is taken from a, b, c" in found.caveats[0]


def test_a_yardstick_that_all_have_tells_the_scale() -> None:
    speeds = {"a": 1.0, "b": 2.0, "c": 4.0}
    held = of_devices(speeds, PLAIN, yardstick_ms=speeds)
    new = DeviceFacts(id="new", name="new", yardstick_ms=8.0)
    found = predict(held.model_copy(update={"devices": (*held.devices, new)}), PLAIN, "new")
    assert (found.basis, found.total_s) == ("yardstick", pytest.approx(8 * 1e-2, rel=1e-4))
    assert found.total.within < 1e-3


def test_a_device_with_other_networks_of_its_own_is_scaled_by_them() -> None:
    chance = random.Random(1)
    two, three = network("two", chance), network("three", chance)
    held = of_devices({"a": 1.0, "b": 2.0}, two, three)
    mine = Evidence(devices=held.devices, profiles=(*held.profiles, *(
        Seen(device="c", profile=scaled(each, 16.0)) for each in (two, three))))
    found = predict(mine, PLAIN, "c")
    assert (found.basis, found.total_s) == ("own", pytest.approx(16 * 1e-2, rel=1e-3))
    assert found.total.within < 1e-3


def test_a_network_is_not_learnt_from_itself_on_the_device_that_is_asked_for() -> None:
    held = of_devices({"a": 1.0, "b": 2.0, "c": 4.0}, PLAIN)
    wrong = scaled(PLAIN, 1000.0)
    with_own = held.model_copy(update={"profiles": (*held.profiles, Seen(device="new", profile=wrong))})
    assert predict(with_own, PLAIN, "new").total_s == predict(held, PLAIN, "new").total_s


def test_what_was_predicted_is_no_evidence() -> None:
    held = of_devices({"a": 1.0, "b": 2.0, "c": 4.0}, PLAIN)
    guess = scaled(PLAIN, 1000.0).model_copy(update={"origin": "predicted"})
    more = held.model_copy(update={"profiles": (*held.profiles, Seen(device="d", profile=guess))})
    assert predict(more, PLAIN, "new") == predict(held, PLAIN, "new")


SHORT = PLAIN.model_copy(update={"blocks": PLAIN.blocks[:2]})


@pytest.mark.parametrize(("held", "said"), [
    (Evidence(), "there are 0 and 0"), (of_devices({"a": 1.0}, PLAIN), "there are 1 and 0"),
    (of_devices({"a": 1.0, "b": 1.0}, SHORT), "at least 8 measured blocks; there are 4"),
    (of_devices({"a": 1.0, "b": 1.0}, network("another", random.Random(1))), "measure another network"),
])
def test_too_little_is_refused_with_how_much_there_is(held: Evidence, said: str) -> None:
    with pytest.raises(TooLittle, match=said):
        predict(held, PLAIN, "new")


def of_kind(kind: str, share: float) -> NetworkProfile:
    """The plain network with a share of each block's MACs of another kind."""
    parts = [(round((1 - share) * (block.macs or 0)), round(share * (block.macs or 0))) for block in PLAIN.blocks]
    return PLAIN.model_copy(update={"network": "other", "blocks": tuple(
        block.model_copy(update={"kinds": {"conv": most, kind: rest}})
        for block, (most, rest) in zip(PLAIN.blocks, parts, strict=True))})


def test_a_kind_that_nobody_has_measured_is_said_and_when_it_is_most_of_the_network_refused() -> None:
    held = of_devices({"a": 1.0, "b": 2.0, "c": 4.0}, PLAIN, network("two", random.Random(2)))
    assert any("Nobody has measured depthwise" in each for each in predict(held, of_kind("depthwise", 0.25), "new").caveats)
    with pytest.raises(TooLittle, match="75% of the network's MACs are of kinds that nobody has measured"):
        predict(held, of_kind("depthwise", 0.75), "new")


def test_blocks_beyond_everything_measured_are_said_to_be_extrapolated() -> None:
    held = of_devices({"a": 1.0, "b": 2.0, "c": 4.0}, PLAIN, SHORT.model_copy(update={"network": "short"}))
    large = PLAIN.model_copy(update={"network": "large", "blocks": tuple(
        block.model_copy(update={"macs": count, "kinds": {"conv": count}})
        for block, count in zip(PLAIN.blocks, (5_000, 100_000, 400_000, 300_000), strict=True))})
    assert any("3 of 4 blocks have more MACs than any that was measured, up to 100.0 times: extrapolated" in each
               for each in predict(held, large, "new").caveats)
    assert not any("extrapolated" in each for each in predict(held, PLAIN, "new").caveats)


def test_noisy_measurements_give_an_error_and_the_truth_lies_within_it() -> None:
    asked, chance = network("asked", random.Random(11)), random.Random(12)
    found = predict(evidence(), asked, "slow")
    truth = timed(asked, SPEEDS["slow"], chance).total_s
    low, high = found.total.around(found.total_s)
    assert low <= truth <= high
    assert 0 < found.total.typical <= found.total.within < 0.5


def test_errors_are_shares_of_what_was_predicted_and_nothing_is_said_of_a_time_of_zero() -> None:
    found = error(np.array([1.0, 2.0, 4.0, 9.0]), np.array([1.1, 1.0, 4.0, 0.0]))
    assert (found.n, found.typical, found.within) == (3, pytest.approx(0.1), pytest.approx(0.5))
    assert found.mean == pytest.approx((0.1 / 1.1 + 1 + 0) / 3)
    assert error(np.ones(100), 1 + np.arange(100) / 100).within == pytest.approx(0.94)


def test_only_profiles_of_one_way_of_measuring_are_taken_together() -> None:
    held, other = evidence(), evidence()
    threads = [Seen(device=each.device, profile=each.profile.model_copy(update={"threads": 4})) for each in other.profiles[:2]]
    both = held.model_copy(update={"profiles": (*threads, *held.profiles)})
    assert ways(both) == [Way("onnxruntime", 1, 1), Way("onnxruntime", 4, 1)]
    assert alike(both, ways(both)[0]).profiles == held.profiles
    assert asked_for(ways(both), "", 4, 1) == [Way("onnxruntime", 4, 1)]
    assert asked_for(ways(both), "torch", 0, 1) == []


def test_a_block_moves_what_it_reads_what_it_gives_and_its_parameters() -> None:
    assert moved_bytes(PLAIN) == [2000, 2000, 2000, 2000]
    assert list(rows_of([Seen(device="a", profile=PLAIN)])[0].moved) == [2000, 2000, 2000, 2000]


def answers(*ratios: float) -> Answers:
    return Answers(tuple(Answer(fold, np.array([1.0]), np.array([ratio])) for fold, ratio in enumerate(ratios)))


def test_no_left_out_number_chooses_the_form_that_answers_it() -> None:
    one, other = answers(1.0, 1.3, 1.3), answers(1.1, 1.1, 1.6)
    found = unchosen([one, other])
    assert one.badness < other.badness
    assert [each.was[0] for each in found.every] == [1.0, 1.3, 1.6], "of the third the other form looks better, by the first two"
    assert found.of_totals.within > one.of_totals.within
    assert unchosen([answers(1.5), answers(1.2)]).of_totals.within == pytest.approx(0.2)


def test_of_few_left_out_the_sentence_says_that_it_is_the_worst_of_so_many() -> None:
    held = of_devices({"a": 1.0, "b": 2.0, "c": 4.0}, PLAIN)
    found = predict(held, PLAIN, "new")
    assert " % (the worst of 3 left out), not measured" in verdict(found, "plain", "new")
    assert profile(PLAIN, found).predicted_from == 3
    enough = replace(found, total=replace(found.total, n=20))
    assert "the worst" not in verdict(enough, "plain", "new")
