"""The form of a recipe: whatever is typed comes back with a sentence at its field, never an error of the server."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.experiments.forms import RecipeForm, form_for
from apps.experiments.models import Run, Status
from apps.experiments.promise import promise
from tests.apps.cast import Cast
from worker import menu

RECIPE = "pruning.magnitude"


@pytest.fixture
def typed(cast: Cast) -> dict[str, Any]:
    """A form filled in rightly."""
    blob = Blob.objects.create(sha256="3" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, size_bytes=1, params=1, macs=1,
                                     activation_bytes=1)
    data = Dataset.objects.create(team=cast.team, name="digits", in_shape=[1, 8, 8], classes=10, file=blob)
    return {"model": str(variant.pk), "dataset": str(data.pk), "sparsity": "0.75", "epochs": "3", "start": "given",
            "optimiser": "sgd", "scope": "global", "reference": "on"}


def form(cast: Cast, typed: dict[str, Any]) -> RecipeForm:
    return form_for(menu.get(RECIPE), cast.alice, cast.team)(typed)


def test_what_is_right_becomes_the_recipes_values(cast: Cast, typed: dict[str, Any]) -> None:
    filled = form(cast, typed)
    assert filled.is_valid(), filled.errors
    assert filled.values()["model"] == typed["model"] and filled.values()["reference"] is True
    assert menu.get(RECIPE).params.model_validate(filled.values()).epochs == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(("field", "value", "said"), [
    ("epochs", "-1", "must be between 0 and 10,000; got -1"),
    ("sparsity", "1.2", "must be more than 0 and less than 1; got 1.2"),
    ("epochs", "three", "must be a whole number, between 0 and 10,000; got three"),
    ("epochs", "1.5", "must be a whole number, between 0 and 10,000; got 1.5"),
    ("sparsity", "1e400", "must be"), ("sparsity", "NaN", "must be"), ("epochs", "9" * 400, "must be"),
    ("epochs", "x" * 10_000, "is too long: at most 500 characters; got 10000"),
    ("epochs", "3\x00", "Null characters"),
    ("optimiser", "rocket", "rocket is not one of the available choices"),
    ("model", str(uuid.uuid4()), "is no longer there"), ("model", "no uuid", "is no longer there"),
    ("model", "", "choose a model"), ("dataset", "\x00", "is no longer there"),
])
def test_what_is_wrong_is_said_at_its_field(cast: Cast, typed: dict[str, Any], field: str, value: str, said: str) -> None:
    filled = form(cast, {**typed, field: value})
    assert not filled.is_valid()
    assert said in " ".join(filled.errors[field])


def test_full_width_digits_are_read_or_refused_but_never_break(cast: Cast, typed: dict[str, Any]) -> None:
    filled = form(cast, {**typed, "epochs": "１２"})
    assert filled.is_valid() or "whole number" in filled.errors["epochs"][0]


def test_another_teams_model_is_no_choice(cast: Cast, typed: dict[str, Any]) -> None:
    assert not form_for(menu.get(RECIPE), cast.mallory, cast.team)(typed).is_valid()


def test_data_that_do_not_fit_the_model_are_named_with_both_shapes(cast: Cast, typed: dict[str, Any]) -> None:
    Dataset.objects.update(in_shape=[3, 32, 32])
    filled = form(cast, typed)
    assert filled.errors["dataset"] == ["net takes 1×8×8 samples; digits has 3×32×32."]


def test_a_bad_number_and_data_that_do_not_fit_are_named_together(cast: Cast, typed: dict[str, Any]) -> None:
    Dataset.objects.update(in_shape=[3, 32, 32])
    assert set(form(cast, {**typed, "epochs": "-1", "sparsity": "2"}).errors) == {"dataset", "epochs", "sparsity"}


def test_what_is_wrong_is_said_once_at_its_field_and_once_above(cast: Cast, typed: dict[str, Any], client: Client) -> None:
    client.force_login(cast.alice)
    page = client.post(f"/experiments/new/{RECIPE}/", {**typed, "epochs": "-1"}).content.decode()
    assert page.count("must be between 0 and 10,000; got -1") == 2


def test_the_first_button_of_the_form_starts_the_run(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    page = client.get(f"/experiments/new/{RECIPE}/").content.decode().partition('id="launch"')[2]
    assert "preset" not in re.findall(r"<button[^>]*>", page)[0]


def test_a_preset_says_what_it_changes(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    page = client.get(f"/experiments/new/{RECIPE}/").content.decode()
    assert re.search(r'value="careful"[^>]*title="sets [^"]*epochs 30', page)


def test_another_recipe_keeps_the_chosen_things(cast: Cast, typed: dict[str, Any], client: Client) -> None:
    client.force_login(cast.alice)
    page = client.get(f"/experiments/new/{RECIPE}/?model={typed['model']}").content.decode()
    assert f"/experiments/new/training.backprop/?model={typed['model']}" in page


def finished(cast: Cast, typed: dict[str, Any], seconds: float, model: str = "", **params: Any) -> Run:
    begun = timezone.now() - timedelta(hours=1)
    given = {"model": {"kind": "model", "id": model or typed["model"], "name": "net"},
             "dataset": {"kind": "dataset", "id": typed["dataset"], "name": "digits"}}
    return cast.run(Status.FINISHED, recipe=RECIPE, params={"epochs": 3, "start": "given", "reference": True, **params},
                    inputs=given, attempt=1, queued_at=begun, started_at=begun, finished_at=begun + timedelta(seconds=seconds))


def cost(cast: Cast, typed: dict[str, Any]) -> str:
    found = promise(form(cast, typed), cast.team).cost
    return found.words if found else ""


def test_a_time_is_foretold_from_runs_of_the_same_model_scaled_by_epochs(cast: Cast, typed: dict[str, Any]) -> None:
    Dataset.objects.update(counts={"train": 100})
    finished(cast, typed, 600)
    assert cost(cast, typed) == "8 to 12 min"
    assert cost(cast, {**typed, "epochs": "6"}) == "14 to 26 min"


def test_no_time_is_foretold_from_runs_that_cannot_be_compared(cast: Cast, typed: dict[str, Any]) -> None:
    other = RegisteredModel.objects.create(team=cast.team, name="big", in_shape=[1, 8, 8], classes=10)
    big = Variant.objects.create(team=cast.team, model=other, name="root", file_id="3" * 64, size_bytes=1, params=1, macs=1,
                                 activation_bytes=1)
    finished(cast, typed, 600, model=str(big.pk))
    finished(cast, typed, 600, reference=False)
    finished(cast, typed, 600, epochs=0)
    assert cost(cast, typed) == ""
    assert cost(cast, {**typed, "model": "", "epochs": "many"}) == ""


def test_everything_typed_is_kept_beside_the_message(cast: Cast, typed: dict[str, Any], client: Client) -> None:
    client.force_login(cast.alice)
    answer = client.post(f"/experiments/new/{RECIPE}/", {**typed, "epochs": "many", "name": "my try"})
    page = answer.content.decode()
    assert answer.status_code == 422 and not Run.objects.exists()
    assert 'value="my try"' in page and 'value="many"' in page
    assert 'aria-describedby="id_epochs_helptext id_epochs_error"' in page or "id_epochs_error" in page


def test_a_preset_is_set_over_what_was_typed(cast: Cast, typed: dict[str, Any], client: Client) -> None:
    client.force_login(cast.alice)
    page = client.post(f"/experiments/new/{RECIPE}/", {**typed, "name": "my try", "preset": "careful"}).content.decode()
    assert 'value="my try"' in page and 'value="30"' in page and not Run.objects.exists()


def test_a_form_that_is_right_starts_a_run(cast: Cast, typed: dict[str, Any], client: Client) -> None:
    client.force_login(cast.alice)
    answer = client.post(f"/experiments/new/{RECIPE}/", typed)
    assert answer.status_code == 302 and answer["Location"] == f"/runs/{Run.objects.get().pk}/"


def test_a_viewer_starts_nothing(cast: Cast, typed: dict[str, Any], client: Client) -> None:
    client.force_login(cast.victor)
    assert client.post(f"/experiments/new/{RECIPE}/", typed).status_code == 403
    assert "Start the run" not in client.get(f"/experiments/new/{RECIPE}/").content.decode()


@pytest.mark.parametrize("name", list(menu.recipes()))
def test_every_recipe_has_a_form_a_summary_and_a_page_of_documentation(cast: Cast, client: Client, name: str) -> None:
    client.force_login(cast.alice)
    for path in (f"/experiments/new/{name}/", f"/docs/{name}/"):
        assert client.get(path).status_code == 200
    assert client.post(f"/experiments/new/{name}/summary/", {}).status_code == 200


def test_the_docs_lead_to_first_steps_uploads_networks_and_portfolios(cast: Cast, client: Client) -> None:
    client.force_login(cast.victor)
    said = client.get("/docs/").content.decode()
    for name in ("first-steps", "uploads", "networks", "portfolios"):
        assert f'href="/docs/guide/{name}/"' in said
        page = client.get(f"/docs/guide/{name}/").content.decode()
        body = page.partition('<section class="card guide"')[2]
        assert ("<p>" in body or "<li>" in body) and 'href="../' not in body and "[" not in body.partition("<pre>")[0][:200]
    assert client.get("/docs/guide/operating/").status_code == 404


@pytest.mark.parametrize("name", list(menu.recipes()))
def test_how_a_recipe_works_is_told_before_its_flags(cast: Cast, client: Client, name: str) -> None:
    client.force_login(cast.victor)
    said = client.get(f"/docs/{name}/").content.decode()
    how, _, flags = said.partition('id="parameters"')
    assert "How it works: " in how and flags


@pytest.mark.parametrize(("batch", "said"), [
    ("1258", True), ("65536", True), ("1257", False), ("64", False), ("many", False), ("", False)])
def test_a_batch_larger_than_the_data_is_said_before_it_runs(cast: Cast, typed: dict[str, Any], client: Client, batch: str,
                                                             said: bool) -> None:
    Dataset.objects.update(counts={"train": 1257})
    client.force_login(cast.alice)
    page = client.post(f"/experiments/new/{RECIPE}/summary/", {**typed, "batch_size": batch}).content.decode()
    assert ("is more than the 1,257 training images of digits: every epoch is one step" in page) == said
