"""Data sets on their way and on their page: named at once, asked about when sizes differ, shown with their images."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from apps.catalog import checking, room, settling, sheet, wishes
from apps.catalog.models import Dataset, Upload, UploadState
from tests.apps.cast import Cast
from tests.worker.inspection import made
from worker import datasets
from worker.context import DatasetInput
from worker.datasets import sheet as drawing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "wake", lambda: None)


def found(folder: Path, **more: Any) -> dict[str, Any]:
    data = datasets.load(DatasetInput("digits"))
    (folder / "data.safetensors").write_bytes(b"twelve bytes")
    drawn = drawing.drawn(data)
    assert drawn
    drawn.save(folder / "samples.png")
    return {"kind": "dataset", "file": "data.safetensors", "samples": "samples.png", "in_shape": [1, 8, 8], "classes": 10,
            "labels": list("0123456789"), "counts": {"train": 7, "validation": 1, "test": 2}, "notes": []} | more


def settled(cast: Cast, folder: Path) -> Dataset:
    Upload.objects.create(team=cast.team, kind="dataset", file_name="cifar-10-binary.tar.gz", size_bytes=10, received_bytes=10,
                          state=UploadState.CHECKING, made_by=cast.alice)
    upload, said = checking.claim(), found(folder)
    assert upload
    data: Dataset = settling.settle(upload, said, settling.keep(said, folder), "0" * 64)["dataset"]
    return data


def test_an_archive_is_named_with_its_first_part_and_refused_with_what_to_send_instead(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    for body, state, word in ((made.tape(made.cifar_10()), 200, "CIFAR-10, binary"),
                              (made.tape({"cifar-10-batches-py/data_batch_1": b"x"}), 422, "send the binary version")):
        asked = {"kind": "dataset", "name": "cifar.tar.gz", "size_bytes": len(body)}
        pk = client.post("/api/uploads", asked, content_type="application/json").json()["id"]
        answer = client.put(f"/api/uploads/{pk}/parts?offset=0", body, content_type="application/octet-stream")
        assert answer.status_code == state and word in answer.content.decode()
    assert "It looks like CIFAR-10, binary." in client.get("/data/").content.decode()


@pytest.mark.parametrize(("name", "stem"), [
    ("cifar-10-binary.tar.gz", "cifar-10-binary"), ("a.TGZ", "a"), ("birds.v2.zip", "birds.v2"), (".tar.gz", ".tar.gz")])
def test_an_archives_name_without_its_endings_is_the_data_sets(name: str, stem: str) -> None:
    assert wishes.stem(name) == stem


def test_pictures_of_differing_sizes_are_asked_about_with_the_likely_answer_and_checked_again(cast: Cast, client: Client) -> None:
    upload = Upload.objects.create(
        team=cast.team, kind="dataset", file_name="photos.zip", size_bytes=10, received_bytes=10, made_by=cast.alice,
        state=UploadState.REFUSED, why="The pictures have 2 sizes.", mend="in_shape", findings={"in_shape": [3, 32, 32]})
    client.force_login(cast.alice)
    said = client.get("/data/").content.decode()
    assert 'value="3x32x32"' in said and "needs an answer" in said and "Whose weights" not in said
    wrong = client.post(f"/uploads/{upload.pk}/again/", {f"{upload.pk}-in_shape": "large"})
    assert wrong.status_code == 422 and 'value="large"' in wrong.content.decode()
    assert client.post(f"/uploads/{upload.pk}/again/", {f"{upload.pk}-in_shape": "3x16x16"}).status_code == 302
    upload.refresh_from_db()
    assert upload.state == UploadState.CHECKING and upload.options["in_shape"] == [3, 16, 16]


def test_a_refused_data_set_that_nothing_mends_asks_nothing(cast: Cast, client: Client) -> None:
    Upload.objects.create(team=cast.team, kind="dataset", file_name="a.zip", size_bytes=10, received_bytes=10,
                          made_by=cast.alice, state=UploadState.REFUSED, why="One class.")
    client.force_login(cast.alice)
    assert "Check again" not in client.get("/data/").content.decode()


def test_its_page_shows_its_parts_in_order_and_a_column_of_images_for_each_class(
    cast: Cast, client: Client, tmp_path: Path,
) -> None:
    data = settled(cast, tmp_path)
    client.force_login(cast.victor)
    said = client.get(f"/data/{data.pk}/").content.decode()
    assert data.name == "cifar-10-binary" and said.count('role="img" aria-label="Images of ') == 10
    assert said.index("<dt>train") < said.index("<dt>validation") < said.index("<dt>test")
    picture = client.get(f"/data/{data.pk}/samples.png")
    assert picture["Content-Type"] == "image/png" and picture["X-Content-Type-Options"] == "nosniff"
    body = b"".join(picture.streaming_content)  # type: ignore[attr-defined]
    assert Image.open(io.BytesIO(body)).size == (80, 32)


def test_what_was_kept_before_there_were_sheets_has_a_page_without(cast: Cast, client: Client, tmp_path: Path) -> None:
    data = settled(cast, tmp_path)
    Dataset.objects.update(samples=None)
    client.force_login(cast.victor)
    assert "Training images" not in client.get(f"/data/{data.pk}/").content.decode()
    assert client.get(f"/data/{data.pk}/samples.png").status_code == 404


def test_a_sheet_counts_for_the_teams_room(cast: Cast, tmp_path: Path) -> None:
    data = settled(cast, tmp_path)
    assert data.samples and room.used_bytes(cast.team) == 12 + data.samples.size_bytes > 12


def test_the_page_and_the_inspection_agree_on_the_sheet(cast: Cast) -> None:
    assert (sheet.MOST_CLASSES, sheet.IMAGES_A_CLASS) == (drawing.MOST_CLASSES, drawing.IMAGES_A_CLASS)
    many = Dataset(in_shape=[3, 4, 6], classes=40, labels=[], samples_id="x")
    shown = sheet.sheet(many)
    assert shown and len(shown["columns"]) == 12 and shown["rest"] == 28 and shown["width"] == 72
    assert [column["left"] for column in shown["columns"][:3]] == [0, -6, -12] and shown["columns"][11]["label"] == "11"


def test_the_guide_to_data_sets_is_among_the_docs(cast: Cast, client: Client) -> None:
    client.force_login(cast.victor)
    assert 'href="/docs/guide/data-sets/"' in client.get("/docs/").content.decode()
    assert "val becomes the <em>test</em> part" in client.get("/docs/guide/data-sets/").content.decode()


def test_images_on_the_sheet_are_those_of_their_class() -> None:
    data = datasets.load(DatasetInput("digits32"))
    drawn = drawing.drawn(data)
    assert drawn and drawn.size == (320, 128)
    tile = np.asarray(drawn)[32:64, 96:128].transpose(2, 0, 1)
    train = data.parts["train"]
    assert any((tile == image.numpy()).all() for image in train.images[train.labels == 3])
