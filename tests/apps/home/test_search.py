"""Quick search finds what the team has by its name, and a run by its number."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device
from tests.apps.cast import Cast


@pytest.fixture
def signed_in(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def test_a_part_of_a_name_finds_things_of_every_kind(cast: Cast, signed_in: Client) -> None:
    Device.objects.create(team=cast.team, name="Raspberry Pi 4")
    cast.run()
    assert b"Raspberry Pi 4" in signed_in.get("/search/?q=raspb").content
    assert b"try 1" in signed_in.get("/search/?q=try").content
    assert b"/docs/pruning.reconvene/" in signed_in.get("/search/?q=reconv").content


@pytest.mark.parametrize("words", ["1", "run 1", "RUN 1", "#1", "run #1"])
def test_a_number_goes_straight_to_the_run(cast: Cast, signed_in: Client, words: str) -> None:
    run = cast.run()
    answer = signed_in.get("/search/", {"q": words})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/runs/{run.pk}/")


@pytest.mark.parametrize("words", ["nothing like it", "%", "_", "\x00", "'; drop table", "9" * 30, "x" * 10_000, "<b>"])
def test_odd_words_find_nothing_and_break_nothing(cast: Cast, signed_in: Client, words: str) -> None:
    answer = signed_in.get("/search/", {"q": words})
    assert answer.status_code == 200
    assert b"<b>\xe2" not in answer.content


def test_it_asks_the_database_a_few_times_only(cast: Cast, signed_in: Client, django_assert_max_num_queries: object) -> None:
    for number in range(12):
        Device.objects.create(team=cast.team, name=f"board {number}")
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        signed_in.get("/search/?q=board")


def test_runs_of_archived_experiments_are_found_by_their_number_alone(cast: Cast, signed_in: Client) -> None:
    run = cast.run()
    run.experiment.archived = timezone.now()
    run.experiment.save()
    assert b"Nothing of this team" in signed_in.get("/search/?q=try").content
    assert signed_in.get(f"/search/?q={run.number}").headers["Location"] == f"/runs/{run.pk}/"
