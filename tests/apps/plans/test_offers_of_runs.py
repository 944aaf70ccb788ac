"""A file of offers that a run leaves becomes rows of its team; what is none is told in the run's log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.experiments.models import Status
from apps.live.models import Event
from apps.plans.models import TransferOffer
from tests.apps.plans.conftest import Town
from tests.apps.plans.joint_town import left, offer, offers, variant
from worker.planning.offers import written

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"


def test_each_offer_becomes_a_row_of_the_device_that_it_was_measured_on(town: Town, tmp_path: Path) -> None:
    run = left(town, tmp_path, written([offer(), offer(layer="average, int8", device="nowhere")])).run
    found = offers(town)
    assert [(each.network, each.dataset, each.device, each.made_by) for each in found] == [
        ("small", "digits", town.pi, run.pk), ("small", "digits", None, run.pk)]
    assert found[0].body["layer"] == "max-pool, int8"
    assert str(found[0]) == "max-pool, int8 behind stem.conv of small"


def test_the_file_left_again_takes_the_place_of_what_was_there(town: Town, tmp_path: Path) -> None:
    run = left(town, tmp_path, written([offer(), offer(after="add")])).run
    left(town, tmp_path, written([offer(accuracy=0.8)]), run)
    assert [each.body["accuracy"] for each in offers(town)] == [0.8]


def test_the_network_is_called_as_its_profiles_are(town: Town, tmp_path: Path) -> None:
    given = variant(town, "small")
    run = town.cast.run(Status.RUNNING, inputs={"model": {"kind": "model", "id": str(given.pk), "name": "mine"}})
    left(town, tmp_path, written([offer(network="mine")]), run)
    assert [each.network for each in offers(town)] == ["small"]


def test_without_a_variant_the_file_tells_the_network(town: Town, tmp_path: Path) -> None:
    left(town, tmp_path, written([offer(network="mine", network_sha256="ab" * 32)]))
    assert [each.network for each in offers(town)] == ["small"]


@pytest.mark.parametrize("content", [b"no json", b'{"offers": [{"network": "x"}]}', b"x" * 1_000_001],
                         ids=["text", "lacking", "large"])
def test_what_is_no_offer_is_kept_as_a_file_and_said(town: Town, tmp_path: Path, content: bytes) -> None:
    run = left(town, tmp_path, content).run
    assert not TransferOffer.objects.exists()
    said = [each.body["message"] for each in Event.objects.filter(stream=run.stream, type="log")]
    assert len(said) == 1 and said[0].startswith("offers.json is kept as a file only: ")


def test_a_device_that_goes_leaves_what_was_measured_on_it(town: Town, tmp_path: Path) -> None:
    left(town, tmp_path, written([offer()]))
    town.pi.delete()
    assert [each.device for each in offers(town)] == [None]
