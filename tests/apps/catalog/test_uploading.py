"""An upload in parts: rights, sizes, quota, order, idempotence, and what is refused in the first second."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from apps.accounts.refusal import Refused
from apps.catalog import checking, parts, uploading, wishes
from apps.catalog.models import Blob, Dataset, Upload, UploadState
from apps.live.models import Event, Stream
from tests.apps.cast import Cast
from worker import firstlook

PART = 300_000
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 300,000 bytes, and no broker to wake."""
    settings.UPLOAD_PART_BYTES = PART
    monkeypatch.setattr(checking, "wake", lambda: None)


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def tensors(size: int) -> bytes:
    """A safetensors file of exactly that many bytes: one tensor of bytes."""
    room = size - 8 - 200
    header = json.dumps({"weight": {"dtype": "U8", "shape": [room], "data_offsets": [0, room]}}).encode().ljust(200)
    return len(header).to_bytes(8, "little") + header + bytes(room)


def begin(client: Client, size: int, **more: Any) -> Any:
    body = {"kind": "model", "name": "net.safetensors", "size_bytes": size, **more}
    return client.post("/api/uploads", body, content_type="application/json")


def send(client: Client, pk: str, offset: int, piece: bytes) -> Any:
    return client.put(f"/api/uploads/{pk}/parts?offset={offset}", piece, content_type="application/octet-stream")


def upload(client: Client, body: bytes, **more: Any) -> str:
    pk = begin(client, len(body), **more).json()["id"]
    for offset in range(0, len(body), PART):
        assert send(client, pk, offset, body[offset:offset + PART]).status_code == 200
    return str(pk)


def test_parts_in_order_become_one_file_and_wait_to_be_checked(alice: Client, tmp_path: Any) -> None:
    body = tensors(700_000)
    pk = upload(alice, body)
    answer = alice.post(f"/api/uploads/{pk}/finish")
    assert (answer.status_code, answer.json()["state"]) == (200, "checking")
    assert alice.post(f"/api/uploads/{pk}/finish").json()["state"] == "checking"
    held = checking.claim()
    assert held and parts.gather(held, tmp_path / "whole") == len(body)
    assert (tmp_path / "whole").read_bytes() == body
    assert checking.claim() is None


def test_a_part_sent_again_is_acknowledged_and_kept_once(alice: Client) -> None:
    body = tensors(700_000)
    pk = begin(alice, len(body)).json()["id"]
    for _ in range(3):
        assert send(alice, pk, 0, body[:PART]).json()["received_bytes"] == PART
    assert Upload.objects.get(pk=pk).parts.count() == 1
    assert len(default_storage.listdir(f"uploads/{pk.replace('-', '')}")[1]) == 1


def test_a_part_beyond_what_is_here_is_told_where_to_go_on(alice: Client) -> None:
    body = tensors(700_000)
    pk = begin(alice, len(body)).json()["id"]
    answer = send(alice, pk, PART, body[PART:2 * PART])
    assert (answer.status_code, answer.json()["received_bytes"]) == (409, 0)


def test_two_that_send_the_same_part_at_once_leave_one(cast: Cast, alice: Client) -> None:
    body = tensors(700_000)
    pk = begin(alice, len(body)).json()["id"]
    first, second = (Upload.objects.get(pk=pk) for _ in range(2))
    for one in (first, second):
        assert uploading.accept(one, 0, io.BytesIO(body[:PART])).received_bytes == PART
    assert len(default_storage.listdir(f"uploads/{first.pk.hex}")[1]) == 1


def test_the_same_file_goes_on_where_it_stopped(alice: Client) -> None:
    body = tensors(700_000)
    first = begin(alice, len(body), fingerprint="a-1")
    send(alice, first.json()["id"], 0, body[:PART])
    again = begin(alice, len(body), fingerprint="a-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"] and again.json()["received_bytes"] == PART
    assert begin(alice, len(body), fingerprint="a-2").status_code == 201


def test_finishing_before_all_is_here_is_a_conflict(alice: Client) -> None:
    pk = begin(alice, 700_000).json()["id"]
    assert alice.post(f"/api/uploads/{pk}/finish").status_code == 409
    assert Upload.objects.get(pk=pk).state == UploadState.RECEIVING


@pytest.mark.parametrize(("kind", "limit"), [("model", 2_000_000_000), ("dataset", 5_000_000_000)])
def test_a_file_over_the_limit_is_refused_with_both_numbers(alice: Client, kind: str, limit: int) -> None:
    answer = begin(alice, limit + 1, kind=kind)
    assert (answer.status_code, answer.json()["limit"], answer.json()["got"]) == (413, limit, limit + 1)


def test_the_quota_counts_what_is_kept_and_what_is_on_its_way(cast: Cast, alice: Client, settings: Any) -> None:
    settings.TEAM_QUOTA_BYTES = 1_000_000
    blob = Blob.objects.create(sha256="a" * 64, size_bytes=600_000)
    Dataset.objects.create(team=cast.team, name="d", in_shape=[1, 8, 8], classes=10, file=blob)
    assert begin(alice, 300_000).status_code == 201
    answer = begin(alice, 100_001)
    assert (answer.status_code, answer.json()["limit"], answer.json()["got"]) == (413, 100_000, 100_001)
    assert begin(alice, 100_000).status_code == 201


def test_every_team_pays_in_full_for_the_same_bytes(cast: Cast, client: Client, settings: Any) -> None:
    settings.TEAM_QUOTA_BYTES = 1_000_000
    blob = Blob.objects.create(sha256="a" * 64, size_bytes=600_000)
    Dataset.objects.create(team=cast.team, name="d", in_shape=[1, 8, 8], classes=10, file=blob)
    client.force_login(cast.mallory)
    assert begin(client, 1_000_000).status_code == 201


@pytest.mark.parametrize("length", [PART + 1, 99_999])
def test_a_part_of_the_wrong_size_is_refused_with_both_numbers(alice: Client, length: int) -> None:
    pk = begin(alice, 700_000).json()["id"]
    answer = send(alice, pk, 0, bytes(length))
    assert answer.status_code in (413, 422) and f"{length:,}" in answer.json()["title"]
    assert Upload.objects.get(pk=pk).received_bytes == 0


def test_more_than_was_announced_is_refused(alice: Client) -> None:
    pk = begin(alice, 150_000).json()["id"]
    assert send(alice, pk, 0, tensors(150_001)).status_code == 413


@pytest.mark.parametrize("body", [{"name": ""}, {"kind": "film"}, {"size_bytes": -1}, {"size_bytes": 0}, {"fingerprint": "<>"},
                                  {"options": {"architecture": "skynet"}}, {"options": {"name": "a\x00b"}},
                                  {"nonsense": 1},
                                  {"options": {"in_shape": [3, 0, 32]}}, {"options": {"shoe": 43}},
                                  {"options": {"classes": 10**12}},
                                  {"options": {"model": str(uuid4())}},
                                  {"kind": "dataset", "options": {"architecture": "lenet5"}}])
def test_what_cannot_be_meant_is_refused_and_leaves_no_row(alice: Client, body: dict[str, Any]) -> None:
    answer = alice.post("/api/uploads", {"kind": "model", "name": "a", "size_bytes": 9, **body}, content_type="application/json")
    assert answer.status_code in (409, 422) and answer.json()["title"]
    assert not Upload.objects.exists()


@pytest.mark.parametrize("offset", ["-1", "x", str(2**70), "1.5", ""])
def test_an_offset_that_is_none_is_refused(alice: Client, offset: str) -> None:
    pk = begin(alice, 700_000).json()["id"]
    answer = alice.put(f"/api/uploads/{pk}/parts?offset={offset}", b"x", content_type="application/octet-stream")
    assert answer.status_code == 422


WRONG = {
    "a web page": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 5\n", "git-lfs pointer"),
    "a pickle": (b"\x80\x04\x95cposix\nsystem\n", "pickled Python object"),
    "onnx": (b"\x08\x08\x12\x07pytorch\x1a\x052.0.0" + bytes(50), "ONNX"),
    "arrays": (b"PK\x03\x04" + bytes(22) + b"\x0a\x00\x00\x00images.npy" + bytes(50), "data set"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5"),
    "torchscript": (b"PK\x03\x04" + bytes(22) + b"\x10\x00\x00\x00net/code/__torch" + bytes(50), "TorchScript"),
    "a lying header": ((10**10).to_bytes(8, "little") + b'{"a":1}' + bytes(90), "10,000,000,000"),
    "a cut header": ((5000).to_bytes(8, "little") + b'{"a":1}' + bytes(90), "cut off"),
    "a path": (tensors(400).replace(b'"weight"', b'"../wei"'), "letters, digits"),
    "nothing known": (b"hello, world, this is text", "neither"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_model_is_refused_with_its_first_part(alice: Client, case: str) -> None:
    body, word = WRONG[case]
    pk = begin(alice, len(body), name="net.pt").json()["id"]
    answer = send(alice, pk, 0, body)
    assert answer.status_code == 422 and word in answer.json()["title"]
    found = Upload.objects.get(pk=pk)
    assert (found.state, found.received_bytes, found.parts.count()) == (UploadState.REFUSED, 0, 0) and word in found.why
    assert send(alice, pk, 0, body).status_code == 409


def test_a_model_dropped_on_the_data_page_is_told_so(alice: Client) -> None:
    body = tensors(500)
    pk = begin(alice, len(body), kind="dataset").json()["id"]
    assert "no description of a data set" in send(alice, pk, 0, body).json()["title"]


@pytest.mark.parametrize("head", [bytes([n]) * m for n in (0, 8, 80, 128, 255) for m in (1, 2, 3, 8, 9, 40)])
@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_no_beginning_breaks_the_first_look(kind: str, head: bytes) -> None:
    try:
        firstlook.look(kind, "x.pt", head, len(head))
    except firstlook.Unfit as unfit:
        assert str(unfit)


def test_a_viewer_and_a_stranger_cannot_upload(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    pk = begin(client, 500).json()["id"]
    client.force_login(cast.victor)
    assert begin(client, 500).status_code == 403
    for person in (cast.victor, cast.mallory):
        client.force_login(person)
        assert send(client, pk, 0, tensors(500)).status_code == 404
        assert client.post(f"/api/uploads/{pk}/finish").status_code == 404
        assert client.delete(f"/api/uploads/{pk}").status_code == 404
    assert client.get(f"/api/uploads/{pk}").status_code == 404
    assert client.get("/api/uploads").json()["total"] == 0


@pytest.mark.parametrize(("name", "shown"), [
    ("../../etc/passwd", "passwd"), ("C:\\temp\\net.pt", "net.pt"), ("a\u202etp.exe", "atp.exe"), ("a\r\nb", "a b"),
    ("x" * 900, "x" * 200), ("🐍.pt", "🐍.pt"), (".htaccess", ".htaccess"), ("\u200b", "unnamed")])
def test_a_file_name_is_cleaned_for_display(alice: Client, name: str, shown: str) -> None:
    assert begin(alice, 500, name=name).json()["name"] == shown


def test_an_abandoned_upload_leaves_nothing(alice: Client, django_capture_on_commit_callbacks: Any) -> None:
    pk = upload(alice, tensors(700_000))
    with django_capture_on_commit_callbacks(execute=True):
        assert alice.delete(f"/api/uploads/{pk}").status_code == 204
    assert not Upload.objects.exists() and not default_storage.exists(f"uploads/{pk.replace('-', '')}")


def test_the_team_hears_where_an_upload_stands(cast: Cast, alice: Client) -> None:
    pk = upload(alice, tensors(500))
    alice.post(f"/api/uploads/{pk}/finish")
    said = Event.objects.filter(stream=Stream.of_team(cast.team)).values_list("type", "body__state")
    assert list(said) == [("upload", "receiving"), ("upload", "checking")]


def test_what_is_said_when_a_file_is_gone_on_with_counts_and_the_rest_still_holds(alice: Client) -> None:
    first = begin(alice, 700_000, fingerprint="a1", options={"name": "Mine", "description": "first"})
    again = begin(alice, 700_000, fingerprint="a1", options={"architecture": "lenet5"})
    assert (first.status_code, again.status_code, first.json()["id"]) == (201, 200, again.json()["id"])
    said = again.json()["options"]
    assert (said["name"], said["description"], said["architecture"]) == ("Mine", "first", "lenet5")


def test_two_that_send_the_same_bad_beginning_are_told_the_same(cast: Cast, alice: Client) -> None:
    pk = begin(alice, 700_000).json()["id"]
    one, two = Upload.objects.get(pk=pk), Upload.objects.get(pk=pk)
    for held in (one, two):
        with pytest.raises(Refused, match="web page"):
            uploading.accept(held, 0, io.BytesIO(b"<!doctype html>".ljust(PART)))
    assert Upload.objects.get(pk=pk).state == UploadState.REFUSED


def test_a_part_that_comes_in_while_its_upload_is_abandoned_is_a_conflict_and_leaves_nothing(cast: Cast, alice: Client) -> None:
    body = tensors(700_000)
    held = Upload.objects.get(pk=begin(alice, len(body)).json()["id"])
    Upload.objects.filter(pk=held.pk).delete()
    with pytest.raises(uploading.OutOfPlace, match="abandoned"):
        uploading.accept(held, 0, io.BytesIO(body[:PART]))
    assert held.pk not in parts.uploads_with_pieces()


@pytest.mark.parametrize(("name", "stem"), [
    ("net.safetensors", "net"), ("net.epoch3.pt", "net.epoch3"), ("v1.2", "v1.2"), (".htaccess", ".htaccess"), ("A.NPZ", "A"),
    ("93.5 % accuracy.pth", "93.5 % accuracy")])
def test_a_thing_is_called_like_its_file_without_the_ending(name: str, stem: str) -> None:
    assert wishes.stem(name) == stem
