"""Runs that go in rounds: how far they are is told in rounds, and what they will take follows from how many are asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.experiments import actions
from apps.experiments.fields import initial
from apps.experiments.forms import form_for
from apps.experiments.models import Status
from apps.experiments.promise import promise
from tests.apps.cast import Cast
from worker import menu

RECIPE = menu.get("federated.fedavg")


@pytest.fixture
def asked(cast: Cast) -> dict[str, Any]:
    """What a run of ten rounds was asked, as its row holds it."""
    blob = Blob.objects.create(sha256="3" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, size_bytes=1, params=1, macs=1,
                                     activation_bytes=1)
    data = Dataset.objects.create(team=cast.team, name="digits", in_shape=[1, 8, 8], classes=10, file=blob, counts={"train": 100})
    told = RECIPE.params.model_validate({"model": str(variant.pk), "dataset": str(data.pk), "rounds": 10})
    return told.model_dump(mode="json")


def cost(cast: Cast, asked: dict[str, Any], **other: Any) -> Any:
    """What the form says of the time, filled in as a browser sends it."""
    began = {name: value for name, value in initial(RECIPE, asked | other).items() if value is not False}
    sent = {name: value.replace("\n", "\r\n") if isinstance(value, str) else value for name, value in began.items()}
    return promise(form_for(RECIPE, cast.alice, cast.team)(sent), cast.team).cost


def finished(cast: Cast, asked: dict[str, Any]) -> None:
    """A run of it that took 100 s."""
    now = timezone.now()
    things = {name: {"kind": name, "id": asked[name], "name": name} for name in ("model", "dataset")}
    cast.run(Status.FINISHED, recipe=RECIPE.name, params=asked, inputs=things, attempt=1,
             started_at=now - timedelta(seconds=100), queued_at=now - timedelta(seconds=100), finished_at=now)


def test_how_far_it_is_stands_there_in_rounds(cast: Cast, client: Client) -> None:
    now = timezone.now()
    said = {"since": (now - timedelta(minutes=3)).isoformat(), "began": 0.0, "at": now.isoformat(), "done": 4, "total": 10,
            "part": 0.4}
    run = cast.run(Status.RUNNING, recipe=RECIPE.name, params={"epochs": 1}, attempt=1, heartbeat=now, stages={"rounds": said})
    client.force_login(cast.alice)
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert "rounds 4 of 10 · 40 %" in page and 'value="0.4000"' in page and "done in" in page


def test_the_same_again_takes_about_as_long_however_its_lines_end(cast: Cast, asked: dict[str, Any]) -> None:
    finished(cast, asked)
    found = cost(cast, asked)
    assert found and found.runs == 1 and not found.scaled


def test_ten_times_the_rounds_take_about_ten_times_as_long(cast: Cast, asked: dict[str, Any]) -> None:
    finished(cast, asked)
    found = cost(cast, asked, rounds=100)
    assert found and found.scaled and "min" in found.words


def test_other_clients_are_not_compared(cast: Cast, asked: dict[str, Any]) -> None:
    finished(cast, asked)
    assert cost(cast, asked, clients="pi: 1 GMAC/s, 75 Mbit/s, 2 ms") is None


def test_the_axes_of_a_sweep_are_right_before_anything_has_come_out(cast: Cast, asked: dict[str, Any], client: Client) -> None:
    things = {name: asked[name] for name in ("model", "dataset")}
    experiment = actions.launch_sweep(cast.alice, cast.team, RECIPE.name, things, {"rounds": [2, 4]}, 1)
    client.force_login(cast.alice)
    page = client.get(f"/experiments/{experiment.pk}/").content.decode()
    assert "Accuracy against rounds" in page and "Latency against size" not in page
    assert '"y": "accuracy"' in page and '"x_title": "rounds"' in page
