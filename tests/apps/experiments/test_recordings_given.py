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


def test_a_form_opened_from_recordings_has_their_detectors_and_says_what_is_to_be_typed(
    cast: Cast, client: Client, street: Dataset,
) -> None:
    client.force_login(cast.alice)
    page = client.get(f"{NEW}?recordings={street.pk}")
    form, text = page.context["form"], page.content.decode()
    assert form["detectors"].value() == "full: ? ms\ntiny: ? ms"
    assert form["scenes"].value() == "" and form["fps"].value() == "25"
    assert form["drift"].value() == "none", "that of the default's scenes means nothing here"
    assert "The detectors are those of the recordings." in text
    assert "full-288" not in re.sub(r"(?s)<p class=.help.*?</p>", "", text)
    assert "Does not count here: the recordings are what is filmed." in text
    assert not {"scenes", "frame rate"} & set(dict(page.context["promise"].settings))


def test_what_is_left_open_is_refused_at_its_field_and_completed_it_runs_with_truth(
    cast: Cast, client: Client, street: Dataset,
) -> None:
    client.force_login(cast.alice)
    typed = {"recordings": str(street.pk), "scenes": "", "fps": "25", "drift": "none"}
    page = client.post(NEW, typed | {"detectors": "full: ? ms\ntiny: ? ms"})
    assert page.status_code == 422 and "a number belongs in place of each ?" in page.context["form"].errors["detectors"][0]
    assert "full: ? ms" in page.content.decode() and not Run.objects.exists()
    begun = {name: value for name, field in page.context["form"].fields.items() if (value := field.initial) is not None}
    page = client.post(NEW, begun | typed | {"detectors": "full: 126 ms\ntiny: 27 ms"})
    assert page.status_code == 302 and Run.objects.get().params["detectors"] == "tiny: 27 ms; full: 126 ms"
    shown = re.findall(r"<dt>([^<]+)</dt>", client.get(page["Location"]).content.decode())
    assert "detectors" in shown and "scenes" not in shown and "frame rate" not in shown


def test_without_truth_lines_say_what_detectors_find(cast: Cast, client: Client, tmp_path: Path) -> None:
    blind = kept(cast, tmp_path, truth=None)
    client.force_login(cast.alice)
    form = client.get(f"{NEW}?recordings={blind.pk}").context["form"]
    assert form["detectors"].value().splitlines()[0] == "full: ? ms, h50 ? px, recall ?, false positives ?"
    said = asked(client, recordings=str(blind.pk), detectors="full: 126 ms; tiny: 27 ms").json()["errors"]["detectors"]
    assert "got 'tiny: 27 ms'; where recordings have no truth a line says h50, recall and false positives too" in str(said)
    said = asked(client, detectors="full: 126 ms; tiny: 27 ms").json()["errors"]["detectors"]
    assert "on emulated scenes a line says h50" in str(said) and not Run.objects.exists()


def test_more_detectors_than_a_run_takes_are_the_first_and_it_is_said(cast: Cast, client: Client, tmp_path: Path) -> None:
    many = kept(cast, tmp_path, detectors={f"d{place}": 9 for place in range(8)})
    client.force_login(cast.alice)
    page = client.get(f"{NEW}?recordings={many.pk}")
    assert page.context["form"]["detectors"].value().count("? ms") == 6
    assert "A run takes at most 6 of their 8 detectors: these are the first." in page.content.decode()


def test_another_teams_recordings_tell_a_form_nothing(cast: Cast, client: Client, street: Dataset) -> None:
    client.force_login(cast.mallory)
    page = client.get(f"{NEW}?recordings={street.pk}")
    assert "full-288" in page.context["form"]["detectors"].value()
    assert "The detectors are those" not in page.content.decode()


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
