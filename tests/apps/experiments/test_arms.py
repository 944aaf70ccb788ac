"""Which settings are compared with each other: the same ones, or those of an equal budget; who is left out, and why."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.experiments.arms import Match, arms_of, matched
from apps.experiments.contest import ALL, by_setting, verdicts
from apps.experiments.models import Run
from apps.experiments.reading import Result
from apps.experiments.spread import combined

FIELDS = ["recipe", "sparsity", "channels"]
Rows = list[tuple[Run, list[Result]]]


def run(recipe: str, seed: int = 7, model: str = "m", spent: float = 2.0, worker: str = "host", **params: Any) -> Run:
    return Run(pk=uuid4(), number=1, recipe=recipe, params={"seed": seed, **params}, live_params={}, worker=worker,
               inputs={"model": {"kind": "model", "id": model}}, summary={"epoch_equivalents": spent, "train_seconds": 1.0})


def made(recipe: str, size: int = 100, accuracy: float = 0.9, seeds: tuple[int, ...] = (7,), noisy: bool = False,
         engine: str = "ort", latency: float = 1.0, **values: Any) -> Rows:
    about = {k: values.pop(k) for k in ("model", "spent", "worker") if k in values}
    return [(run(recipe, seed, **about, **values), [
        Result("dense", params=1000, accuracy=0.95),
        Result(f"{recipe} {sorted(values.values())}", params=size, accuracy=accuracy + 0.01 * place, accuracy_of="test",
               latency_ms=latency, latency_noisy=noisy, latency_engine=engine)]) for place, seed in enumerate(seeds)]


def compared(*rows: Rows, baseline: str = "a", hold: str = "", within: float = 0.05) -> tuple[list[Match], list[tuple[str, str]]]:
    runs = [each for many in rows for each in many]
    found = combined([run for run, _ in runs], {run.pk: results for run, results in runs}, FIELDS)
    matches, left = matched(arms_of(found, "recipe"), baseline, hold, within)
    return matches, [(f"{each.setting.arm} {each.setting.label}", each.why) for each in left]


def pairs(matches: list[Match]) -> list[tuple[str, dict[str, str]]]:
    return [(match.base.label, {arm: each.label for arm, each in match.beside.items()}) for match in matches]


def test_equal_settings_stand_together_and_the_dense_network_belongs_to_nobody() -> None:
    matches, left = compared(made("a", sparsity=0.5), made("a", sparsity=0.9), made("b", sparsity=0.9), made("b", sparsity=0.7))
    assert pairs(matches) == [("sparsity 0.5", {}), ("sparsity 0.9", {"b": "sparsity 0.9"})]
    assert left == [("a sparsity 0.5", "no run has the same settings"), ("b sparsity 0.7", "no run has the same settings")]


def test_who_takes_no_sparsity_is_told_to_hold_a_budget_equal() -> None:
    matches, left = compared(made("a", sparsity=0.5), made("b", channels=0.5))
    assert pairs(matches) == [("sparsity 0.5", {})]
    assert left[0] == ("a sparsity 0.5", "not both take sparsity and channels: hold a budget equal instead")


def test_at_equal_parameters_the_nearest_within_the_tolerance_stand_together_one_to_one() -> None:
    matches, left = compared(made("a", 100, sparsity=0.5), made("a", 50, sparsity=0.9), made("b", 97, channels=0.6),
                             made("b", 96, channels=0.5), made("b", 20, channels=0.1), hold="params")
    assert pairs(matches) == [("sparsity 0.5", {"b": "channels 0.6"}), ("sparsity 0.9", {})]
    assert dict(left) == {
        "a sparsity 0.9": "the nearest, channels 0.1, is 60 % away",
        "b channels 0.5": "the nearest, sparsity 0.5, is compared with a setting that is nearer to it",
        "b channels 0.1": "the nearest, sparsity 0.9, is 150 % away"}


def test_a_wider_tolerance_takes_more_and_none_takes_only_what_is_the_same() -> None:
    rows = (made("a", 100, sparsity=0.5), made("b", 108, channels=0.5))
    assert [bool(compared(*rows, hold="params", within=within)[0][0].beside) for within in (0.0, 0.05, 0.08, 0.1)] == [
        False, False, True, True]


def test_of_several_that_are_near_enough_the_one_with_the_same_settings_is_taken() -> None:
    """Scattered zeros leave the number of stored parameters alone: the same sparsities belong together."""
    matches, _ = compared(made("a", 100, sparsity=0.5), made("a", 100, sparsity=0.9), made("b", 101, sparsity=0.5),
                          made("b", 100, sparsity=0.9), hold="params")
    assert pairs(matches) == [("sparsity 0.5", {"b": "sparsity 0.5"}), ("sparsity 0.9", {"b": "sparsity 0.9"})]


@pytest.mark.parametrize(("mine", "taken"), [(2.05, True), (2.2, False), (0.0, False)])
def test_epochs_are_those_of_training_and_pruning_together(mine: float, taken: bool) -> None:
    matches, _ = compared(made("a", spent=2.0, sparsity=0.5), made("b", spent=mine, sparsity=0.9), hold="epochs")
    assert bool(matches[0].beside) == taken


def test_another_model_is_never_compared_and_an_unknown_budget_is_said() -> None:
    matches, left = compared(made("a", sparsity=0.5), made("b", model="other", sparsity=0.5))
    assert not matches[0].beside and left[0][1] == "was given another model or other data"
    _, left = compared(made("a", sparsity=0.5), made("b", sparsity=0.5), hold="macs")
    assert left[0][1] == "its MACs are not known yet"


def test_an_arm_that_never_measured_anything_is_said() -> None:
    rows = made("a", sparsity=0.5)
    found = combined([run for run, _ in rows], {run.pk: results for run, results in rows}, FIELDS)
    matches, left = matched(arms_of(found, "recipe", ["a", "b"]), "a", "params", 0.05)
    assert pairs(matches) == [("sparsity 0.5", {})] and [each.why for each in left] == ["nothing was measured of the other"]
    assert matched(arms_of(found, "recipe", ["a", "b"]), "b", "", 0.05)[0] == []


def test_each_seed_counts_once_with_its_mean_over_the_settings() -> None:
    rows = (made("a", accuracy=0.8, seeds=(7, 8), sparsity=0.5), made("b", accuracy=0.9, seeds=(7, 8), sparsity=0.5),
            made("a", accuracy=0.8, seeds=(7, 8, 9), sparsity=0.9), made("b", accuracy=0.6, seeds=(7, 8, 9), sparsity=0.9))
    matches, _ = compared(*rows)
    [found] = verdicts(matches, ["b"], "accuracy")
    assert (found.of, found.matches, found.seeds) == (ALL, 2, [7, 8])
    assert found.test and found.test.mean == pytest.approx((0.1 - 0.2) / 2) and found.test.n == 2
    assert found.words == "too few seeds to say: 2"
    alone = by_setting(matches, ["b"], "accuracy")
    assert [(each.of, each.test and each.test.n) for each in alone] == [("sparsity 0.5", 2), ("sparsity 0.9", 3)]


def words(measure: str, mine: list[float], **more: Any) -> str:
    """What is said of b against a, whose differences these are."""
    rows: Rows = []
    for seed, value in enumerate(mine):
        key = "latency" if measure == "latency_ms" else "accuracy"
        rows += made("a", seeds=(seed,), sparsity=0.5, **{key: 0.5})
        rows += made("b", seeds=(seed,), sparsity=0.5, **{key: 0.5 + value}, **more)
    matches, _ = compared(rows)
    return verdicts(matches, ["b"], measure)[0].words


def test_words_follow_the_interval_and_the_number_of_seeds() -> None:
    assert words("accuracy", [0.1, 0.1]).startswith("too few seeds")
    assert words("accuracy", [0.3, -0.1, 0.1]) == "no difference shown"
    assert words("accuracy", [0.1, 0.11, 0.12]) == (
        "more accurate by the interval, but not by p after Holm: 3 seeds give no p under 0.25")
    assert words("accuracy", [-0.1, -0.11, -0.12, -0.1, -0.11, -0.13]) == "less accurate"
    assert words("latency_ms", [-0.1, -0.11, -0.12, -0.1, -0.11, -0.13]) == "faster"


def test_nothing_is_concluded_from_disturbed_or_unlike_timings() -> None:
    many = [-0.1, -0.11, -0.12, -0.1, -0.11, -0.13]
    assert words("latency_ms", many, noisy=True) == "noisy timing: nothing is concluded"
    assert words("latency_ms", many, engine="torch") == "came about in different ways: not compared"
    assert words("seconds", many, worker="elsewhere") == "came about in different ways: not compared"


def test_holm_is_over_the_recipes_that_could_be_tested() -> None:
    rows = [*made("a", seeds=(1, 2, 3, 4), sparsity=0.5), *made("c", accuracy=0.1, seeds=(1, 2, 3, 4), sparsity=0.5),
            *made("b", accuracy=0.8, seeds=(1, 2, 3, 4), sparsity=0.5), *made("d", sparsity=0.9)]
    matches, _ = compared(rows)
    found = verdicts(matches, ["b", "c", "d"], "accuracy")
    assert [each.test and each.test.p for each in found] == [0.125, 0.125, None]
    assert [each.p_holm for each in found] == [0.25, 0.25, None] and found[2].words == "no pairs"
