"""What a variant is made of: read once, asked of the desk when nobody knows it yet, described by one worker at a time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.catalog import blobs, settling, shelf, structures
from apps.catalog.models import Blob, Description, RegisteredModel, Upload, UploadState, Variant
from tests.apps.cast import Cast
from worker.structure import Input, Layer, Parity, Structure

FACTS = {"size_bytes": 4, "params": 3, "macs": 2, "activation_bytes": 1}
Woken = list[int]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> Woken:
    """How often the desk was woken, in place of waking it."""
    calls: Woken = []
    monkeypatch.setattr(structures, "wake", lambda: calls.append(1))
    monkeypatch.setattr(structures.transaction, "on_commit", lambda call: call())
    shelf._read.clear()
    return calls


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path) -> Path:
    settings.BLOBS = tmp_path / "blobs"
    return Path(settings.BLOBS)


def told(*channels: int) -> Structure:
    """A chain of convolutions that wide, a shortcut around the second."""
    layers = []
    for place, wide in enumerate(channels):
        reads = (f"c{place - 1}", "c0") if place == 2 else (f"c{place - 1}" if place else "x",)
        layers.append(Layer(name=f"c{place}", op="Conv2d", params=wide, macs=10 * wide, activation_bytes=4 * wide,
                            living_bytes=8 * wide, out_shape=(wide, 1, 1), inputs=reads, arguments={"out_channels": wide}))
    found = Structure(in_shape=(1, 1, 1), out_shape=(channels[-1], 1, 1), params=sum(channels), macs=10 * sum(channels),
                      activation_bytes=8 * max(channels), input=Input(name="x"), answer=layers[-1].name, layers=tuple(layers),
                      cuts=(), parity=Parity(max_abs=1e-7, max_relative=1e-6))
    return found.model_copy(update={"cuts": found.parted()})


def file_of(structure: Structure, folder: Path) -> Blob:
    path = folder / "structure.json"
    path.write_text(structure.model_dump_json())
    return blobs.keep(path)


def variant(cast: Cast, tmp_path: Path, **more: Any) -> Variant:
    (tmp_path / "file").write_bytes(b"four")
    model = RegisteredModel.objects.get_or_create(team=cast.team, name="net", in_shape=[1, 1, 1], classes=2)[0]
    return Variant.objects.create(team=cast.team, model=model, name="root", **{"file": blobs.keep(tmp_path / "file"), **FACTS,
                                                                               **more})


def described(cast: Cast, tmp_path: Path, *channels: int) -> Variant:
    return variant(cast, tmp_path, structure=file_of(told(*channels), tmp_path))


# Looking


def test_what_lies_beside_a_variant_is_read_once(
    cast: Cast, tmp_path: Path, woken: Woken, monkeypatch: pytest.MonkeyPatch) -> None:
    found = described(cast, tmp_path, 4, 3)
    opened: list[str] = []
    real = blobs.open
    monkeypatch.setattr(shelf.blobs, "open", lambda sha256: opened.append(sha256) or real(sha256))
    with CaptureQueriesContext(connection) as asked:
        looks = [structures.look(found) for _ in range(3)]
    assert looks[0].structure == told(4, 3) and looks[0].why == "" and not looks[0].is_waiting
    assert opened == [found.structure_id] and not asked.captured_queries and not woken


def test_few_layers_are_remembered_of_many_files(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_LAYERS", 5)
    for wide in (2, 3, 4):
        assert structures.look(described(cast, tmp_path, wide, wide)).structure
    assert [each.params for each in shelf._read.values()] == [6, 8]
    large = described(cast, tmp_path, 1, 1, 1, 1, 1, 1)
    assert structures.look(large).structure and list(shelf._read) == [large.structure_id]


def test_the_first_look_asks_the_desk_and_the_next_ones_wait(cast: Cast, tmp_path: Path, woken: Woken) -> None:
    found = variant(cast, tmp_path)
    assert all(structures.look(found).is_waiting for _ in range(5))
    assert len(woken) == 1 and Description.objects.count() == 1


def test_a_message_that_was_lost_is_sent_again_by_whoever_looks_later(cast: Cast, tmp_path: Path, woken: Woken) -> None:
    found = variant(cast, tmp_path)
    structures.look(found)
    Description.objects.update(asked=timezone.now() - timedelta(seconds=structures.PATIENCE_S + 1))
    assert structures.look(found).is_waiting and len(woken) == 2
    assert structures.claim()
    assert structures.look(found).is_waiting and len(woken) == 2, "somebody is at it"


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_quantised_variant_names_the_network_that_it_was_made_from(
    cast: Cast, tmp_path: Path, woken: Woken, precision: str) -> None:
    parent = described(cast, tmp_path, 4)
    found = structures.look(variant(cast, tmp_path, precision=precision, parent=parent))
    assert precision in found.why and found.instead == parent and not found.is_waiting and found.structure is None
    orphan = structures.look(variant(cast, tmp_path, precision=precision))
    assert orphan.why and orphan.instead is None
    assert not woken and not Description.objects.exists()


def test_a_file_of_another_version_is_made_again(cast: Cast, tmp_path: Path, woken: Woken) -> None:
    (tmp_path / "old").write_text('{"version":0,"what":"ever"}')
    found = variant(cast, tmp_path, structure=blobs.keep(tmp_path / "old"))
    assert structures.look(found).is_waiting and len(woken) == 1


@pytest.mark.parametrize("harm", ["gone", "damaged", "nonsense"])
def test_a_file_that_is_gone_or_damaged_is_made_again(
    cast: Cast, tmp_path: Path, store: Path, woken: Woken, harm: str) -> None:
    if harm == "nonsense":
        (tmp_path / "odd").write_text('{"version":1,"layers":7}')
        found = variant(cast, tmp_path, structure=blobs.keep(tmp_path / "odd"))
    else:
        found = described(cast, tmp_path, 4)
        file = blobs.path(found.structure_id)
        file.unlink()
        if harm == "damaged":
            file.write_bytes(b'{"version":1,"bits":"rotten"}')
    assert structures.look(found).is_waiting and len(woken) == 1


# The job


def asked(cast: Cast, tmp_path: Path) -> Variant:
    found = variant(cast, tmp_path)
    structures.look(found)
    return found


def test_one_of_two_workers_describes_it_and_then_it_is_there(cast: Cast, tmp_path: Path) -> None:
    found = asked(cast, tmp_path)
    assert structures.waiting()
    job = structures.claim()
    assert job and job.variant == found and structures.claim() is None and not structures.waiting()
    structures.settle(job, file_of(told(4, 4, 4), tmp_path))
    found.refresh_from_db()
    assert structures.look(found).structure == told(4, 4, 4) and not Description.objects.exists()


def test_who_waits_longest_comes_first(cast: Cast, tmp_path: Path) -> None:
    first, second = asked(cast, tmp_path), asked(cast, tmp_path)
    Description.objects.filter(variant=second).update(asked=timezone.now() - timedelta(hours=1))
    jobs = [structures.claim(), structures.claim()]
    assert [job.variant for job in jobs if job] == [second, first]


def test_a_worker_that_fell_silent_is_followed_and_may_write_nothing_more(cast: Cast, tmp_path: Path) -> None:
    asked(cast, tmp_path)
    first = structures.claim()
    assert first
    Description.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert structures.waiting()
    second = structures.claim()
    assert second and second.attempts == 2
    blob = file_of(told(4), tmp_path)
    for write in (lambda: structures.renew(first), lambda: structures.settle(first, blob)):
        with pytest.raises(structures.Fenced):
            write()
    structures.give_up(first, "nonsense")
    structures.renew(second)
    structures.settle(second, blob)


def test_three_deaths_are_told_and_a_day_later_it_is_tried_again(cast: Cast, tmp_path: Path, woken: Woken) -> None:
    found = asked(cast, tmp_path)
    for _ in range(structures.MOST_ATTEMPTS):
        job = structures.claim()
        assert job
        structures.yield_turn(job)
    assert structures.claim() is None and not structures.waiting()
    assert structures.look(found).why == structures.GIVEN_UP and len(woken) == 1
    Description.objects.update(asked=timezone.now() - structures.AGAIN_AFTER - timedelta(seconds=1))
    assert structures.look(found).is_waiting and len(woken) == 2
    assert structures.claim()


def test_a_clean_stop_counts_no_attempt(cast: Cast, tmp_path: Path) -> None:
    asked(cast, tmp_path)
    job = structures.claim()
    assert job
    structures.release(job)
    again = structures.claim()
    assert again and again.attempts == 1


def test_why_it_cannot_be_described_is_told(cast: Cast, tmp_path: Path) -> None:
    found = asked(cast, tmp_path)
    job = structures.claim()
    assert job
    structures.give_up(job, "The file is not a safetensors file.")
    assert structures.look(found).why == "The file is not a safetensors file." and structures.claim() is None


def test_a_variant_that_is_deleted_meanwhile_takes_its_job_along(cast: Cast, tmp_path: Path) -> None:
    found = asked(cast, tmp_path)
    job = structures.claim()
    found.delete()
    assert job and not Description.objects.exists()
    with pytest.raises(structures.Fenced):
        structures.settle(job, file_of(told(4), tmp_path))


@pytest.mark.django_db(transaction=True)
def test_a_variant_that_is_deleted_while_it_is_looked_at_is_told_as_such(cast: Cast, tmp_path: Path, woken: Woken) -> None:
    found = variant(cast, tmp_path)
    Variant.objects.all().delete()
    assert structures.look(found).why == structures.DELETED and not woken


def test_an_upload_brings_its_structure_along(cast: Cast, tmp_path: Path, woken: Woken) -> None:
    (tmp_path / "m").write_bytes(b"four")
    (tmp_path / "s").write_text(told(4, 3).model_dump_json())
    found = {"kind": "model", "file": "m", "onnx": None, "structure": "s", "in_shape": [1, 1, 1], "classes": 3, "facts": FACTS,
             "notes": []}
    upload = Upload.objects.create(team=cast.team, kind="model", file_name="net.onnx", size_bytes=4, received_bytes=4,
                                   made_by=cast.alice, state=UploadState.CHECKING)
    made = settling.settle(upload, found, settling.keep(found, tmp_path), "0" * 64)["variant"]
    assert structures.look(made).structure == told(4, 3) and not woken


# The API


@pytest.fixture
def victor(cast: Cast, client: Client) -> Client:
    client.force_login(cast.victor)
    return client


def test_the_api_tells_the_structure_with_as_many_crossing_results_as_asked_for(
    cast: Cast, tmp_path: Path, victor: Client) -> None:
    found = described(cast, tmp_path, 4, 4, 4, 2)
    answer = victor.get(f"/api/variants/{found.pk}/structure")
    assert answer.status_code == 200 and Structure.model_validate(answer.json()) == told(4, 4, 4, 2)
    assert [cut["after"] for cut in answer.json()["cuts"]] == ["c0", "c2"]
    more = victor.get(f"/api/variants/{found.pk}/structure?most_tensors=2").json()["cuts"]
    assert [(cut["after"], cut["tensors"]) for cut in more] == [("c0", ["c0"]), ("c1", ["c0", "c1"]), ("c2", ["c2"])]
    for odd in ("0", "9", "two"):
        assert victor.get(f"/api/variants/{found.pk}/structure?most_tensors={odd}").status_code == 422


def test_until_it_is_there_the_api_says_that_it_is_being_described(cast: Cast, tmp_path: Path, victor: Client) -> None:
    found = variant(cast, tmp_path)
    answer = victor.get(f"/api/variants/{found.pk}/structure")
    assert (answer.status_code, answer.json()) == (202, {"state": "being described"})
    job = structures.claim()
    assert job
    structures.settle(job, file_of(told(4), tmp_path))
    assert victor.get(f"/api/variants/{found.pk}/structure").status_code == 200


def test_where_there_is_none_the_api_says_why(cast: Cast, tmp_path: Path, victor: Client) -> None:
    parent = described(cast, tmp_path, 4)
    found = variant(cast, tmp_path, precision="int8", parent=parent)
    answer = victor.get(f"/api/variants/{found.pk}/structure")
    assert answer.status_code == 404 and "int8" in answer.json()["title"] and str(parent.pk) in answer.json()["title"]


def test_the_api_tells_what_became_of_each_layer(cast: Cast, tmp_path: Path, victor: Client) -> None:
    one, other, unknown = described(cast, tmp_path, 4, 4, 4), described(cast, tmp_path, 4, 2), variant(cast, tmp_path)
    answer = victor.get(f"/api/variants/{one.pk}/difference/{other.pk}")
    assert answer.status_code == 200
    assert [(row["name"], row["change"]) for row in answer.json()["rows"]] == [
        ("c0", "same"), ("c1", "narrowed"), ("c2", "removed")]
    assert answer.json()["rows"][1]["arguments"] == {"out_channels": [4, 2]}
    assert answer.json()["params"] == {"before": 12, "after": 6}
    waiting = [victor.get(f"/api/variants/{a.pk}/difference/{b.pk}") for a, b in ((one, unknown), (unknown, one))]
    assert [answer.status_code for answer in waiting] == [202, 202]


def test_a_look_asks_the_database_a_bounded_number_of_times(cast: Cast, tmp_path: Path, victor: Client) -> None:
    known, unknown = described(cast, tmp_path, 4), variant(cast, tmp_path)
    for found, most in ((known, 8), (unknown, 14)):
        with CaptureQueriesContext(connection) as queries:
            victor.get(f"/api/variants/{found.pk}/structure")
        assert len(queries) <= most, [each["sql"] for each in queries.captured_queries]


def test_lists_load_no_structure(cast: Cast, tmp_path: Path, victor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    found = described(cast, tmp_path, 4)
    monkeypatch.setattr(shelf, "structure", lambda sha256: pytest.fail("a list read a structure"))
    for path in ("/models/", f"/models/{found.model_id}/", "/api/variants", f"/api/variants/{found.pk}"):
        assert victor.get(path).status_code == 200


def test_a_structure_that_came_meanwhile_is_not_asked_for_again(cast: Cast, tmp_path: Path, woken: Woken) -> None:
    found = variant(cast, tmp_path)
    Variant.objects.filter(pk=found.pk).update(structure=file_of(told(2, 3), tmp_path))
    assert structures.look(found).is_waiting and not Description.objects.exists() and not woken
    found.refresh_from_db()
    assert structures.look(found).structure == told(2, 3)
