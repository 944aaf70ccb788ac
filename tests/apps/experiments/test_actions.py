"""Launch, cancel, retry: what is asked is checked, what is refused says why, and rights hold."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.accounts.models import User
from apps.accounts.refusal import Refused
from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.experiments import actions, leases
from apps.experiments.models import Experiment, Run, Status
from tests.apps.cast import Cast

RECIPE = "training.backprop"


@pytest.fixture
def things(cast: Cast) -> dict[str, Any]:
    blob = Blob.objects.create(sha256="1" * 64, size_bytes=1)
    facts = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1}
    model = RegisteredModel.objects.create(team=cast.team, name="LeNet", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, **facts)
    small, large = (Dataset.objects.create(team=cast.team, name=name, in_shape=shape, classes=classes, file=blob)
                    for name, shape, classes in (("small", [1, 8, 8], 10), ("large", [3, 32, 32], 10)))
    return {"model": str(variant.pk), "dataset": str(small.pk), "large": str(large.pk)}


def asked(things: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": things["model"], "dataset": things["dataset"], **more}


def test_a_launch_makes_experiment_run_and_stream(cast: Cast, things: dict[str, Any]) -> None:
    run = actions.launch(cast.alice, cast.team, RECIPE, asked(things, epochs=3))
    assert (run.status, run.number, run.queue, run.params["epochs"]) == (Status.QUEUED, 1, "cpu", 3)
    assert run.experiment.name == "Backprop · LeNet · small"
    assert run.inputs["model"]["sha256"] == "1" * 64
    assert [event.body["status"] for event in run.stream.events.all()] == ["queued"]


def test_every_parameter_is_kept_with_its_default(cast: Cast, things: dict[str, Any]) -> None:
    from worker import menu

    run = actions.launch(cast.alice, cast.team, RECIPE, asked(things))
    assert set(run.params) == set(menu.get(RECIPE).params.model_fields)


def test_a_model_and_data_that_do_not_fit_are_refused_with_both_shapes(cast: Cast, things: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        actions.launch(cast.alice, cast.team, RECIPE, {"model": things["model"], "dataset": things["large"]})
    assert refused.value.errors == {"dataset": "LeNet takes 1×8×8 samples; large has 3×32×32."}
    assert not Experiment.objects.exists()


@pytest.mark.parametrize("wrong", [str(uuid4()), "not an id", "'; drop table", "\x00", ""])
def test_an_unknown_reference_is_refused(cast: Cast, things: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Refused) as refused:
        actions.launch(cast.alice, cast.team, RECIPE, asked(things, model=wrong))
    assert "model" in refused.value.errors


@pytest.mark.parametrize("values", [{"epochs": -1}, {"epochs": "many"}, {"epochs": 10**9}, {"learning_rate": float("nan")},
                                    {"learning_rate": float("inf")}, {"unknown": 1}, {"status": "finished"}])
def test_a_bad_value_is_refused_at_its_field(cast: Cast, things: dict[str, Any], values: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        actions.launch(cast.alice, cast.team, RECIPE, asked(things, **values))
    assert set(refused.value.errors) == set(values)


def test_long_names_make_a_long_title_that_is_cut(cast: Cast, things: dict[str, Any]) -> None:
    RegisteredModel.objects.update(name="m" * 120)
    Dataset.objects.filter(name="small").update(name="d" * 120)
    assert len(actions.launch(cast.alice, cast.team, RECIPE, asked(things)).experiment.name) == 200


def test_an_unknown_recipe_is_refused(cast: Cast) -> None:
    with pytest.raises(Refused):
        actions.launch(cast.alice, cast.team, "os.system", {})


@pytest.mark.parametrize("who", ["victor", "mallory"])
def test_who_may_not_edit_may_not_launch_cancel_or_retry(cast: Cast, things: dict[str, Any], who: str) -> None:
    person: User = getattr(cast, who)
    with pytest.raises(Refused):
        actions.launch(person, cast.team, RECIPE, asked(things))
    run = actions.launch(cast.alice, cast.team, RECIPE, asked(things))
    for action in (actions.cancel, actions.retry):
        with pytest.raises(Refused):
            action(person, run)
    assert Run.objects.get(pk=run.pk).status == Status.QUEUED


def test_a_strangers_data_cannot_be_named(cast: Cast, things: dict[str, Any]) -> None:
    from apps.accounts.models import Team

    theirs = Dataset.objects.get(pk=things["dataset"])
    theirs.pk, theirs.team, theirs._state.adding = uuid4(), Team.objects.get(name="Others"), True
    theirs.save()
    with pytest.raises(Refused) as refused:
        actions.launch(cast.alice, cast.team, RECIPE, asked(things, dataset=str(theirs.pk)))
    assert refused.value.errors == {"dataset": "There is no such dataset in this team."}


def test_a_queued_run_is_cancelled_at_once_and_a_running_one_is_asked(cast: Cast, things: dict[str, Any]) -> None:
    queued = actions.launch(cast.alice, cast.team, RECIPE, asked(things))
    actions.cancel(cast.ruth, queued)
    assert Run.objects.get(pk=queued.pk).status == Status.CANCELLED
    actions.launch(cast.alice, cast.team, RECIPE, asked(things))
    running = leases.claim(["cpu"], "w1")
    assert running
    actions.cancel(cast.ruth, running)
    assert leases.wish(running).cancel
    with pytest.raises(Refused, match="is cancelling"):
        actions.cancel(cast.ruth, running)


def test_a_cancelled_run_can_be_resumed_and_a_queued_one_cannot(cast: Cast, things: dict[str, Any]) -> None:
    run = actions.launch(cast.alice, cast.team, RECIPE, asked(things))
    with pytest.raises(Refused):
        actions.retry(cast.alice, run)
    actions.cancel(cast.alice, run)
    actions.retry(cast.alice, run)
    assert Run.objects.get(pk=run.pk).status == Status.QUEUED


def test_a_broker_that_is_away_loses_no_launch(cast: Cast, things: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
                                               django_capture_on_commit_callbacks: Any) -> None:
    from celery import current_app

    def away(*args: object, **options: object) -> None:
        raise ConnectionError("the broker is away")

    monkeypatch.setattr(current_app, "send_task", away)
    with django_capture_on_commit_callbacks(execute=True):
        run = actions.launch(cast.alice, cast.team, RECIPE, asked(things))
    assert Run.objects.get(pk=run.pk).status == Status.QUEUED
