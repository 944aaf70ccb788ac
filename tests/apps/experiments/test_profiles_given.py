"""A run that rests on measured profiles is given the newest of each device, network and way, of its own team only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.catalog import blobs
from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.devices.models import Baseline, Device
from apps.experiments import actions, evidence
from apps.experiments.models import Experiment, Run
from tests.apps.cast import Cast
from tests.apps.devices.profiled import keep, network
from worker.evidence import Evidence
from worker.tasks.supervisor import job_of

RECIPE = "benchmarking.prediction"


@pytest.fixture
def boards(cast: Cast) -> list[Device]:
    return [Device.objects.create(team=cast.team, name=name, tier="edge", cores=4) for name in ("one", "two", "new")]


@pytest.fixture
def asked(cast: Cast, boards: list[Device]) -> dict[str, Any]:
    blob = Blob.objects.create(sha256="1" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="LeNet", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, size_bytes=1, params=1, macs=1,
                                     activation_bytes=1)
    data = Dataset.objects.create(team=cast.team, name="small", in_shape=[1, 8, 8], classes=10, file=blob)
    return {"model": str(variant.pk), "dataset": str(data.pk), "device": str(boards[2].pk)}


def given(run: Run) -> Evidence:
    return Evidence.model_validate_json(blobs.path(run.inputs["profiles"]["sha256"]).read_bytes())


def test_the_newest_measured_profile_of_each_way_is_copied_and_nothing_that_was_predicted(
    cast: Cast, boards: list[Device], asked: dict[str, Any],
) -> None:
    old = keep(boards[0], network(seconds=(1.0, 1.0, 1.0)))
    type(old).objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=1))
    keep(boards[0])
    keep(boards[0], network(threads=4))
    keep(boards[1])
    keep(boards[1], network(network="guessed", origin="predicted"))
    keep(boards[1], network(network="slowed", origin="emulated"))
    run = actions.launch(cast.alice, cast.team, RECIPE, asked)
    found = given(run)
    ways = {(each.device, each.profile.network, each.profile.threads) for each in found.profiles}
    assert ways == {(str(boards[0].pk), "small", 1), (str(boards[0].pk), "small", 4), (str(boards[1].pk), "small", 1)}
    assert all(each.profile.total_s < 1 for each in found.profiles)
    assert (run.queue, run.inputs["profiles"]["name"]) == ("cpu", "3 profiles of 2 devices")


def test_the_run_keeps_what_it_rests_on_as_a_file_and_its_child_reads_it(
    cast: Cast, boards: list[Device], asked: dict[str, Any],
) -> None:
    keep(boards[0])
    keep(boards[1])
    run = actions.launch(cast.alice, cast.team, RECIPE, asked)
    assert run.files.get().name == "profiles.json"
    Run.objects.filter(pk=run.pk).update(inputs={name: run.inputs[name] for name in ("device", "profiles")})
    inputs = job_of(Run.objects.get(pk=run.pk)).resolved()
    assert inputs["profiles"].evidence == given(run)  # type: ignore[union-attr]
    assert inputs["device"].id == str(boards[2].pk)  # type: ignore[union-attr]


def test_the_device_that_is_asked_for_and_the_yardsticks_are_known(
    cast: Cast, boards: list[Device], asked: dict[str, Any],
) -> None:
    keep(boards[0])
    keep(boards[0], network(network="other"))
    now = timezone.now()
    for minutes, median, noisy in ((3, 9.0, False), (2, 5.0, False), (1, 50.0, True)):
        Baseline.objects.create(device=boards[2], at=now - timedelta(minutes=minutes), median_ms=median, noisy=noisy)
    facts = {each.name: each for each in given(actions.launch(cast.alice, cast.team, RECIPE, asked)).devices}
    assert set(facts) == {"one", "new"}
    assert (facts["new"].tier, facts["new"].cores, facts["new"].yardstick_ms) == ("edge", 4, 5.0)
    assert facts["one"].yardstick_ms is None


def test_profiles_of_another_team_are_neither_given_nor_counted(cast: Cast, asked: dict[str, Any]) -> None:
    keep(Device.objects.create(team=Team.objects.get(name="Others"), name="theirs"))
    with pytest.raises(Refused) as refused:
        actions.launch(cast.alice, cast.team, RECIPE, asked)
    assert "this team has none" in refused.value.errors[""]
    assert not Experiment.objects.exists()


def test_one_measured_profile_is_too_few_and_refused_at_launch_with_the_way_out(
    cast: Cast, boards: list[Device], asked: dict[str, Any],
) -> None:
    keep(boards[0])
    keep(boards[1], network(origin="predicted"))
    with pytest.raises(Refused, match="two measured profiles at least, and this team has 1: measure networks block by block"):
        actions.launch(cast.alice, cast.team, RECIPE, asked)
    assert not Experiment.objects.exists()


def test_too_many_are_cut_and_how_many_were_left_out_is_said(
    cast: Cast, boards: list[Device], asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evidence, "MOST_BLOCKS", 7)
    for name in ("a", "b", "c"):
        keep(boards[0], network(network=name))
    found = given(actions.launch(cast.alice, cast.team, RECIPE, asked))
    assert ([each.profile.network for each in found.profiles], found.left_out) == (["c", "b"], 1)


def test_however_many_runs_the_questions_to_the_database_stay_few(
    cast: Cast, boards: list[Device], asked: dict[str, Any], django_assert_max_num_queries: Any,
) -> None:
    for name in ("a", "b", "c", "d"):
        keep(boards[0], network(network=name))
    with django_assert_max_num_queries(6):
        assert len(evidence.gathered(cast.team, boards).profiles) == 4


def test_a_prediction_neither_waits_for_the_device_nor_runs_on_it(
    cast: Cast, boards: list[Device], asked: dict[str, Any], client: Client,
) -> None:
    keep(boards[0])
    keep(boards[1])
    run = actions.launch(cast.alice, cast.team, RECIPE, asked)
    client.force_login(cast.alice)
    for address in (f"/experiments/running/on-devices/?device={boards[2].pk}", f"/experiments/running/on-device/{boards[2].pk}/"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert f"/runs/{run.pk}/" not in answer.content.decode() and "1 waits" not in answer.content.decode(), address


def test_a_recipe_that_asks_for_none_is_given_none(cast: Cast, boards: list[Device], asked: dict[str, Any]) -> None:
    keep(boards[0])
    run = actions.launch(cast.alice, cast.team, "training.backprop", {name: asked[name] for name in ("model", "dataset")})
    assert set(run.inputs) == {"model", "dataset"}
    assert not run.files.exists()
