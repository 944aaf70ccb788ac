"""Recordings given to a run: chosen among recordings alone, with detectors that are in them, and kept by what they were."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import Dataset
from apps.experiments import launching
from apps.experiments.models import Run, Status
from tests.apps.cast import Cast
from tests.apps.recorded import LINES, kept

pytestmark = pytest.mark.django_db
NEW = "/experiments/new/detection.roma/"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "wake", lambda queue: None)


@pytest.fixture
def street(cast: Cast, tmp_path: Path) -> Dataset:
    found = kept(cast, tmp_path)
    Dataset.objects.create(team=cast.team, name="digits", in_shape=[1, 8, 8], classes=10, file=found.file)
    return found


def asked(client: Client, **params: Any) -> Any:
    return client.post("/api/experiments", {"recipe": "detection.roma", "params": params}, content_type="application/json")


def test_the_form_offers_recordings_alone_and_a_form_for_images_none_of_them(
    cast: Cast, client: Client, street: Dataset,
) -> None:
    client.force_login(cast.alice)
    form = client.get(f"{NEW}?recordings={street.pk}").content.decode()
    field = re.search(r'<select name="recordings".*?</select>', form, re.DOTALL)
    assert field and re.findall(r">([^<>]+)</option>", field[0]) == ["none", "street"]
    assert re.search(rf'value="{street.pk}"[^>]* selected', field[0])
    of_images = client.get("/experiments/new/training.backprop/").content.decode()
    assert "digits</option>" in of_images and "street</option>" not in of_images


def test_a_run_keeps_which_recordings_it_was_given_and_says_what_of_it_is_emulated(
    cast: Cast, client: Client, street: Dataset,
) -> None:
    client.force_login(cast.alice)
    assert asked(client, recordings=str(street.pk), detectors=LINES).status_code == 201
    run = Run.objects.get()
    assert run.inputs["recordings"] == {"kind": "recordings", "id": str(street.pk), "name": "street", "sha256": street.file_id}
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert page.count("(recorded boxes, emulated times)</h2>") == 7 and "(emulated)" not in page
    assert f'<a href="/data/{street.pk}/">street</a>' in page and "--recordings street.zip" in page
    assert "in use" in client.post(f"/data/{street.pk}/delete/").content.decode()


def test_a_run_of_before_recordings_still_says_that_it_is_emulated(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    run = cast.run(Status.FINISHED, recipe="detection.roma", params={"detectors": LINES, "drift": "none"})
    assert client.get(f"/runs/{run.pk}/").content.decode().count("(emulated)</h2>") == 7


def test_detectors_that_the_recordings_have_not_are_named_at_their_field(cast: Cast, client: Client, street: Dataset) -> None:
    client.force_login(cast.alice)
    other = LINES.replace("full:", "huge:")
    answer = asked(client, recordings=str(street.pk), detectors=other)
    assert answer.status_code == 422
    assert "names 'huge', of which the recordings say nothing; they have: full, tiny" in str(answer.json()["errors"]["detectors"])
    page = client.post(NEW, {"recordings": str(street.pk), "detectors": other, "scenes": "", "drift": "none"})
    assert page.status_code == 422 and "of which the recordings say nothing" in page.content.decode()
    assert "huge: 126 ms" in page.content.decode() and not Run.objects.exists()


@pytest.mark.parametrize("what", ["images", "foreign", "made up", "no id"])
def test_what_are_no_recordings_of_the_team_are_refused(cast: Cast, client: Client, street: Dataset, what: str) -> None:
    images = str(Dataset.objects.get(name="digits").pk)
    named = {"images": images, "foreign": str(street.pk), "made up": "0" * 32, "no id": "\x00"}
    client.force_login(cast.mallory if what == "foreign" else cast.alice)
    answer = asked(client, recordings=named[what], detectors=LINES)
    assert answer.status_code == 422 and not Run.objects.exists()


def test_recordings_are_no_images(cast: Cast, client: Client, street: Dataset) -> None:
    client.force_login(cast.alice)
    answer = client.post("/api/experiments", {"recipe": "training.backprop", "params": {
        "model": str(street.pk), "dataset": str(street.pk)}}, content_type="application/json")
    assert answer.status_code == 422
