"""What fits into a memory budget, on a model's page: asked in the address, answered or refused in words, with ways to begin."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.catalog.models import Blob, RegisteredModel, Rehearsal, Variant
from apps.live import asking
from tests.apps.cast import Cast
from tests.apps.networks import drawn
from tests.apps.rehearsed import settled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answered_here", "desk_calls")]


@pytest.fixture
def variant(cast: Cast, settings: Any, tmp_path: Path) -> Variant:
    settings.BLOBS = tmp_path / "blobs"
    return drawn(cast.team, tmp_path)


def seen(person: User, variant: Variant, query: str = "", status: int = 200) -> str:
    client = Client()
    client.force_login(person)
    answer = client.get(f"/models/{variant.model_id}/{query}")
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def rehearsed(person: User, variant: Variant, query: str) -> str:
    """The page once the desk is done."""
    seen(person, variant, query)
    settled()
    return seen(person, variant, query)


def test_the_page_asks_nothing_before_somebody_does(cast: Cast, variant: Variant) -> None:
    text = seen(cast.mia, variant)
    assert 'name="budget" value="130MB"' in text and not Rehearsal.objects.exists()


def test_the_page_says_that_it_is_computed_and_asks_again_by_itself(cast: Cast, variant: Variant, desk_calls: list[int]) -> None:
    text = seen(cast.mia, variant, "?budget=60MB")
    assert f'hx-get="/models/{variant.model_id}/fit/?budget=60MB"' in text and "being computed" in text and "Look again" in text
    settled()
    part = seen(cast.mia, variant, "fit/?budget=60MB")
    assert "aria-busy" not in part and "<html" not in part and 'data-recipe="training.neuroflux"' in part and len(desk_calls) == 1


def test_each_way_has_its_batches_and_its_bytes_and_a_form_that_begins_with_them(cast: Cast, variant: Variant) -> None:
    text = rehearsed(cast.mia, variant, "?budget=130MB")
    row = text.partition('data-recipe="training.backprop"')[2].partition("</tr>")[0]
    assert ">yes<" in row and "images a step\">3</td>" in row and "120 MB" in row.replace("\xa0", " ")
    assert f"/experiments/new/training.backprop/?model={variant.pk}&budget_mb=130&batch_size=3" in row
    flux = text.partition('data-recipe="training.neuroflux"')[2].partition("</tr>")[0]
    assert "images a step\">11, 113</td>" in flux and f"/training.neuroflux/?model={variant.pk}&budget_mb=130\"" in flux
    assert "Predicted, nothing was trained" in text


def test_the_form_of_a_way_begins_with_the_model_and_the_budget(cast: Cast, variant: Variant) -> None:
    rehearsed(cast.mia, variant, "?budget=0.13GB")
    client = Client()
    client.force_login(cast.mia)
    form = client.get(f"/experiments/new/training.backprop/?model={variant.pk}&budget_mb=130&batch_size=3").content.decode()
    assert 'name="budget_mb" value="130"' in form and 'name="batch_size" value="3"' in form
    assert f'<option value="{variant.pk}" selected' in form


def test_what_does_not_fit_says_which_bytes_one_sample_needs(cast: Cast, variant: Variant) -> None:
    text = rehearsed(cast.mia, variant, "?budget=60MB")
    row = text.partition('data-recipe="training.backprop"')[2].partition("</tr>")[0]
    assert ">no<" in row and "needs 106 MB for one sample" in row and "/experiments/new/" not in row
    assert "The network cannot be parted." in text


def test_who_looks_on_sees_the_answer_without_ways_to_begin(cast: Cast, variant: Variant) -> None:
    text = rehearsed(cast.victor, variant, "?budget=130MB")
    part = text.partition('id="fit-answer"')[2].partition("</div></div>")[0]
    assert 'data-recipe="training.backprop"' in part and "/experiments/new/" not in part


@pytest.mark.parametrize(("typed", "told"), [
    ("much", "got 'much'; allowed: bytes, as 130MB or 1.5GB"), ("0", "more than 0"), ("-5MB", "got '-5MB'"),
    ("5 MiB", "got '5 MiB'"), ("1,5 GB", "write 1.5"), ("1000001MB", "at most 1,000,000 MB"),
    ("", "is needed: bytes, as 130MB or 1.5GB (1 MB = 1,000,000 bytes; a number alone is MB), more than 0 and at most 1,000,000 "
         "MB"),
    ("%00", "ull characters"), ("9" * 5000, "got '999"),
    ("130 \N{KELVIN SIGN}B", "allowed: bytes, as 130MB")])
def test_a_budget_that_is_none_is_said_at_its_field_with_what_was_typed(
    cast: Cast, variant: Variant, typed: str, told: str,
) -> None:
    text = seen(cast.mia, variant, f"?budget={typed}", 422)
    field = text.partition('id="fit"')[2].partition("</form>")[0]
    assert told in field and 'aria-invalid="true"' in field and not Rehearsal.objects.exists()
    assert typed.startswith("%") or f'value="{typed}"' in field or not typed


@pytest.mark.parametrize("typed", ["130MB", "130", "0.13 GB", "130000 kB", "130000000B", " 130mb"])
def test_a_budget_is_written_in_any_of_these_ways(cast: Cast, variant: Variant, typed: str) -> None:
    assert "budget_mb=130&" in rehearsed(cast.mia, variant, f"?budget={typed}")


def test_a_model_that_has_only_fewer_bits_says_that_it_is_not_trained(cast: Cast, variant: Variant) -> None:
    Variant.objects.update(precision="int8")
    assert "int8 numbers is not trained" in seen(cast.mia, variant, "?budget=130MB")


def test_a_model_without_a_variant_has_no_question(cast: Cast) -> None:
    bare = RegisteredModel.objects.create(team=cast.team, name="bare", in_shape=[1, 8, 8], classes=10)
    client = Client()
    client.force_login(cast.mia)
    assert "memory budget" not in client.get(f"/models/{bare.pk}/?budget=130MB").content.decode()
    assert client.get(f"/models/{bare.pk}/fit/?budget=130MB").status_code == 200


def test_nobody_who_answers_is_a_sentence_and_not_a_broken_page(
    cast: Cast, variant: Variant, monkeypatch: pytest.MonkeyPatch,
) -> None:
    rehearsed(cast.mia, variant, "?budget=130MB")

    def silent(*_: Any, **__: Any) -> None:
        raise asking.Silent("Nobody.")
    monkeypatch.setattr(asking, "ask", silent)
    assert "Nobody answered in time" in seen(cast.mia, variant, "?budget=130MB")


def test_it_is_said_of_which_variant_and_another_can_be_chosen(cast: Cast, variant: Variant) -> None:
    other = Variant.objects.create(team=cast.team, model=variant.model, name="pruned", file=Blob.objects.create(
        sha256="9" * 64, size_bytes=1), size_bytes=1, params=variant.params // 2, macs=1, activation_bytes=1)
    text = rehearsed(cast.mia, variant, "?budget=130MB")
    assert f"<b>{variant}</b> in" in text and f"?model={variant.pk}&" in text
    assert f'<option value="{other.pk}"' in text
    rehearsed(cast.mia, variant, f"?budget=130MB&variant={other.pk}")
    text = seen(cast.mia, variant, f"?budget=130MB&variant={other.pk}")
    assert "<b>pruned</b> in" in text and f"/training.backprop/?model={other.pk}&" in text


def test_a_variant_of_another_model_is_refused_at_its_field(cast: Cast, variant: Variant) -> None:
    text = seen(cast.mia, variant, f"?budget=130MB&variant={'0' * 8}-0000-4000-8000-{'0' * 12}", 422)
    assert "is none of this model that can be trained" in text and not Rehearsal.objects.exists()
