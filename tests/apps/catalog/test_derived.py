"""Folded networks and slices of a variant: asked for once, made by one worker at a time, remembered, and refused in words."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Scope
from apps.accounts.refusal import Refused
from apps.catalog import actions, blobs, derived, room
from apps.catalog.models import Blob, DerivedFile, Variant
from tests.apps.cast import Cast
from tests.apps.networks import drawn, layer, structure

Woken = list[int]
pytestmark = pytest.mark.django_db
PARITY = {"max_abs": 1e-6, "max_relative": 2e-7}


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> Woken:
    """How often the desk was woken, in place of waking it."""
    calls: Woken = []
    monkeypatch.setattr(derived, "wake", lambda: calls.append(1))
    monkeypatch.setattr(derived.transaction, "on_commit", lambda call: call())
    return calls


@pytest.fixture
def variant(cast: Cast, settings: Any, tmp_path: Path) -> Variant:
    settings.BLOBS = tmp_path / "blobs"
    return drawn(cast.team, tmp_path)


def blob(folder: Path, text: str) -> Blob:
    (folder / "made").write_text(text)
    return blobs.keep(folder / "made")


def about(part: str, size: int) -> dict[str, Any]:
    return {"part": part, "file": f"{part}.onnx", "size_bytes": size, "in_shape": [1, 8, 8], "out_shape": [4, 8, 8], "params": 36,
            "macs": 2304, "parity": PARITY}


def settled(job: DerivedFile, folder: Path) -> DerivedFile:
    """As the desk leaves it."""
    names = ("folded",) if job.kind == "folded" else ("head", "tail")
    files = {name: blob(folder, f"{name} {job.pk}") for name in names}
    derived.settle(job, files, {"files": [about(name, files[name].size_bytes) for name in names], "parity": PARITY})
    job.refresh_from_db()
    return job


def claimed() -> DerivedFile:
    job = derived.claim()
    assert job
    return job


# Asking


def test_who_asks_again_is_given_what_is_there(cast: Cast, variant: Variant, woken: Woken, tmp_path: Path) -> None:
    first = derived.ask(cast.mia, variant, "slices", "add")
    assert first.is_waiting and len(woken) == 1
    assert derived.ask(cast.alice, variant, "slices", "add").pk == first.pk and len(woken) == 1
    made = settled(claimed(), tmp_path)
    assert not made.is_waiting and [part.name for part in derived.parts(made)] == ["head", "tail"]
    assert derived.ask(cast.mia, variant, "slices", "add").made == made.made and len(woken) == 1
    assert not derived.waiting()


def test_what_failed_is_tried_again_when_somebody_asks_anew(cast: Cast, variant: Variant, woken: Woken) -> None:
    derived.ask(cast.mia, variant, "folded")
    derived.give_up(claimed(), "It cannot be.")
    assert not derived.waiting()
    again = derived.ask(cast.mia, variant, "folded")
    assert again.is_waiting and again.attempts == 0 and len(woken) == 2


@pytest.mark.parametrize(("kind", "after", "field", "told"), [
    ("slices", "", "after", "Say behind which layer"), ("slices", "nowhere", "after", "no layer 'nowhere'"),
    ("slices", "block.conv1", "after", "2 results, "), ("slices", "head.fc", "after", "tail would be empty"),
    ("slices", "a\x00", "after", "Say behind"), ("slices", "x" * 201, "after", "Say behind"),
    ("folded", "add", "after", "Only slices"), ("film", "", "kind", "must be folded or slices"),
])
def test_what_makes_no_sense_is_refused_at_its_field(
    cast: Cast, variant: Variant, kind: str, after: str, field: str, told: str) -> None:
    with pytest.raises(Refused) as refused:
        derived.ask(cast.mia, variant, kind, after)
    assert told in refused.value.errors[field] and not DerivedFile.objects.exists()


def test_a_quantised_file_is_neither_folded_nor_cut(cast: Cast, variant: Variant) -> None:
    Variant.objects.filter(pk=variant.pk).update(precision="int8")
    with pytest.raises(Refused, match="int8 numbers is neither folded nor cut"):
        derived.ask(cast.mia, variant, "folded")


def test_who_only_looks_on_makes_nothing(cast: Cast, variant: Variant) -> None:
    for person in (cast.victor, cast.mallory):
        with pytest.raises(Refused, match="role"):
            derived.ask(person, variant, "folded")


def test_a_team_without_room_is_told_so(cast: Cast, variant: Variant, settings: Any) -> None:
    settings.TEAM_QUOTA_BYTES = room.used_bytes(cast.team) + variant.size_bytes - 1
    with pytest.raises(Refused, match="bytes left"):
        derived.ask(cast.mia, variant, "folded")


def test_files_count_towards_the_teams_room(cast: Cast, variant: Variant, tmp_path: Path) -> None:
    before = room.used_bytes(cast.team)
    derived.ask(cast.mia, variant, "slices", "add")
    assert room.used_bytes(cast.team) == before
    made = settled(claimed(), tmp_path)
    assert made.file and made.tail
    assert room.used_bytes(cast.team) == before + made.file.size_bytes + made.tail.size_bytes


def test_of_many_cuts_the_oldest_make_room(
    cast: Cast, variant: Variant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(derived, "MOST_CUTS", 2)
    monkeypatch.setattr(derived, "_is_a_cut", lambda known, after: None)
    derived.ask(cast.mia, variant, "folded")
    for after in ("stem.conv", "add", "block.conv1"):
        derived.ask(cast.mia, variant, "slices", after)
    assert {each.after for each in derived.of(variant)} == {"", "add", "block.conv1"}


def test_a_variant_is_deleted_with_what_was_made_of_it(cast: Cast, variant: Variant) -> None:
    derived.ask(cast.mia, variant, "folded")
    actions.delete_variant(cast.mia, variant)
    assert not DerivedFile.objects.exists()


# The desk


def test_one_worker_at_a_time_and_a_late_one_writes_nothing(cast: Cast, variant: Variant, tmp_path: Path) -> None:
    derived.ask(cast.mia, variant, "folded")
    late = claimed()
    assert derived.claim() is None and not derived.waiting()
    DerivedFile.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    new = claimed()
    for act in (lambda: settled(late, tmp_path), lambda: derived.renew(late)):
        with pytest.raises(derived.Fenced):
            act()
    derived.renew(new)
    assert settled(new, tmp_path).made


def test_after_a_few_deaths_it_is_given_up_with_a_reason(cast: Cast, variant: Variant) -> None:
    derived.ask(cast.mia, variant, "folded")
    for _ in range(derived.MOST_ATTEMPTS):
        derived.yield_turn(claimed())
    assert derived.claim() is None
    assert derived.of(variant).get().why == derived.GIVEN_UP


def test_a_worker_that_stops_costs_no_attempt(cast: Cast, variant: Variant) -> None:
    derived.ask(cast.mia, variant, "folded")
    for _ in range(derived.MOST_ATTEMPTS + 2):
        derived.release(claimed())
    assert claimed().attempts == 1


def test_whoever_waits_long_sends_the_message_again(cast: Cast, variant: Variant, woken: Woken) -> None:
    job = derived.ask(cast.mia, variant, "folded")
    derived.remind(job)
    assert len(woken) == 1
    DerivedFile.objects.update(asked=timezone.now() - timedelta(seconds=derived.PATIENCE_S + 1))
    derived.remind(derived.of(variant).get())
    assert len(woken) == 2


# Pages and routes


def browser(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_page_waits_and_then_offers_the_files(cast: Cast, variant: Variant, tmp_path: Path) -> None:
    page, mia = f"/models/variants/{variant.pk}/", browser(cast.mia)
    assert mia.post(f"{page}files/make/", {"kind": "slices", "after": "add"}).headers["Location"] == f"{page}#files"
    waiting = mia.get(page).content.decode()
    assert 'aria-busy="true"' in waiting and "being made" in waiting and f'hx-get="{page}files/"' in waiting
    made = settled(claimed(), tmp_path)
    fragment = mia.get(f"{page}files/").content.decode()
    assert "aria-busy" not in fragment and made.file_id in fragment and made.tail_id in fragment and "2.00e-07" in fragment
    head = mia.get(f"{page}files/{made.pk}/head.onnx")
    assert b"".join(head.streaming_content) == f"head {made.pk}".encode()
    assert "head-add.onnx" in head.headers["Content-Disposition"]
    assert mia.get(f"{page}files/{made.pk}/folded.onnx").status_code == 404


def test_a_second_click_asks_nobody(cast: Cast, variant: Variant, woken: Woken, tmp_path: Path) -> None:
    page, mia = f"/models/variants/{variant.pk}/", browser(cast.mia)
    mia.post(f"{page}files/make/", {"kind": "folded"})
    settled(claimed(), tmp_path)
    mia.post(f"{page}files/make/", {"kind": "folded"})
    assert len(woken) == 1 and "Make the folded ONNX" not in mia.get(page).content.decode()


def test_folding_is_offered_where_there_is_batch_norm_to_fold(cast: Cast, variant: Variant, tmp_path: Path) -> None:
    layers = (layer("conv", "Conv2d", "x", y=1), layer("norm", "BatchNorm2d", "conv", y=2))
    normed = drawn(cast.team, tmp_path, "normed", structure(layers=layers, cuts=(), answer="norm"))
    mia = browser(cast.mia)
    with_norm, without = (mia.get(f"/models/variants/{each.pk}/").content.decode() for each in (normed, variant))
    assert "Make the folded ONNX" in with_norm and "Make the folded ONNX" not in without and "Make head and tail" in without
    assert "1×8×8 → 10" in without.partition('id="files"')[2]  # the whole files tell their shapes as the slices do


def test_a_refusal_stands_at_the_field_with_what_was_chosen(cast: Cast, variant: Variant) -> None:
    answer = browser(cast.mia).post(f"/models/variants/{variant.pk}/files/make/", {"kind": "slices", "after": "block.conv1"})
    text = answer.content.decode()
    assert answer.status_code == 422 and "2 results" in text and '<option value="block.conv1" selected>' in text


def test_what_could_not_be_made_says_why_and_can_be_tried_again(cast: Cast, variant: Variant) -> None:
    derived.ask(cast.mia, variant, "folded")
    derived.give_up(claimed(), "The layer x cannot be written as ONNX.")
    text = browser(cast.mia).get(f"/models/variants/{variant.pk}/").content.decode()
    assert "The layer x cannot be written as ONNX." in text and "Try again" in text
    assert "Try again" not in browser(cast.victor).get(f"/models/variants/{variant.pk}/").content.decode()


def test_who_looks_on_takes_files_but_has_no_form(cast: Cast, variant: Variant, tmp_path: Path) -> None:
    derived.ask(cast.mia, variant, "folded")
    made = settled(claimed(), tmp_path)
    victor = browser(cast.victor)
    text = victor.get(f"/models/variants/{variant.pk}/").content.decode()
    assert f"{made.pk}/folded.onnx" in text and "files/make/" not in text
    assert victor.get(f"/models/variants/{variant.pk}/files/{made.pk}/folded.onnx").status_code == 200


def test_a_file_of_another_variant_is_not_there(cast: Cast, variant: Variant, tmp_path: Path) -> None:
    other = drawn(cast.team, tmp_path, "other")
    derived.ask(cast.mia, other, "folded")
    made = settled(claimed(), tmp_path)
    assert browser(cast.mia).get(f"/models/variants/{variant.pk}/files/{made.pk}/folded.onnx").status_code == 404


def asks(cast: Cast, scope: Scope, method: str, path: str, body: Any = None) -> Any:
    token = cast.token(scope)
    return Client().generic(method, f"/api/variants/{path}", json.dumps(body) if body else "", content_type="application/json",
                            headers={"Authorization": f"Bearer {token}"})


def test_a_program_asks_waits_and_takes_the_files(cast: Cast, variant: Variant, tmp_path: Path) -> None:
    first = asks(cast, Scope.WRITE, "POST", f"{variant.pk}/files", {"kind": "slices", "after": "add"})
    assert first.status_code == 202 and first.json()["state"] == "being made" and first.json()["parts"] == []
    place = f"{variant.pk}/files/{first.json()['id']}"
    assert asks(cast, Scope.READ, "GET", place).status_code == 202
    settled(claimed(), tmp_path)
    done = asks(cast, Scope.READ, "GET", place)
    told = done.json()
    assert (done.status_code, told["state"], told["parity"]) == (200, "ready", PARITY)
    assert [part["part"] for part in told["parts"]] == ["head", "tail"]
    taken = b"".join(asks(cast, Scope.READ, "GET", f"{place}/tail.onnx").streaming_content)
    assert taken.startswith(b"tail ") and len(taken) == told["parts"][1]["size_bytes"]
    assert asks(cast, Scope.READ, "GET", f"{variant.pk}/files").json() == [told]
    assert asks(cast, Scope.WRITE, "POST", f"{variant.pk}/files", {"kind": "slices", "after": "add"}).status_code == 200


def test_a_cut_that_is_none_is_a_problem_at_its_field(cast: Cast, variant: Variant) -> None:
    answer = asks(cast, Scope.WRITE, "POST", f"{variant.pk}/files", {"kind": "slices", "after": "block.conv1"})
    assert answer.status_code == 422 and answer.json()["field"] == "after"
    assert answer.headers["Content-Type"].startswith("application/problem+json")
