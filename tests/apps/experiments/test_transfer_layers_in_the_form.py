"""A run with a transfer layer is started with profiles where the cut is to be chosen, and without any where it is named."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.refusal import Refused
from apps.catalog import blobs
from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.devices.models import Device, Link
from apps.experiments import actions
from apps.experiments.models import Experiment
from tests.apps.cast import Cast
from tests.apps.devices.profiled import keep, network
from worker.evidence import Evidence

RECIPE = "partitioning.scissionlite"


@pytest.fixture
def things(cast: Cast) -> dict[str, str]:
    blob = Blob.objects.create(sha256="1" * 64, size_bytes=1)
    facts = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1}
    model = RegisteredModel.objects.create(team=cast.team, name="LeNet", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, **facts)
    data = Dataset.objects.create(team=cast.team, name="small", in_shape=[1, 8, 8], classes=10, file=blob)
    return {"model": str(variant.pk), "dataset": str(data.pk)}


def refusal(cast: Cast, things: dict[str, str], **more: Any) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        actions.launch(cast.alice, cast.team, RECIPE, {**things, **more})
    assert not Experiment.objects.exists()
    return refused.value.errors


def test_where_the_cut_is_named_no_profile_is_needed(cast: Cast, things: dict[str, str]) -> None:
    run = actions.launch(cast.alice, cast.team, RECIPE, {**things, "after": "relu1"})
    assert run.experiment.name == "ScissionLite · LeNet · small"
    assert Evidence.model_validate_json(blobs.path(run.inputs["profiles"]["sha256"]).read_bytes()).profiles == ()


def test_without_a_cut_and_without_profiles_it_is_refused_at_its_field(cast: Cast, things: dict[str, str]) -> None:
    assert refusal(cast, things)["after"].startswith("Say behind which layer it is cut, or name a network with profiles")
    assert refusal(cast, things, network="tiny")["network"].startswith("No device has a profile of tiny")
    page = Client()
    page.force_login(cast.alice)
    answer = page.post(f"/experiments/new/{RECIPE}/", {**things, "layers": "max-pool, int8", "seed": "7"})
    assert answer.status_code == 422 and "Say behind which layer it is cut" in answer.content.decode()


def test_with_a_network_that_has_profiles_it_is_given_them_and_the_links(cast: Cast, things: dict[str, str]) -> None:
    tiers = {"pi": "device", "rack": "edge"}
    pi, rack = (Device.objects.create(team=cast.team, name=name, tier=tier) for name, tier in tiers.items())
    for each in (pi, rack):
        keep(each, network(input_bytes=4096))
    assert "No link leads from pi" in refusal(cast, things, network="small")[""]
    Link.objects.create(team=cast.team, source=pi, target=rack, latency_ms=1.5, bandwidth_mbps=20)
    run = actions.launch(cast.alice, cast.team, RECIPE, {**things, "network": "small"})
    found = Evidence.model_validate_json(blobs.path(run.inputs["profiles"]["sha256"]).read_bytes())
    assert {each.name for each in found.devices} == {"pi", "rack"} and len(found.links) == 1
    assert run.experiment.name == "ScissionLite · small · LeNet · small"
