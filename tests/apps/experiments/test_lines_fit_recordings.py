"""Recordings that are chosen in an open form: where the lines of detectors do not fit them, others are offered."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import Dataset
from tests.apps.cast import Cast
from tests.apps.recorded import LINES, kept
from worker import menu

NEW = "/experiments/new/detection.roma/"
BUTTON = "Fit the lines to the recordings</button>"
WHY = "of which the recordings say nothing; they have: full, tiny."


@pytest.fixture
def street(cast: Cast, tmp_path: Path) -> Dataset:
    return kept(cast, tmp_path)


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def typed(street: Dataset | None, **values: str) -> dict[str, str]:
    """The form as it begins, with recordings chosen in it."""
    begun = {name: str(info.default) for name, info in menu.get("detection.roma").params.model_fields.items()}
    return {**begun, "recordings": str(street.pk) if street else "", **values}


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


def test_the_offer_comes_with_the_choice_and_goes_when_it_fits(alice: Client, street: Dataset) -> None:
    def shown(values: dict[str, str]) -> str:
        return text(alice.post(f"{NEW}summary/", values, headers={"HX-Request": "true"}))

    offered = '<div class="refit" id="refit" role="status" hx-swap-oob="innerHTML"><p class="note">The lines of detectors name'
    said = shown(typed(street))
    assert offered in said and WHY in said and BUTTON in said
    for values in (typed(street, detectors=LINES), typed(None)):
        assert 'hx-swap-oob="innerHTML"></div>' in shown(values) and BUTTON not in shown(values)


def test_the_button_sets_the_lines_and_leaves_everything_else_as_it_was_typed(alice: Client, street: Dataset) -> None:
    values = typed(street, detectors="tiny: 27 ms\nhuge: 300 ms", margin="0.07", name="my try", tags="a, b", scenes="half a")
    page = alice.post(NEW, values | {"refit": "1"})
    form = page.context["form"]
    assert page.status_code == 200 and not form.errors
    assert form["detectors"].value() == "tiny: 27 ms\nfull: ? ms" and form["drift"].value() == "none"
    for name in ("recordings", "margin", "name", "tags", "scenes"):
        assert form[name].value() == values[name]
    assert "Left out, as the recordings say nothing of them: huge: 300 ms." in text(page) and BUTTON not in text(page)


def test_without_a_script_it_is_offered_where_the_run_is_refused(alice: Client, street: Dataset) -> None:
    page = alice.post(NEW, typed(street))
    assert page.status_code == 422 and BUTTON in text(page) and WHY in text(page)


def test_a_form_opened_from_recordings_needs_no_offer(alice: Client, street: Dataset) -> None:
    assert BUTTON not in text(alice.get(f"{NEW}?recordings={street.pk}"))


@pytest.mark.parametrize("chosen", ["", "no id", "\x00", "0" * 32])
def test_what_are_no_recordings_offer_nothing(alice: Client, street: Dataset, chosen: str) -> None:
    page = alice.post(NEW, typed(None) | {"recordings": chosen, "refit": "1"})
    assert page.status_code == 200 and BUTTON not in text(page)
    assert page.context["form"]["detectors"].value() == typed(None)["detectors"]


def test_who_may_only_look_and_another_team_get_no_offer(cast: Cast, street: Dataset) -> None:
    for person in (cast.victor, cast.mallory):
        client = Client()
        client.force_login(person)
        assert BUTTON not in text(client.post(f"{NEW}summary/", typed(street), headers={"HX-Request": "true"}))
