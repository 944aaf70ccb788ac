"""Several values and several seeds: one experiment, all its runs or none, in a fixed number of statements."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.refusal import Refused
from apps.experiments import actions, leases, waking
from apps.experiments.models import Experiment, Run, Status
from tests.apps.cast import Cast
from tests.apps.experiments.network import network

RECIPE = "pruning.magnitude"
SPARSITIES = {"sparsity": [0.5, 0.75, 0.875]}


@pytest.fixture
def values(cast: Cast) -> dict[str, Any]:
    return network(cast)


def launched(cast: Cast, values: dict[str, Any], sweep: Any = None, repeat: Any = 1, **more: Any) -> Experiment:
    return actions.launch_sweep(cast.alice, cast.team, RECIPE, {**values, **more}, sweep, repeat)


def refused(cast: Cast, values: dict[str, Any], sweep: Any = None, repeat: Any = 1, **more: Any) -> dict[str, str]:
    with pytest.raises(Refused) as why:
        launched(cast, values, sweep, repeat, **more)
    assert not Experiment.objects.exists() and not Run.objects.exists()
    return why.value.errors


def test_every_combination_and_seed_is_a_run_of_one_experiment(cast: Cast, values: dict[str, Any]) -> None:
    experiment = launched(cast, values, {**SPARSITIES, "epochs": [1, 2]}, 2, seed=11)
    runs = list(experiment.runs.order_by("number"))
    assert [run.number for run in runs] == list(range(1, 13))
    assert [(run.params["sparsity"], run.params["epochs"], run.params["seed"]) for run in runs[:5]] == [
        (0.5, 1, 11), (0.5, 1, 12), (0.5, 2, 11), (0.5, 2, 12), (0.75, 1, 11)]
    assert experiment.sweep == [["sparsity", [0.5, 0.75, 0.875]], ["epochs", [1, 2]]]
    assert len({run.stream_id for run in runs}) == 12
    assert [event.body["status"] for event in runs[7].stream.events.all()] == ["queued"] and runs[7].stream.head == 1


def test_two_hundred_runs_need_no_more_statements_than_two(
    cast: Cast, values: dict[str, Any], django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(14):
        launched(cast, values, {"epochs": list(range(1, 11))}, 20)
    assert Run.objects.count() == 200


def test_a_sweep_wakes_a_worker_once(cast: Cast, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
                                     django_capture_on_commit_callbacks: Any) -> None:
    woken: list[str] = []
    monkeypatch.setattr(waking, "_wake", woken.append)
    with django_capture_on_commit_callbacks(execute=True):
        launched(cast, values, SPARSITIES, 3)
    waking._messenger.submit(int).result()
    assert woken == ["cpu"]


def test_too_many_runs_are_refused_with_their_count(cast: Cast, values: dict[str, Any]) -> None:
    said = refused(cast, values, {"epochs": list(range(1, 12))}, 20)
    assert said == {"epochs": "these would be 220 runs: 11 values of epochs × 20 seeds; an experiment has at most 200"}
    assert "1,000,000 runs" in refused(cast, values, {"epochs": range(1_000_000)})["epochs"]


def test_each_bad_value_is_named_at_its_field(cast: Cast, values: dict[str, Any]) -> None:
    said = refused(cast, values, {"sparsity": [0.5, 1.2, "many"], "epochs": [1, -1], "nonsense": [1]}, momentum=7)
    assert said["sparsity"] == ("must be more than 0 and less than 1; got 1.2; "
                                "must be a number, more than 0 and less than 1; got many")
    assert "got -1" in said["epochs"] and "got 7" in said["momentum"] and "not a parameter" in said["nonsense"]


@pytest.mark.parametrize("repeat", [0, 21, -1, "many", None, True, 1.5, "９", 10**40])
def test_a_bad_number_of_seeds_is_refused(cast: Cast, values: dict[str, Any], repeat: Any) -> None:
    assert "between 1 and 20" in refused(cast, values, None, repeat)["repeat"]


def test_a_value_that_stands_twice_is_refused_however_it_is_written(cast: Cast, values: dict[str, Any]) -> None:
    assert refused(cast, values, {"sparsity": ["0.5", "0.50"]}) == {"sparsity": "names 0.50 more than once"}


def test_named_seeds_are_not_repeated_too(cast: Cast, values: dict[str, Any]) -> None:
    assert "name the seeds yourself" in refused(cast, values, {"seed": [1, 2]}, 2)["repeat"]
    assert launched(cast, values, {"seed": [3, 5]}).runs.count() == 2


def test_seeds_beyond_the_last_one_are_refused(cast: Cast, values: dict[str, Any]) -> None:
    assert "seed" in refused(cast, values, None, 3, seed=2**31 - 2)


def test_a_foreign_model_among_several_is_refused(cast: Cast, values: dict[str, Any]) -> None:
    assert "model" in refused(cast, values, {"model": [values["model"], "0" * 32]})


@pytest.mark.parametrize(("name", "said"), [
    ("a\x00b", "cannot be shown"), ("x" * 201, "At most 200"), ("\ud800", "cannot be shown"),
])
def test_a_name_that_cannot_be_kept_is_refused(cast: Cast, values: dict[str, Any], name: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        actions.launch_sweep(cast.alice, cast.team, RECIPE, values, name=name)


def test_a_quantised_variant_is_refused_where_the_recipe_cannot_take_it(
    cast: Cast, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
) -> None:
    from apps.catalog.models import Variant
    from apps.experiments import launching

    Variant.objects.update(precision="int8")
    monkeypatch.setattr(launching, "precisions", lambda params, field: ("fp32",))
    assert refused(cast, values) == {"model": "net · root computes with int8; this recipe takes fp32."}


def test_more_seeds_follow_the_highest_one(cast: Cast, values: dict[str, Any]) -> None:
    experiment = launched(cast, values, SPARSITIES, 2, seed=3)
    actions.more_seeds(cast.alice, experiment, 2)
    found = sorted(experiment.runs.values_list("params__sparsity", "params__seed"))
    assert len(found) == 12 and {seed for _, seed in found} == {3, 4, 5, 6}
    with pytest.raises(Refused, match="at most 200"):
        actions.launch_sweep(cast.alice, cast.team, RECIPE, values, {"epochs": list(range(1, 100))})
        actions.more_seeds(cast.alice, Experiment.objects.latest("created"), 2)


def test_all_that_waits_or_runs_is_cancelled_in_one_go(
    cast: Cast, values: dict[str, Any], django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    experiment = launched(cast, values, {"epochs": list(range(1, 21))})
    assert leases.claim(["cpu"], "w1")
    with django_assert_max_num_queries(12):
        assert actions.cancel_all(cast.ruth, experiment) == 20
    assert sorted(set(experiment.runs.values_list("status", flat=True))) == ["cancelled", "cancelling"]
    last = experiment.runs.filter(status=Status.CANCELLED)[0].stream
    assert [event.body["status"] for event in last.events.all()] == ["queued", "cancelled"] and last.head == 2
    assert leases.claim(["cpu"], "w2") is None
    with pytest.raises(Refused, match="No run"):
        actions.cancel_all(cast.ruth, Experiment.objects.create(team=cast.team, name="empty", recipe=RECIPE))


def test_what_failed_is_tried_again_and_nothing_else(cast: Cast, values: dict[str, Any]) -> None:
    experiment = launched(cast, values, SPARSITIES)
    failed, finished, _ = experiment.runs.order_by("number")
    Run.objects.filter(pk=failed.pk).update(status=Status.FAILED, reason="broke")
    Run.objects.filter(pk=finished.pk).update(status=Status.FINISHED)
    assert actions.retry_failed(cast.alice, experiment) == 1
    assert list(experiment.runs.order_by("number").values_list("status", "reason")) == [
        ("queued", ""), ("finished", ""), ("queued", "")]


@pytest.mark.parametrize("who", ["victor", "mallory"])
@pytest.mark.parametrize("act", [
    lambda user, it: actions.cancel_all(user, it), lambda user, it: actions.retry_failed(user, it),
    lambda user, it: actions.more_seeds(user, it, 1), lambda user, it: actions.tag(user, it, "x"),
    lambda user, it: actions.untag(user, it, "x"), lambda user, it: actions.archive(user, it),
    lambda user, it: actions.restore(user, it), lambda user, it: actions.rename(user, it, "x"),
])
def test_who_may_not_edit_changes_nothing(cast: Cast, values: dict[str, Any], who: str, act: Any) -> None:
    experiment = launched(cast, values, SPARSITIES)
    with pytest.raises(Refused, match="does not allow"):
        act(getattr(cast, who), experiment)
    assert experiment.runs.filter(status=Status.QUEUED).count() == 3


def test_what_still_runs_is_not_archived(cast: Cast, values: dict[str, Any]) -> None:
    experiment = launched(cast, values)
    with pytest.raises(Refused, match="cancel them first"):
        actions.archive(cast.alice, experiment)
    actions.cancel_all(cast.alice, experiment)
    actions.archive(cast.alice, experiment)
    assert Experiment.objects.get().archived
    actions.restore(cast.alice, experiment)
    assert not Experiment.objects.get().archived


@pytest.mark.parametrize("seed", ["7.0", " 7 ", 7.0])
def test_seeds_follow_the_first_one_however_it_is_written(cast: Cast, values: dict[str, Any], seed: Any) -> None:
    made = launched(cast, {**values, "seed": seed}, repeat=2)
    assert [run.params["seed"] for run in made.runs.order_by("number")] == [7, 8]


def test_a_whole_number_written_in_two_ways_stands_there_twice(cast: Cast, values: dict[str, Any]) -> None:
    assert "more than once" in refused(cast, values, {"epochs": ["2", "2.0"]})["epochs"]


def test_nothing_starts_in_an_archived_experiment(cast: Cast, values: dict[str, Any]) -> None:
    made = launched(cast, values)
    made.runs.update(status=Status.FAILED)
    actions.archive(cast.alice, made)
    run = made.runs.get()
    for act in (lambda: actions.more_seeds(cast.alice, made, 1), lambda: actions.retry_failed(cast.alice, made),
                lambda: actions.retry(cast.alice, run)):
        with pytest.raises(Refused, match="archived"):
            act()
    actions.restore(cast.alice, made)
    actions.retry(cast.alice, run)
    assert made.runs.get().status == Status.QUEUED
