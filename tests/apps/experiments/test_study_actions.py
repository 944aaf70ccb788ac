"""Several recipes in one experiment: which runs that makes, in one transaction, and what is refused with whose name."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.refusal import Refused
from apps.experiments import actions
from apps.experiments.models import Experiment, Run
from apps.experiments.studies import FIELD, RECIPE, Own, rivals
from tests.apps.cast import Cast
from tests.apps.experiments.network import network
from worker import menu

MAGNITUDE, RANDOM, RECONVENE, CHANNELS = "pruning.magnitude", "pruning.random", "pruning.reconvene", "pruning.l1_channels"


@pytest.fixture
def values(cast: Cast) -> dict[str, Any]:
    return network(cast)


def launched(cast: Cast, values: dict[str, Any], others: dict[str, Own], repeat: int = 1, **sweep: list[Any]) -> Experiment:
    return actions.launch_sweep(cast.alice, cast.team, MAGNITUDE, values, sweep, repeat, compare_with=others)


def refused(cast: Cast, values: dict[str, Any], others: dict[str, Own], repeat: int = 1, **sweep: list[Any]) -> dict[str, str]:
    with pytest.raises(Refused) as why:
        launched(cast, values, others, repeat, **sweep)
    assert not Experiment.objects.exists() and not Run.objects.exists()
    return why.value.errors


def test_every_recipe_runs_every_setting_with_every_seed(cast: Cast, values: dict[str, Any]) -> None:
    made = launched(cast, values, {RANDOM: Own(), RECONVENE: Own()}, 3, sparsity=[0.5, 0.75])
    runs = list(made.runs.order_by("number"))
    assert [run.recipe for run in runs] == [MAGNITUDE] * 6 + [RANDOM] * 6 + [RECONVENE] * 6
    assert [(run.params["sparsity"], run.params["seed"]) for run in runs[:6]] == [
        (run.params["sparsity"], run.params["seed"]) for run in runs[12:]]
    assert made.sweep == [[RECIPE, [MAGNITUDE, RANDOM, RECONVENE]], ["sparsity", [0.5, 0.75]]]
    assert made.name == "Magnitude against Random, Reconvene · net · digits"


def test_all_get_the_first_recipes_values_even_those_that_nobody_typed(cast: Cast, values: dict[str, Any]) -> None:
    """Reconvene would begin from fresh weights by itself; beside magnitude it begins from the given ones, as that does."""
    made = launched(cast, {**values, "learning_rate": 0.01}, {RECONVENE: Own({"redraw": "affected"})})
    first, other = made.runs.order_by("number")
    assert menu.get(RECONVENE).params.model_fields["start"].default == "initialisation"
    assert other.params["start"] == first.params["start"] == "given"
    assert other.params["learning_rate"] == 0.01 and other.params["redraw"] == "affected"


def test_where_another_value_is_usual_for_a_recipe_it_may_be_its_own(cast: Cast, values: dict[str, Any]) -> None:
    made = launched(cast, values, {RECONVENE: Own({"start": "initialisation"})}, start=["given", "initialisation"])
    assert [(run.recipe, run.params["start"]) for run in made.runs.order_by("number")] == [
        (MAGNITUDE, "given"), (MAGNITUDE, "initialisation"), (RECONVENE, "initialisation")]


def test_a_recipe_sweeps_its_own_parameter_and_leaves_what_it_does_not_take(cast: Cast, values: dict[str, Any]) -> None:
    made = launched(cast, values, {CHANNELS: Own(sweep={"channels": [0.25, 0.5, 0.75]})}, sparsity=[0.5, 0.75])
    assert [run.recipe for run in made.runs.order_by("number")] == [MAGNITUDE] * 2 + [CHANNELS] * 3
    assert made.sweep == [[RECIPE, [MAGNITUDE, CHANNELS]], ["sparsity", [0.5, 0.75]], ["channels", [0.25, 0.5, 0.75]]]


def test_two_hundred_runs_of_four_recipes_need_no_more_statements_than_four_runs(
    cast: Cast, values: dict[str, Any], django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(14):
        launched(cast, values, {RANDOM: Own(), RECONVENE: Own(), CHANNELS: Own()}, 10, epochs=[1, 2, 3, 4, 5])
    assert Run.objects.count() == 200


def test_too_many_runs_are_counted_by_recipe(cast: Cast, values: dict[str, Any]) -> None:
    said = refused(cast, values, {RANDOM: Own()}, 15, epochs=list(range(1, 11)))
    assert said == {FIELD: "these would be 300 runs: 2 recipes × 10 values of epochs × 15 seeds; an experiment has at most 200"}


@pytest.mark.parametrize("name", ["pruning.nonsense", "training.backprop", MAGNITUDE, "x" * 500, ""])
def test_what_cannot_be_compared_is_refused_by_name(cast: Cast, values: dict[str, Any], name: str) -> None:
    assert "cannot be compared with" in refused(cast, values, {name: Own()})[FIELD]


def test_a_wrong_value_says_whose_it_is(cast: Cast, values: dict[str, Any]) -> None:
    said = refused(cast, values, {CHANNELS: Own({"channels": 7})})
    assert said == {f"{FIELD}.{CHANNELS}.channels": "Channels by L1 norm: must be more than 0 and less than 1; got 7"}
    said = refused(cast, values, {CHANNELS: Own(sweep={"nonsense": [1]})})
    assert "not a parameter" in said[f"{FIELD}.{CHANNELS}.nonsense"]


def test_a_shared_value_is_not_given_to_one_alone(cast: Cast, values: dict[str, Any]) -> None:
    assert "is shared" in refused(cast, values, {RANDOM: Own({"epochs": 3})})[f"{FIELD}.{RANDOM}.epochs"]


def test_more_seeds_are_the_same_for_every_recipe(cast: Cast, values: dict[str, Any]) -> None:
    made = launched(cast, values, {RANDOM: Own()}, 2, sparsity=[0.5, 0.75])
    actions.more_seeds(cast.alice, made, 2)
    for recipe in (MAGNITUDE, RANDOM):
        assert sorted(made.runs.filter(recipe=recipe).values_list("params__sparsity", "params__seed")) == [
            (sparsity, seed) for sparsity in (0.5, 0.75) for seed in (7, 8, 9, 10)]


def test_no_recipe_has_a_parameter_that_means_the_recipe() -> None:
    assert not [recipe.name for recipe in menu.recipes().values() if {RECIPE, FIELD} & set(recipe.params.model_fields)]


def test_rivals_are_of_the_same_kind_and_take_the_same_things() -> None:
    names = {each.name for each in rivals(menu.get(MAGNITUDE))}
    assert {RANDOM, RECONVENE, CHANNELS} <= names and MAGNITUDE not in names
    assert all(name.startswith("pruning.") for name in names)
