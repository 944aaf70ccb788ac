"""One experiment measures a network on every device with a label that somebody can measure on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings

from apps.accounts.models import Team
from apps.catalog import blobs
from apps.catalog.models import Dataset, RegisteredModel, Variant
from apps.devices.models import Device
from apps.experiments.models import Experiment, Run
from tests.apps.boards import Board
from tests.apps.cast import Cast

PAGE = "/experiments/measure-on-label/"


@pytest.fixture
def typed(cast: Cast, tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    with override_settings(BLOBS=tmp_path / "blobs"):
        blob = blobs.keep(file)
    model = RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    facts = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1}
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, onnx=blob, **facts)
    data = Dataset.objects.create(team=cast.team, name="d", in_shape=[1, 8, 8], classes=10, file=blob, samples=blob)
    return {"model": str(variant.pk), "dataset": str(data.pk), "laps": "20", "label": "lab2"}


@pytest.fixture
def devices(cast: Cast) -> dict[str, Device]:
    board = Board.joined(cast.alice, cast.team).device
    Device.objects.filter(pk=board.pk).update(labels=["lab2"])
    made: dict[str, dict[str, Any]] = {
        "host": {"host": "edge-7", "labels": ["lab2", "x"]}, "by hand": {"labels": ["lab2"]},
        "retired": {"host": "edge-8", "labels": ["lab2"], "retired": True}, "other": {"host": "edge-9", "labels": ["lab3"]}}
    found = {name: Device.objects.create(team=cast.team, name=name, **more) for name, more in made.items()}
    shared = Device.objects.create(team=Team.objects.get(name="Others"), name="shared", host="big", labels=["lab2"], shared=True)
    Device.objects.create(team=Team.objects.get(name="Others"), name="theirs", host="theirs", labels=["lab2"])
    return found | {"board": board, "shared": shared}


def test_each_device_with_the_label_gets_a_run_on_its_own_queue(
        cast: Cast, typed: dict[str, str], devices: dict[str, Device], client: Client) -> None:
    client.force_login(cast.mia)
    answer = client.post(PAGE, typed)
    made = Experiment.objects.get()
    assert answer.status_code == 302 and answer["Location"] == f"/experiments/{made.pk}/"
    runs = {run.inputs["device"]["name"]: run for run in made.runs.all()}
    assert set(runs) == {"host", "pi", "shared"} and made.tags == ["lab2"]
    assert {name: run.queue for name, run in runs.items()} == {"host": "bench.edge-7", "pi": "cpu", "shared": "bench.big"}
    assert all(run.params["engine"] == "onnxruntime" and run.params["laps"] == 20 for run in runs.values())
    assert "host" in client.get(f"/experiments/{made.pk}/").content.decode()


@pytest.mark.parametrize(("label", "said"), [
    ("none", "no device has this label"), ("by-hand", "nobody can measure on those"), ("a b", "Name one label"),
    ("{", "characters that a label cannot have"), ("", "required")])
def test_a_label_that_leads_nowhere_is_said_at_the_field(
        cast: Cast, typed: dict[str, str], devices: dict[str, Device], client: Client, label: str, said: str) -> None:
    Device.objects.filter(name="by hand").update(labels=["by-hand"])
    client.force_login(cast.mia)
    answer = client.post(PAGE, {**typed, "label": label})
    assert answer.status_code == 422 and said in answer.content.decode() and 'value="20"' in answer.content.decode()
    assert not Run.objects.exists()


def test_by_the_api_it_is_the_same(cast: Cast, typed: dict[str, str], devices: dict[str, Device], client: Client) -> None:
    client.force_login(cast.mia)
    things = {name: typed[name] for name in ("model", "dataset")}
    answer = client.post("/api/experiments/on-label", {"label": "LAB3", "params": things}, "application/json")
    assert answer.status_code == 201 and Run.objects.get().inputs["device"]["name"] == "other"


def test_who_only_looks_on_is_told_so(cast: Cast, typed: dict[str, str], client: Client) -> None:
    client.force_login(cast.victor)
    assert "only looks on" in client.get(PAGE).content.decode() and client.post(PAGE, typed).status_code == 403


def test_the_list_of_devices_leads_there_with_its_label(cast: Cast, devices: dict[str, Device], client: Client) -> None:
    client.force_login(cast.mia)
    assert f"{PAGE}?label=lab2" in client.get("/devices/?label=lab2").content.decode()
    assert 'value="lab2"' in client.get(f"{PAGE}?label=lab2").content.decode()
