"""A model without a file: what is asked for, what is refused at which field, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.refusal import Refused
from apps.catalog import checking, fresh, settling, uploading
from apps.catalog.models import Blob, Dataset, RegisteredModel, Upload, UploadState, Variant
from apps.catalog.uploading import OutOfPlace
from tests.apps.cast import Cast
from worker.inspection.inspecting import inspect
from worker.inspection.order import Fresh, Order

pytestmark = pytest.mark.django_db
ASKED: dict[str, Any] = {"architecture": "lenet5", "in_shape": (1, 8, 8), "classes": 10}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "wake", lambda: None)


@pytest.fixture
def pictures(cast: Cast) -> Dataset:
    blob = Blob.objects.create(sha256="a" * 64, size_bytes=4)
    return Dataset.objects.create(team=cast.team, name="my-pictures", in_shape=[3, 32, 32], classes=3, file=blob)


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def test_a_data_set_says_images_classes_and_the_name(cast: Cast, pictures: Dataset) -> None:
    made = fresh.make(cast.alice, cast.team, {"architecture": "resnet20", "dataset": pictures.pk})
    assert (made.state, made.file_name, made.size_bytes) == (UploadState.CHECKING, "ResNet-20 for my-pictures", 0)
    assert (made.options["in_shape"], made.options["classes"]) == ([3, 32, 32], 3)
    assert {"width": 1.0, "seed": 7}.items() <= made.options["fresh"].items()


@pytest.mark.parametrize(("said", "field", "words"), [
    ({"architecture": "lenet6"}, "architecture", "must be one of alexnet"),
    ({"architecture": ""}, "architecture", "must be one of alexnet"),
    ({"in_shape": None}, "in_shape", "Say channels, height and width"),
    ({"in_shape": (1, 0, 8)}, "in_shape", "from 1 to 65,536"),
    ({"classes": None}, "classes", "Say how many classes"),
    ({"classes": 0}, "classes", "from 1 to 1,048,576"),
    ({"width": 0}, "width", "more than 0 and at most 4"),
    ({"width": 4.5}, "width", "more than 0 and at most 4"),
    ({"width": float("nan")}, "width", "more than 0 and at most 4"),
    ({"seed": -1}, "seed", "from 0 to 2,147,483,647"),
    ({"name": "n\x00"}, "name", "at most 120 characters"),
    ({"name": "Taken"}, "name", "Taken is taken in this team"),
    ({"dataset": "7"}, "dataset", "no such data set"),
])
def test_what_cannot_be_is_said_at_its_field(cast: Cast, said: dict[str, Any], field: str, words: str) -> None:
    RegisteredModel.objects.create(team=cast.team, name="Taken", in_shape=[1, 8, 8], classes=10)
    with pytest.raises(Refused) as refused:
        fresh.make(cast.alice, cast.team, ASKED | said)
    assert words in refused.value.errors[field]
    assert not Upload.objects.exists()


def test_images_other_than_those_of_the_data_set_are_refused_with_both(cast: Cast, pictures: Dataset) -> None:
    with pytest.raises(Refused) as refused:
        fresh.make(cast.alice, cast.team, ASKED | {"dataset": pictures.pk})
    assert "my-pictures has 3×32×32 samples" in refused.value.errors["in_shape"]
    assert "my-pictures has 3 classes" in refused.value.errors["classes"]


def test_another_teams_data_set_is_not_there(cast: Cast, pictures: Dataset) -> None:
    with pytest.raises(Refused, match="no such data set"):
        fresh.make(cast.mallory, cast.mallory.memberships.get().team, {"architecture": "lenet5", "dataset": pictures.pk})


def test_nothing_is_made_in_a_full_team_or_a_long_queue(cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "MOST_WAITING", 1)
    fresh.make(cast.alice, cast.team, ASKED)
    with pytest.raises(Refused, match="are being made already"):
        fresh.make(cast.alice, cast.team, ASKED)
    settings.TEAM_QUOTA_BYTES = 0
    with pytest.raises(Refused, match="no room for another model"):
        fresh.make(cast.alice, cast.team, ASKED)


def test_what_the_worker_draws_becomes_a_model_with_one_untrained_variant(cast: Cast, tmp_path: Path) -> None:
    fresh.make(cast.alice, cast.team, ASKED | {"name": "Mine"})
    held = checking.claim()
    assert held
    order = Order(kind="model", file=str(tmp_path / "none"), folder=str(tmp_path), name="Mine", architecture="lenet5", classes=10,
                  in_shape=(1, 8, 8), fresh=Fresh(width=1, seed=7))
    found = inspect(order, lambda name, detail="": None).model_dump(mode="json")
    made = settling.settle(held, found, settling.keep(found, tmp_path), "")
    assert (made["model"].name, made["model"].classes, made["variant"].name) == ("Mine", 10, "initialised")
    assert made["variant"].notes[0].startswith("Nobody trained it: it is lenet5 of width 1") and made["variant"].onnx


def test_what_was_refused_is_asked_for_anew_with_everything_filled_in(cast: Cast, alice: Client) -> None:
    made = fresh.make(cast.alice, cast.team, ASKED | {"architecture": "vgg11", "width": 0.5, "name": "Mine"})
    held = checking.claim()
    assert held
    checking.refuse(held, "vgg11 needs images of at least 16x16 pixels; 1x8x8 is too small.")
    with pytest.raises(OutOfPlace, match="no file to check again"):
        uploading.again(cast.alice, made, {})
    page = alice.get(reverse("models")).content.decode()
    assert "at least 16x16 pixels" in page
    address = page.split('href="/models/new/?')[1].split('"')[0].replace("&amp;", "&")
    said = parse_qs(urlsplit(f"?{address}").query)
    assert said == {"architecture": ["vgg11"], "in_shape": ["1x8x8"], "classes": ["10"], "width": ["0.5"], "seed": ["7"],
                    "name": ["Mine"]}
    again = alice.get(f"{reverse('new-model')}?{address}").content.decode()
    assert 'value="1x8x8"' in again and '<option value="vgg11" selected>' in again


def test_the_page_keeps_what_was_typed_and_says_at_the_field_what_is_wrong(alice: Client, pictures: Dataset) -> None:
    typed = {"architecture": "lenet5", "dataset": str(pictures.pk), "width": "9", "seed": "x", "name": "Mine"}
    answer = alice.post(reverse("new-model"), typed)
    page = answer.content.decode()
    assert answer.status_code == 422 and 'value="9"' in page and 'value="Mine"' in page
    assert f'<option value="{pictures.pk}" selected>' in page and "whole number" in page
    wide = alice.post(reverse("new-model"), typed | {"seed": "3"})
    assert wide.status_code == 422 and "more than 0 and at most 4" in wide.content.decode()
    assert alice.post(reverse("new-model"), typed | {"seed": "3", "width": "2"}).status_code == 302
    assert Upload.objects.get().options["fresh"]["seed"] == 3


def test_a_data_set_leads_to_the_page_with_itself_chosen(alice: Client, pictures: Dataset) -> None:
    page = alice.get(reverse("dataset", args=[pictures.pk])).content.decode()
    address = f"{reverse('new-model')}?dataset={pictures.pk}"
    assert address in page
    assert f'<option value="{pictures.pk}" selected>' in alice.get(address).content.decode()


def test_a_viewer_is_not_offered_it_and_may_not(cast: Cast, client: Client) -> None:
    client.force_login(cast.victor)
    assert reverse("new-model") not in client.get(reverse("models")).content.decode()
    assert client.get(reverse("new-model")).status_code == 403
    with pytest.raises(Refused, match="Your role"):
        fresh.make(cast.victor, cast.team, ASKED)


def test_the_api_answers_202_with_where_to_look(alice: Client) -> None:
    answer = alice.post("/api/models", ASKED, content_type="application/json")
    assert (answer.status_code, answer.json()["state"], answer.json()["name"]) == (202, "checking", "LeNet-5 for 1×8×8")
    assert alice.get(answer["Location"]).json()["id"] == answer.json()["id"]
    wrong = alice.post("/api/models", ASKED | {"width": 5, "architecture": "vgg11"}, content_type="application/json")
    assert wrong.status_code == 422 and "width" in wrong.json()["errors"]
    assert alice.post("/api/models", ASKED | {"depth": 5}, content_type="application/json").status_code == 422


def test_an_experiment_with_no_model_that_fits_leads_to_the_page(cast: Cast, alice: Client, pictures: Dataset) -> None:
    other = RegisteredModel.objects.create(team=cast.team, name="Other", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=other, name="v", file=pictures.file, size_bytes=4, params=3, macs=2,
                                     activation_bytes=1)
    typed = {"model": str(variant.pk), "dataset": str(pictures.pk)}
    page = alice.post(reverse("new-summary", args=["training.backprop"]), typed).content.decode()
    assert f'{reverse("new-model")}?dataset={pictures.pk}' in page
    alone = alice.post(reverse("new-summary", args=["training.backprop"]), {"dataset": str(pictures.pk)}).content.decode()
    assert reverse("new-model") not in alone
