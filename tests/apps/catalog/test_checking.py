"""An upload that is being checked: one holder, three attempts, then a reason; what it became, in one transaction."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.accounts.refusal import Refused
from apps.catalog import checking, parts, settling, uploading
from apps.catalog.models import Dataset, RegisteredModel, Upload, UploadState, Variant
from apps.live.models import Event
from tests.apps.cast import Cast

FACTS = {"size_bytes": 4, "params": 3, "macs": 2, "activation_bytes": 1}
FOUND = {"kind": "model", "file": "m.safetensors", "onnx": None, "in_shape": [1, 8, 8], "classes": 10, "facts": FACTS,
         "notes": ["odd"]}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "wake", lambda: None)


def waiting(cast: Cast, **more: Any) -> Upload:
    values = {"kind": "model", "file_name": "net.pt", "size_bytes": 10, "received_bytes": 10, "made_by": cast.alice,
              "state": UploadState.CHECKING, "options": {}, **more}
    return Upload.objects.create(team=cast.team, **values)


def kept(tmp_path: Path) -> settling.Kept:
    (tmp_path / "m.safetensors").write_bytes(b"four")
    return settling.keep(FOUND, tmp_path)


def test_one_of_two_workers_gets_it(cast: Cast) -> None:
    upload = waiting(cast)
    held = checking.claim()
    assert held and held.pk == upload.pk and held.attempts == 1
    assert checking.claim() is None and not checking.waiting()


def test_a_holder_that_fell_silent_is_followed_and_may_write_nothing_more(cast: Cast) -> None:
    waiting(cast)
    first = checking.claim()
    assert first
    Upload.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = checking.claim()
    assert second and second.attempts == 2 and second.steps == []
    for write in (lambda: checking.renew(first), lambda: checking.step(first, "reading"), lambda: checking.refuse(first, "no")):
        with pytest.raises(checking.Fenced):
            write()
    checking.step(second, "reading")


def test_after_three_attempts_it_is_refused_with_the_reason_and_can_be_checked_again(cast: Cast) -> None:
    upload = waiting(cast)
    for _ in range(checking.MOST_ATTEMPTS):
        held = checking.claim()
        assert held
        checking.yield_turn(held)
    assert checking.claim() is None
    upload.refresh_from_db()
    assert (upload.state, upload.why) == (UploadState.REFUSED, checking.GIVEN_UP)
    assert uploading.again(cast.alice, upload, {}).state == UploadState.CHECKING


def test_a_clean_stop_counts_no_attempt(cast: Cast) -> None:
    waiting(cast)
    held = checking.claim()
    assert held
    checking.release(held)
    again = checking.claim()
    assert again and again.attempts == 1


def test_what_it_became_is_told_to_the_team(cast: Cast, tmp_path: Path) -> None:
    waiting(cast, options={"name": "Net", "description": "ours"})
    held = checking.claim()
    assert held
    checking.step(held, "reading", "12 tensors")
    made = settling.settle(held, FOUND, kept(tmp_path), "f" * 64)
    model, variant = made["model"], made["variant"]
    assert (model.name, model.description, model.classes, variant.notes, variant.params) == ("Net", "ours", 10, ["odd"], 3)
    said = list(Event.objects.values_list("type", "body"))
    assert said[0][0] == "checking" and said[0][1]["detail"] == "12 tensors"
    assert said[1][1]["state"] == "ready" and said[1][1]["model"] == str(model.pk)


def test_a_name_that_is_taken_meanwhile_gets_a_number(cast: Cast, tmp_path: Path) -> None:
    RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    waiting(cast)
    held = checking.claim()
    assert held
    assert settling.settle(held, FOUND, kept(tmp_path), "f" * 64)["model"].name == "net (2)"


@pytest.mark.parametrize(("fields", "words"), [({"classes": 12}, "12 classes apart; this network tells 10"),
                                               ({"in_shape": [3, 8, 8]}, "takes 3×8×8 samples; this network takes 1×8×8")])
def test_a_variant_that_does_not_fit_its_model_is_refused_with_both_numbers(
    cast: Cast, tmp_path: Path, fields: dict[str, Any], words: str,
) -> None:
    model = RegisteredModel.objects.create(team=cast.team, name="Net", **{"in_shape": [1, 8, 8], "classes": 10} | fields)
    waiting(cast, options={"model": str(model.pk)})
    held = checking.claim()
    assert held
    with pytest.raises(Refused, match=words):
        settling.settle(held, FOUND, kept(tmp_path), "f" * 64)
    assert not Variant.objects.exists()


def test_the_same_bytes_of_two_teams_are_one_blob_and_two_rows(cast: Cast, tmp_path: Path) -> None:
    other = cast.mallory.memberships.get().team
    found = {"kind": "dataset", "file": "m.safetensors", "in_shape": [1, 8, 8], "classes": 2, "labels": ["a", "b"], "counts": {},
             "notes": []}
    for team, person in ((cast.team, cast.alice), (other, cast.mallory)):
        Upload.objects.create(team=team, kind="dataset", file_name="d.npz", size_bytes=1, received_bytes=1, made_by=person,
                              state=UploadState.CHECKING)
        held = checking.claim()
        assert held
        settling.settle(held, found, kept(tmp_path), "f" * 64)
    assert Dataset.objects.values_list("file").distinct().count() == 1
    assert [Dataset.objects.visible_to(person).count() for person in (cast.alice, cast.mallory)] == [1, 1]


def test_what_nobody_goes_on_with_is_forgotten_after_a_day(cast: Cast) -> None:
    old, fresh = waiting(cast, state=UploadState.RECEIVING), waiting(cast, state=UploadState.RECEIVING)
    Upload.objects.filter(pk=old.pk).update(touched=timezone.now() - timedelta(hours=25))
    assert checking.sweep() == 1
    assert list(Upload.objects.values_list("pk", flat=True)) == [fresh.pk]


def test_pieces_whose_upload_is_gone_are_removed_and_others_stay(cast: Cast) -> None:
    mine, gone = waiting(cast, state=UploadState.RECEIVING), Upload(team=cast.team)
    names = [parts.put(upload, 0, io.BytesIO(b"x")) for upload in (mine, gone)]
    checking.sweep_orphans()
    assert [default_storage.exists(name) for name in names] == [True, False]
    parts.Pieces.of(mine).remove()


def test_the_list_shows_the_steps_the_reason_and_the_differences(cast: Cast, client: Any) -> None:
    waiting(cast, steps=[{"name": "reading", "detail": "", "at": ""}, {"name": "weights", "detail": "9 parameters", "at": ""}])
    rows = [{"tensor": "fc.<b>", "problem": "shape", "expected": "2x3", "got": "3x2"}]
    waiting(cast, state=UploadState.REFUSED, why="The weights are not those of vgg16.", mend="architecture", file_name="<i>.pt",
            findings={"differences": rows, "count": 1, "suited": ["lenet5"]})
    client.force_login(cast.alice)
    said = client.get("/models/").content.decode()
    assert "file read" in said and "9 parameters" in said and "not those of vgg16" in said and "2×3" in said
    assert "&lt;i&gt;.pt" in said and "fc.&lt;b&gt;" in said
    config = json.loads(said.partition('id="upload-config" type="application/json">')[2].partition("</script>")[0])
    assert config["kind"] == "model" and config["limit"] == 2_000_000_000


def test_the_architecture_that_weights_are_most_like_is_chosen_already(cast: Cast, client: Any) -> None:
    waiting(cast, state=UploadState.REFUSED, why="Choose its architecture.", mend="architecture",
            findings={"suited": [], "closest": "resnet20"})
    client.force_login(cast.alice)
    said = client.get("/models/").content.decode().partition('id="uploads"')[2]
    assert "named most like those of resnet20" in said and '<option value="resnet20" selected>' in said


def test_what_is_ready_tells_how_far_onnx_runtime_was_and_what_to_know(cast: Cast, tmp_path: Path, client: Any) -> None:
    waiting(cast, file_name="net.onnx")
    held = checking.claim()
    assert held
    found = FOUND | {"parity": {"max_abs": 1.5e-6, "max_relative": 2.5e-7}, "notes": ["Takes <b>one</b> image at a time."]}
    settling.settle(held, found, kept(tmp_path), "f" * 64)
    client.force_login(cast.alice)
    said = client.get("/models/").content.decode()
    assert "the largest difference is 1.5e-06, 2.5e-07 of the largest answer" in said
    assert "Takes &lt;b&gt;one&lt;/b&gt; image at a time." in said
    told = client.get(f"/api/uploads/{held.pk}").json()
    assert told["findings"]["parity"] == {"max_abs": 1.5e-6, "max_relative": 2.5e-7}


def test_a_file_that_describes_itself_is_not_asked_for_an_architecture(cast: Cast, client: Any) -> None:
    upload = waiting(cast, state=UploadState.REFUSED, mend="in_shape", findings={"describes_itself": True, "channels": 3})
    client.force_login(cast.alice)
    said = client.get("/models/").content.decode()
    assert f"{upload.pk}-in_shape" in said and f"{upload.pk}-architecture" not in said


def test_differences_are_counted_by_what_is_wrong(cast: Cast, client: Any) -> None:
    rows = [{"tensor": "a", "problem": "missing", "expected": "2", "got": ""}]
    waiting(cast, state=UploadState.REFUSED, mend="architecture",
            findings={"differences": rows, "count": 1_300, "counts": {"missing": 1_200, "shape": 100}})
    client.force_login(cast.alice)
    assert "1 of the 1300 differences: 1,200 missing, 100 of another shape" in client.get("/models/").content.decode()


def test_a_viewer_sees_the_list_and_no_way_to_send(cast: Cast, client: Any) -> None:
    waiting(cast)
    client.force_login(cast.victor)
    said = client.get("/models/").content.decode()
    assert "net.pt" in said and "upload-file" not in said and "Abandon" not in said


def test_checking_again_keeps_everything_that_was_typed(cast: Cast, client: Any) -> None:
    upload = waiting(cast, state=UploadState.REFUSED, mend="in_shape")
    client.force_login(cast.alice)
    answer = client.post(f"/uploads/{upload.pk}/again/", {f"{upload.pk}-architecture": "lenet5", f"{upload.pk}-in_shape": "many",
                                                          f"{upload.pk}-classes": "x"})
    said = answer.content.decode()
    assert answer.status_code == 422 and 'value="many"' in said and 'value="x"' in said and "three whole numbers" in said
    mended = {f"{upload.pk}-architecture": "lenet5", f"{upload.pk}-in_shape": "1×8×8"}
    answer = client.post(f"/uploads/{upload.pk}/again/", mended)
    assert answer.status_code == 302
    upload.refresh_from_db()
    assert (upload.state, upload.options["architecture"], upload.options["in_shape"]) == ("checking", "lenet5", [1, 8, 8])


def test_a_variant_that_fits_no_model_here_may_become_a_model_of_its_own(cast: Cast, client: Any) -> None:
    model = RegisteredModel.objects.create(team=cast.team, name="Net", in_shape=[1, 8, 8], classes=12)
    upload = waiting(cast, state=UploadState.REFUSED, mend="model", options={"model": str(model.pk), "description": "typed"})
    client.force_login(cast.alice)
    assert f"{upload.pk}-as_new" in client.get(f"/models/{model.pk}/").content.decode()
    answer = client.post(f"/uploads/{upload.pk}/again/", {f"{upload.pk}-as_new": "on", f"{upload.pk}-classes": "10"})
    assert answer.headers["Location"] == "/models/"
    upload.refresh_from_db()
    assert (upload.options["model"], upload.options["description"], upload.options["classes"]) == (None, "typed", 10)


def test_what_was_typed_for_an_old_upload_comes_back_however_many_follow(cast: Cast, client: Any) -> None:
    old = waiting(cast, state=UploadState.REFUSED, mend="in_shape", file_name="old.pt")
    for _ in range(13):
        waiting(cast, state=UploadState.REFUSED)
    client.force_login(cast.alice)
    said = client.post(f"/uploads/{old.pk}/again/", {f"{old.pk}-in_shape": "many"}).content.decode()
    assert "old.pt" in said and 'value="many"' in said and "The newest" in said


def test_a_wished_name_is_the_variants_where_the_model_is_there(cast: Cast, tmp_path: Path) -> None:
    model = RegisteredModel.objects.create(team=cast.team, name="Net", in_shape=[1, 8, 8], classes=10)
    waiting(cast, options={"model": str(model.pk), "name": "tuned"})
    held = checking.claim()
    assert held
    assert settling.settle(held, FOUND, kept(tmp_path), "f" * 64)["variant"].name == "tuned"
