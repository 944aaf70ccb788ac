"""A profile that a run leaves is a row of its device; a file that is none stays a file, and the run goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings

from apps.catalog.models import Blob, RegisteredModel, Variant
from apps.devices.models import Device, Profile
from apps.experiments import leases, profiles, recorder
from apps.experiments.models import Run, RunFile, Status
from tests.apps.cast import Cast
from worker.events import FileMade, Finished
from worker.profile import MEDIA_TYPE, Block, NetworkProfile

PROFILE = NetworkProfile(
    network="net", engine="torch", threads=1, batch=2, whole_s=0.003, additivity_error=0.0, sha256="0" * 64,
    blocks=(Block(first="conv", last="relu", seconds=0.001, output_bytes=400), Block(first="fc", last="fc", seconds=0.002,
                                                                                  output_bytes=40)))


@pytest.fixture
def variant(cast: Cast) -> Variant:
    blob = Blob.objects.create(sha256="0" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    return Variant.objects.create(team=cast.team, model=model, name="root", file=blob, size_bytes=4, params=1, macs=2,
                                  activation_bytes=3)


@pytest.fixture
def here(cast: Cast) -> Device:
    return Device.objects.create(team=cast.team, name="this one", host=settings.HOST)


def started(cast: Cast, variant: Variant, **inputs: Any) -> Run:
    model = {"kind": "model", "id": str(variant.pk), "name": "net", "variant": variant.name, "sha256": variant.file_id}
    cast.run(inputs={"model": model, **inputs})
    claimed = leases.claim(["cpu"], "w1")
    assert claimed
    recorder.folder(claimed).mkdir(parents=True)
    return claimed


def leave(run: Run, body: str, name: str = "profile.json") -> None:
    (recorder.folder(run) / name).write_text(body)
    recorder.record(run, [FileMade(path=name, name=name, media_type=MEDIA_TYPE)])


def logged(run: Run) -> list[str]:
    return [row.body["message"] for row in run.stream.events.filter(type="log")]


def test_it_becomes_a_row_of_this_host_with_all_that_it_says(cast: Cast, variant: Variant, here: Device) -> None:
    run = started(cast, variant)
    leave(run, PROFILE.model_dump_json())
    row = Profile.objects.get()
    assert (row.device, row.variant, row.made_by, row.team, row.network) == (here, variant.pk, run.pk, cast.team, "net")
    assert (row.engine, row.threads, row.batch, row.origin, row.blocks, row.form) == ("torch", 1, 2, "measured", 2, "house")
    assert row.total_ms == pytest.approx(3.0) and NetworkProfile.model_validate(row.body) == PROFILE
    assert logged(run) == []


def test_said_again_it_is_still_one(cast: Cast, variant: Variant, here: Device) -> None:
    run = started(cast, variant)
    leave(run, PROFILE.model_dump_json())
    leave(run, PROFILE.model_dump_json())
    assert Profile.objects.count() == 1 == RunFile.objects.count()


def test_the_device_that_was_asked_for_is_the_one(cast: Cast, variant: Variant, here: Device) -> None:
    board = Device.objects.create(team=cast.team, name="Pi")
    leave(started(cast, variant, device={"kind": "device", "id": str(board.pk), "name": "Pi"}), PROFILE.model_dump_json())
    assert Profile.objects.get().device == board


def test_a_device_of_another_team_gets_none(cast: Cast, variant: Variant, here: Device) -> None:
    theirs = Device.objects.create(team=cast.mallory.memberships.get().team, name="theirs")
    run = started(cast, variant, device={"kind": "device", "id": str(theirs.pk), "name": "theirs"})
    leave(run, PROFILE.model_dump_json())
    assert not Profile.objects.exists() and "no device of the team" in logged(run)[0]


def test_without_a_device_there_is_no_row_and_the_log_says_why(cast: Cast, variant: Variant) -> None:
    run = started(cast, variant)
    leave(run, PROFILE.model_dump_json())
    assert not Profile.objects.exists() and RunFile.objects.count() == 1 and "kept as a file only" in logged(run)[0]


def test_a_prediction_is_never_taken_for_a_measurement_of_this_host(cast: Cast, variant: Variant, here: Device) -> None:
    leave(started(cast, variant), PROFILE.model_copy(update={"origin": "predicted"}).model_dump_json())
    assert not Profile.objects.exists()


def test_what_a_run_made_is_not_called_as_what_it_was_made_of(cast: Cast, variant: Variant, here: Device) -> None:
    Variant.objects.filter(pk=variant.pk).update(made_by=cast.run().pk, name="narrow of run 1")
    Run.objects.update(status=Status.FINISHED)
    leave(started(cast, variant), PROFILE.model_dump_json())
    row = Profile.objects.get()
    assert row.network == "net · narrow of run 1" == row.body["network"]


def wrong(**changes: Any) -> str:
    return json.dumps(PROFILE.model_dump(mode="json") | changes)


@pytest.mark.parametrize(("body", "why"), [
    ("no JSON", "Invalid JSON"), (wrong(blocks=[]), "blocks"), (wrong(batch=0), "batch"), (wrong(more=1), "more"),
    (wrong(whole_s=1e9), "whole_s"), (wrong(network="a\x00b"), "network"), (wrong(whole_s=float("nan")), "whole_s"),
    (" " * 1_000_001, "1,000,001 bytes"),
])
def test_a_file_that_is_no_profile_is_refused_with_a_reason_and_the_run_goes_on(
    cast: Cast, variant: Variant, here: Device, body: str, why: str,
) -> None:
    run = started(cast, variant)
    leave(run, body)
    assert not Profile.objects.exists() and RunFile.objects.count() == 1
    assert "is kept as a file only" in logged(run)[0] and why in logged(run)[0]
    recorder.record(run, [Finished(summary={"verdict": "done"}, seconds=1)])
    run.refresh_from_db()
    assert run.status == Status.FINISHED


def test_a_file_of_another_kind_is_no_profile(cast: Cast, variant: Variant, here: Device) -> None:
    run = started(cast, variant)
    (recorder.folder(run) / "a.json").write_text(PROFILE.model_dump_json())
    recorder.record(run, [FileMade(path="a.json", name="a.json", media_type="application/json")])
    assert not Profile.objects.exists()


def test_an_id_that_is_none_finds_no_device(cast: Cast) -> None:
    run = cast.run(inputs={"device": {"kind": "device", "id": "nonsense", "name": "?"}})
    assert profiles.device_of(run, PROFILE) is None
