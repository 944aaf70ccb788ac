"""Names, descriptions and deletions; lists by page, in few queries."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.catalog.uses import told
from apps.experiments.models import Measurement, Run, RunVariant, Status
from tests.apps.cast import Cast


@pytest.fixture
def blob(cast: Cast) -> Blob:
    return Blob.objects.create(sha256="7" * 64, size_bytes=5)


@pytest.fixture
def model(cast: Cast, blob: Blob) -> RegisteredModel:
    found = RegisteredModel.objects.create(team=cast.team, name="Net", in_shape=[1, 8, 8], classes=10)
    variant(found, blob)
    return found


def variant(model: RegisteredModel, blob: Blob, name: str = "root", **more: Any) -> Variant:
    facts = {"size_bytes": 1, "params": 100, "macs": 1, "activation_bytes": 1}
    return Variant.objects.create(team=model.team, model=model, name=name, file=blob, **facts | more)


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def test_a_model_is_renamed_and_described(alice: Client, model: RegisteredModel) -> None:
    assert alice.post(f"/models/{model.pk}/rename/", {"name": "Other", "description": "why"}).status_code == 302
    model.refresh_from_db()
    assert (model.name, model.description) == ("Other", "why")


@pytest.mark.parametrize(("name", "words"), [("Taken", "is taken in this team"), ("", "required"), ("a\x00b", "Null characters"),
                                             ("x" * 121, "120 characters")])
def test_a_name_that_cannot_be_comes_back_as_typed(
    cast: Cast, alice: Client, model: RegisteredModel, name: str, words: str,
) -> None:
    RegisteredModel.objects.create(team=cast.team, name="Taken", in_shape=[1, 8, 8], classes=10)
    answer = alice.post(f"/models/{model.pk}/rename/", {"name": name, "description": "kept text"})
    assert answer.status_code == 422 and words in answer.content.decode() and "kept text" in answer.content.decode()
    model.refresh_from_db()
    assert model.name == "Net"


def test_a_model_nothing_refers_to_is_deleted_with_its_variants(alice: Client, model: RegisteredModel, blob: Blob) -> None:
    variant(model, blob, "child", parent=model.variants.get())
    assert alice.post(f"/models/{model.pk}/delete/").status_code == 302
    assert not Variant.objects.exists() and not RegisteredModel.objects.exists()


def test_what_runs_refer_to_is_not_deleted_and_they_are_counted(
    cast: Cast, alice: Client, model: RegisteredModel, blob: Blob,
) -> None:
    given, made = model.variants.get(), variant(model, blob, "made")
    data = Dataset.objects.create(team=cast.team, name="d", in_shape=[1, 8, 8], classes=10, file=blob)
    inputs = {"model": {"kind": "model", "id": str(given.pk)}, "dataset": {"kind": "dataset", "id": str(data.pk)}}
    for _ in range(2):
        RunVariant.objects.create(run=cast.run(Status.FINISHED, inputs=inputs), variant=made, name="made")
    for path, words in ((f"/models/variants/{given.pk}/delete/", "2 runs"),
                        (f"/models/variants/{made.pk}/delete/", "2 runs that made or measured it refer to it"),
                        (f"/data/{data.pk}/delete/", "2 runs"), (f"/models/{model.pk}/delete/", "2 runs")):
        answer = alice.post(path)
        assert answer.status_code == 409 and words in answer.content.decode(), path
    assert Variant.objects.count() == 2 and Dataset.objects.exists()


def test_a_variant_that_others_descend_from_is_not_deleted(alice: Client, model: RegisteredModel, blob: Blob) -> None:
    root = model.variants.get()
    variant(model, blob, "child", parent=root)
    assert "1 variant made of it refers to it" in alice.post(f"/models/variants/{root.pk}/delete/").content.decode()


def test_the_variants_stand_by_page_each_beside_its_parent(alice: Client, model: RegisteredModel, blob: Blob) -> None:
    root = model.variants.get()
    for number in range(60):
        variant(model, blob, f"v{number}", parent=root, params=50)
    said = alice.get(f"/models/{model.pk}/?page=2").content.decode()
    assert "page 2 of 2" in said and "from root" in said and "2.0×" in said and ">v1<" not in said
    assert said.count("data-row") == 11


@pytest.mark.parametrize("path", ["/models/", "/data/"])
def test_lists_stay_within_their_queries_however_long(
    cast: Cast, alice: Client, blob: Blob, path: str, django_assert_max_num_queries: Any,
) -> None:
    for number in range(60):
        found = RegisteredModel.objects.create(team=cast.team, name=f"m{number:02}", in_shape=[1, 8, 8], classes=10)
        variant(found, blob)
        Dataset.objects.create(team=cast.team, name=f"d{number:02}", in_shape=[1, 8, 8], classes=10, file=blob)
    alice.get(path)
    with django_assert_max_num_queries(22):
        said = alice.get(f"{path}?page=2").content.decode()
    assert said.count("data-row") == 25 and "page 2 of 3" in said
    names = [said.index(f">{path[1]}{number}<") for number in range(25, 50)]
    assert names == sorted(names)


def test_the_accuracy_of_a_variant_links_to_its_run(cast: Cast, alice: Client, model: RegisteredModel) -> None:
    mine = model.variants.get()
    inputs = {"model": {"kind": "model", "id": str(mine.pk)}}
    ended = cast.run(Status.FINISHED, recipe="benchmarking.accuracy", inputs=inputs)
    Measurement.objects.create(team=cast.team, run=ended, variant_name="Net", metric="accuracy", value=0.913, low=0.9, high=0.93,
                               n=360, unit="fraction", origin="measured", dataset="digits", split="test")
    said = alice.get(f"/experiments/accuracies/?variant={mine.pk}&variant=nonsense").content.decode()
    assert "91.3" in said and f"/runs/{ended.pk}/" in said and f'id="accuracy-{mine.pk}"' in said and "every" not in said
    Run.objects.filter(pk=ended.pk).update(status=Status.RUNNING)
    assert "delay:3s" in alice.get(f"/experiments/accuracies/?variant={mine.pk}").content.decode()
    alice.force_login(cast.mallory)
    assert f"accuracy-{mine.pk}" not in alice.get(f"/experiments/accuracies/?variant={mine.pk}").content.decode()


def test_who_deletes_is_asked_once_more_and_told_what_goes(alice: Client, model: RegisteredModel, blob: Blob) -> None:
    variant(model, blob, "child", parent=model.variants.get())
    data = Dataset.objects.create(team=model.team, name="d", in_shape=[1, 8, 8], classes=10, file=blob)
    for path, ask, goes in ((f"/models/{model.pk}/", "Delete the model", "All its 2 variants and every file of them go for good"),
                            (f"/data/{data.pk}/", "Delete the data set", "All its images and labels go for good"),
                            (f"/models/variants/{model.variants.earliest('created').pk}/", "Delete the variant", "go for good")):
        said = alice.get(path).content.decode()
        before, button, _ = said.partition(f">{ask}</button>")
        # The last word is inside a fold that is closed until somebody opens it, without a script too.
        assert button and before.rindex('<details class="sure">') > before.rindex("</details>") and goes in before, path


def test_what_refers_is_told_in_words_that_people_have() -> None:
    assert told({"runs that made it": 1}) == "1 run that made it refers to it"
    assert told({"measurements": 8, "portfolios": 1, "variants made of it": 2}) == (
        "8 measurements, 2 variants made of it and 1 portfolio refer to it")


def test_copies_that_runs_kept_stand_behind_a_link(alice: Client, model: RegisteredModel, blob: Blob) -> None:
    root, other = model.variants.get(), Blob.objects.create(sha256="8" * 64, size_bytes=5)
    copy = variant(model, blob, "fp32 of run 3", parent=root)
    variant(model, other, "int8 of run 3", parent=copy, precision="int8")
    said = alice.get(f"/models/{model.pk}/").content.decode()
    assert ">fp32 of run 3<" not in said and ">int8 of run 3<" in said and "and 1 copy that runs kept" in said
    assert "└" in said  # beneath what the copy was made of
    assert "from fp32 of run 3" not in said and '<span class="tag">int8' not in said
    said = alice.get(f"/models/{model.pk}/?copies=on").content.decode()
    assert ">fp32 of run 3<" in said and "without the 1 copy" in said


def test_an_experiment_of_a_model_begins_with_what_was_trained(alice: Client, model: RegisteredModel, blob: Blob) -> None:
    root, other = model.variants.get(), Blob.objects.create(sha256="8" * 64, size_bytes=5)
    model.variants.update(name="initialised")
    assert f"?model={root.pk}" in alice.get(f"/models/{model.pk}/").content.decode()
    trained = variant(model, other, "dense of run 1", parent=root)
    variant(model, other, "small of run 1", parent=trained, params=10)
    assert f"?model={trained.pk}" in alice.get(f"/models/{model.pk}/").content.decode()
