"""What training a variant takes of memory: rehearsed once by one worker at a time, kept, and asked for every budget."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Scope, Team
from apps.catalog import blobs, rehearsals
from apps.catalog.models import Rehearsal, Variant
from tests.apps.cast import Cast
from tests.apps.networks import drawn
from tests.apps.rehearsed import MB, NEEDS, settled
from worker import budgets

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answered_here", "desk_calls")]


@pytest.fixture
def variant(cast: Cast, settings: Any, tmp_path: Path) -> Variant:
    settings.BLOBS = tmp_path / "blobs"
    return drawn(cast.team, tmp_path)


# Asking


def test_who_asks_again_while_it_is_rehearsed_asks_nobody(variant: Variant, desk_calls: list[int]) -> None:
    assert all(rehearsals.look(variant).is_waiting for _ in range(5))
    assert len(desk_calls) == 1 and Rehearsal.objects.count() == 1


def test_what_was_rehearsed_once_answers_every_budget(variant: Variant, desk_calls: list[int]) -> None:
    rehearsals.look(variant)
    settled()
    needs = rehearsals.look(variant).needs
    assert needs is not None
    small, large = (rehearsals.fitted(needs, budget * MB).methods for budget in (60, 130))
    assert not small["training.backprop"].fits and large["training.backprop"].batch == 3
    assert len(desk_calls) == 1 and not rehearsals.jobs.waiting()


def test_a_copy_of_the_same_file_in_the_team_is_not_rehearsed_again(cast: Cast, variant: Variant, desk_calls: list[int]) -> None:
    rehearsals.look(variant)
    settled()
    facts = {name: getattr(variant, name) for name in ("params", "macs", "activation_bytes", "size_bytes")}
    copy = Variant.objects.create(team=cast.team, model=variant.model, name="copy", file=variant.file, **facts)
    assert rehearsals.look(copy).needs == rehearsals.look(variant).needs and len(desk_calls) == 1


def test_another_team_with_the_same_file_learns_nothing_of_it(cast: Cast, variant: Variant, tmp_path: Path) -> None:
    rehearsals.look(variant)
    settled()
    theirs = drawn(Team.objects.get(name="Others"), tmp_path)
    assert theirs.file_id == variant.file_id and rehearsals.look(theirs).is_waiting


def test_what_an_older_version_foretold_is_rehearsed_anew(variant: Variant, desk_calls: list[int]) -> None:
    rehearsals.look(variant)
    settled(NEEDS | {"version": budgets.VERSION - 1})
    assert rehearsals.look(variant).is_waiting and len(desk_calls) == 2
    settled()
    assert rehearsals.look(variant).needs == NEEDS


def test_whoever_waits_long_sends_the_message_again(variant: Variant, desk_calls: list[int]) -> None:
    rehearsals.look(variant)
    Rehearsal.objects.update(asked=timezone.now() - timedelta(seconds=rehearsals.PATIENCE_S + 1))
    assert rehearsals.look(variant).is_waiting and len(desk_calls) == 2
    assert rehearsals.jobs.claim()
    assert rehearsals.look(variant).is_waiting and len(desk_calls) == 2, "somebody is at it"


def test_what_could_not_be_rehearsed_says_why_and_is_tried_again_a_day_later(variant: Variant, desk_calls: list[int]) -> None:
    rehearsals.look(variant)
    job = rehearsals.jobs.claim()
    assert job
    rehearsals.jobs.give_up(job, "It has a layer of no known kind.")
    assert rehearsals.look(variant).why == "It has a layer of no known kind." and len(desk_calls) == 1
    Rehearsal.objects.update(asked=timezone.now() - rehearsals.AGAIN_AFTER - timedelta(minutes=1))
    assert rehearsals.look(variant).is_waiting and len(desk_calls) == 2 and rehearsals.jobs.waiting()


def test_who_was_overtaken_writes_nothing(variant: Variant) -> None:
    rehearsals.look(variant)
    late = rehearsals.jobs.claim()
    Rehearsal.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    new = rehearsals.jobs.claim()
    assert late and new
    with pytest.raises(rehearsals.Fenced):
        rehearsals.settle(late, NEEDS)
    rehearsals.settle(new, NEEDS)
    assert rehearsals.look(variant).needs == NEEDS


def test_a_team_has_only_so_many_waiting_and_another_team_is_not_held_up(
    cast: Cast, variant: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rehearsals, "MOST_WAITING", 1)
    rehearsals.look(variant)
    (tmp_path / "other").write_bytes(b"another network")
    facts = {name: getattr(variant, name) for name in ("params", "macs", "activation_bytes", "size_bytes")}
    other = Variant.objects.create(
        team=cast.team, model=variant.model, name="other", file=blobs.keep(tmp_path / "other"), **facts)
    assert "of 1 models of the team is being rehearsed already" in rehearsals.look(other).why
    assert rehearsals.look(variant).is_waiting, "its own turn is kept"
    assert rehearsals.look(drawn(Team.objects.get(name="Others"), tmp_path)).is_waiting
    settled()
    settled()
    assert rehearsals.look(other).is_waiting


def test_a_file_of_fewer_bits_is_not_rehearsed(variant: Variant, desk_calls: list[int]) -> None:
    variant.precision = "int8"
    assert "int8 numbers is not trained" in rehearsals.look(variant).why and not desk_calls


# For programs


def asks(cast: Cast, path: str) -> Any:
    return Client().get(f"/api/variants/{path}", headers={"Authorization": f"Bearer {cast.token(Scope.READ)}"})


def test_a_program_asks_until_it_is_computed(cast: Cast, variant: Variant) -> None:
    first = asks(cast, f"{variant.pk}/fit?budget_bytes=130000000")
    assert (first.status_code, first.json()) == (202, {"state": "being computed"})
    settled()
    told = asks(cast, f"{variant.pk}/fit?budget_bytes=130000000")
    found = told.json()["methods"]
    assert told.status_code == 200 and told.json()["origin"] == "predicted"
    assert found["training.backprop"] == {
        "fits": True, "batch": 3, "predicted_bytes": 120 * MB, "needed_bytes": None, "why_not": None,
        "blocks": [{"first": 1, "last": 1, "batch": 3, "predicted_bytes": 120 * MB}]}
    assert found["training.local"]["why_not"] == "The network cannot be parted."


def test_a_program_is_told_the_bytes_that_one_sample_needs(cast: Cast, variant: Variant) -> None:
    asks(cast, f"{variant.pk}/fit?budget_bytes=60000000")
    settled()
    found = asks(cast, f"{variant.pk}/fit?budget_bytes=60000000").json()["methods"]["training.backprop"]
    assert not found["fits"] and found["needed_bytes"] == 105_263_158 and "for one sample" in found["why_not"]


@pytest.mark.parametrize("query", ["", "?budget_bytes=0", "?budget_bytes=-5", "?budget_bytes=much", "?budget_bytes=1e99",
                                   "?budget_bytes=5&budget=5"])
def test_a_programs_bad_budget_is_refused_by_name(cast: Cast, variant: Variant, query: str) -> None:
    refused = asks(cast, f"{variant.pk}/fit{query}")
    assert refused.status_code == 422 and "budget" in refused.text and not Rehearsal.objects.exists()


def test_a_program_is_told_why_there_is_no_answer(cast: Cast, variant: Variant) -> None:
    Variant.objects.filter(pk=variant.pk).update(precision="fp16")
    refused = asks(cast, f"{variant.pk}/fit?budget_bytes=5")
    assert refused.status_code == 404 and "fp16 numbers is not trained" in refused.text
