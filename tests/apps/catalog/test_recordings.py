"""Recorded detections in the catalogue: brought as data, shown as what they are, and never taken for images."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from apps.catalog import checking, settling
from apps.catalog.models import Dataset, Upload, UploadState
from tests.apps.cast import Cast
from tests.apps.recorded import RECORDED, kept

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "wake", lambda: None)


def upload(cast: Cast, **more: object) -> Upload:
    values = {"file_name": "street.zip", "size_bytes": 10, "received_bytes": 10, "made_by": cast.alice, **more}
    return Upload.objects.create(team=cast.team, kind="dataset", **values)


def test_what_was_found_becomes_data_that_says_so_on_its_page_and_in_the_api(cast: Cast, client: Client, tmp_path: Path) -> None:
    upload(cast, state=UploadState.CHECKING)
    (tmp_path / "recordings.zip").write_bytes(b"a zip")
    claimed = checking.claim()
    assert claimed
    said = {"kind": "recordings", "file": "recordings.zip", "recorded": RECORDED, "notes": ["A note."]}
    data = settling.settle(claimed, said, settling.keep(said, tmp_path), "0" * 64)["dataset"]
    client.force_login(cast.alice)
    page = client.get(f"/data/{data.pk}/").content.decode()
    for words in ("recorded detections", "1920×1080 px", "25 frames/s", "12 s", "<td>1500</td><td>5.00</td>", "what is there",
                  "A note.", f"/experiments/new/detection.roma/?recordings={data.pk}"):
        assert words in page, words
    assert "Models it fits" not in page and "images and labels" not in page
    told = client.get(f"/api/datasets/{data.pk}").json()
    assert told["recorded"] == RECORDED and told["in_shape"] == [] and told["classes"] == 0
    assert client.get(f"/data/{data.pk}/file")["Content-Disposition"] == 'attachment; filename="street.zip"'
    assert "detections, 300 frames" in client.get("/data/").content.decode()


def test_without_truth_the_page_says_what_cannot_be_told(cast: Cast, client: Client, tmp_path: Path) -> None:
    client.force_login(cast.alice)
    page = client.get(f"/data/{kept(cast, tmp_path, truth=None).pk}/").content.decode()
    assert "Without truth a run tells who would be shown when, not how accurate that is." in page and "what is there" not in page


def test_the_api_lists_images_and_recordings_apart(cast: Cast, client: Client, tmp_path: Path) -> None:
    mine = kept(cast, tmp_path)
    Dataset.objects.create(team=cast.team, name="digits", in_shape=[1, 8, 8], classes=10, file=mine.file)
    client.force_login(cast.alice)

    def names(query: str) -> list[str]:
        return [each["name"] for each in client.get(f"/api/datasets{query}").json()["items"]]

    assert names("") == ["digits", "street"] and names("?holds=recordings") == ["street"] and names("?holds=images") == ["digits"]


def test_no_network_is_made_for_recordings(cast: Cast, client: Client, tmp_path: Path) -> None:
    data = kept(cast, tmp_path)
    client.force_login(cast.alice)
    assert "street" not in client.get("/models/new/").content.decode()
    answer = client.post("/api/models", {"architecture": "lenet5", "dataset": str(data.pk)}, content_type="application/json")
    assert answer.status_code == 422 and "There is no such data set" in answer.content.decode()


def test_picture_and_rate_are_asked_for_and_what_cannot_be_comes_back_as_it_was_typed(cast: Cast, client: Client) -> None:
    asked = upload(cast, state=UploadState.REFUSED, why="The archive has no seqinfo.ini.", mend="footage")
    client.force_login(cast.alice)
    page = client.get("/data/").content.decode()
    assert f'name="{asked.pk}-footage"' in page and "needs an answer" in page
    for typed in ("large", "1920x1080", "1920x1080 at fast"):
        wrong = client.post(f"/uploads/{asked.pk}/again/", {f"{asked.pk}-footage": typed})
        assert wrong.status_code == 422 and f'value="{typed}"' in wrong.content.decode()
    wrong = client.post(f"/uploads/{asked.pk}/again/", {f"{asked.pk}-footage": "99999x1080 at 30"})
    assert wrong.status_code == 422 and "each from 1 to 20,000 px" in wrong.content.decode()
    assert client.post(f"/uploads/{asked.pk}/again/", {f"{asked.pk}-footage": "1920x1080 px at 29.97"}).status_code == 302
    asked.refresh_from_db()
    assert asked.state == UploadState.CHECKING and asked.options["footage"] == [1920, 1080, 29.97]


def test_a_model_has_no_frames(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    asked = {"kind": "model", "name": "net.onnx", "size_bytes": 9, "options": {"footage": [640, 360, 30]}}
    answer = client.post("/api/uploads", asked, content_type="application/json")
    assert answer.status_code == 422 and "A model has no frames" in answer.content.decode()
