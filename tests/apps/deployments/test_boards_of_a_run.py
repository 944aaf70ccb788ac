"""The page of a run says which of its rounds each board has, offers what comes next, and asks before it takes a round back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.deployments.models import Deployment
from apps.devices.models import Device
from apps.experiments.models import Run
from tests.apps.boards import Board
from tests.apps.cast import Cast
from tests.apps.deployments.sent import HASHES, Porch, finished


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def boards(client: Client, run: Run) -> str:
    return shown(client, f"/runs/{run.pk}/boards/")


def post(client: Client, run: Run, porch: Porch, what: str, **more: str) -> str:
    answer = client.post(f"/runs/{run.pk}/boards/{what}/", {"device": str(porch.board.device.pk), **more}, follow=True)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def take(porch: Porch) -> None:
    while wanted := porch.beat():
        porch.takes(wanted)


def test_the_first_thing_to_do_is_what_comes_next(alice: Client, dpu: Run, porch: Porch) -> None:
    page = boards(alice, dpu)
    assert "no network yet" in page and "Send its first network" in page and "Send the update" not in page
    post(alice, dpu, porch, "first")
    take(porch)
    page = boards(alice, dpu)
    assert "its first network" in page and "Send its first network" not in page and "Begin again" not in page
    assert 'primary" id="send-next-' in page and "Send the update of round 1" in page
    assert "Send all 3 that are left" in page


def test_which_round_a_board_has_is_said_and_how_many_were_withdrawn(alice: Client, dpu: Run, porch: Porch) -> None:
    post(alice, dpu, porch, "first")
    post(alice, dpu, porch, "updates")
    take(porch)
    post(alice, dpu, porch, "updates")
    alice.post(f"/deployments/{Deployment.objects.get(state='waiting').pk}/withdraw/")
    page = boards(alice, dpu)
    assert "round 1 of this run" in page and "2 taken, 0 waiting, 1 withdrawn" in page and "Send the update of round 2" in page


def test_nothing_is_offered_where_nothing_is_left(alice: Client, dpu: Run, porch: Porch) -> None:
    post(alice, dpu, porch, "first")
    post(alice, dpu, porch, "updates", rounds="all")
    page = boards(alice, dpu)
    assert "round 3 when it has taken what waits" in page and "Nothing is left to send" in page and "Send the update" not in page
    assert "primary" not in page


def test_taking_a_round_back_is_asked_first(alice: Client, dpu: Run, porch: Porch) -> None:
    post(alice, dpu, porch, "first")
    post(alice, dpu, porch, "updates")
    take(porch)
    page = post(alice, dpu, porch, "first")
    assert "has round 1 of this run" in page and Deployment.objects.count() == 2
    # Said yes to another round than it has by now: asked once more.
    assert "has round 1" in post(alice, dpu, porch, "first", sure="f" * 64) and Deployment.objects.count() == 2
    assert "The first network of run" in post(alice, dpu, porch, "first", sure=porch.sha256)
    assert Deployment.objects.get(state="waiting").kind == "first"


def sister(cast: Cast, kept: Path) -> Run:
    """Another run that begins with the same first network."""
    return finished(cast, kept, hashes=[HASHES[0], "7" * 64, "8" * 64, "9" * 64])


def test_an_update_that_would_take_the_place_of_another_runs_network_is_asked_first(
    alice: Client, dpu: Run, porch: Porch, cast: Cast, kept: Path,
) -> None:
    other = sister(cast, kept)
    post(alice, dpu, porch, "first")
    post(alice, dpu, porch, "updates", rounds="all")
    take(porch)
    named, page = f"round 3 of run {dpu.number}", boards(alice, other)
    assert f">{named}" in page and f"replaces {named}" in page
    assert "Send the update of round 1 …" in page and "primary" not in page
    asked = post(alice, other, porch, "updates")
    assert f"has {named}" in asked and f"Replace {named}" in asked and not Deployment.objects.filter(run=other).exists()
    assert f"The update of round 1 of run {other.number} waits" in post(alice, other, porch, "updates", sure=porch.sha256)
    take(porch)
    assert post(alice, dpu, porch, "first").count(f"has round 1 of run {other.number}") == 1
    # What builds on the network that is there loses nothing, and is not asked.
    assert f"The update of round 2 of run {other.number} waits" in post(alice, other, porch, "updates")


def test_the_first_network_of_another_run_is_asked_first_where_it_takes_a_place(
    alice: Client, dpu: Run, porch: Porch, cast: Cast, kept: Path,
) -> None:
    other = finished(cast, kept, begins=b"another" * 500, hashes=[letter * 64 for letter in "4567"])
    post(alice, dpu, porch, "first")
    take(porch)
    assert f"replaces the first network of run {dpu.number}" in boards(alice, other)
    assert f"has the first network of run {dpu.number}" in post(alice, other, porch, "first")
    assert not Deployment.objects.filter(run=other).exists()


def test_the_same_network_sent_twice_counts_once(alice: Client, dpu: Run, porch: Porch) -> None:
    for _ in range(2):
        post(alice, dpu, porch, "first", sure=porch.sha256)
        take(porch)
    assert Deployment.objects.count() == 2 and "1 taken" in boards(alice, dpu)


def test_updates_that_wait_behind_another_say_so_and_rows_name_their_round(alice: Client, dpu: Run, porch: Porch) -> None:
    post(alice, dpu, porch, "first")
    take(porch)
    post(alice, dpu, porch, "updates")
    page = post(alice, dpu, porch, "updates")
    assert f"The update of round 2 of run {dpu.number} waits for pi, behind 1 that waited already" in page
    page = shown(alice, f"/devices/{porch.board.device.pk}/networks/")
    assert "update of round 2<" in page and "number 3 ·" in page and f"Send the update of round 3 of run {dpu.number}" in page


@pytest.mark.parametrize("what", ["first", "updates"])
def test_what_became_of_it_is_said_where_the_person_is_led_to(alice: Client, dpu: Run, porch: Porch, what: str) -> None:
    page = post(alice, dpu, porch, what)
    said = "waits for pi" if what == "first" else "serves no network"
    assert page.count(said) == 1 and page.index("What it serves") < page.index(said)


def test_a_board_that_can_take_none_says_what_is_missing(alice: Client, dpu: Run, cast: Cast) -> None:
    Board.joined(cast.alice, cast.team)
    page = boards(alice, dpu)
    assert "was not heard since: once it is, it can take networks" in page and "No board of the team" not in page


def test_devices_without_an_agent_are_counted_where_no_board_can_take_it(alice: Client, dpu: Run, cast: Cast) -> None:
    Device.objects.create(team=cast.team, name="by hand")
    page = boards(alice, dpu)
    assert "No board of the team can take it" in page and "1 device of the team has no agent" in page


def test_many_boards_take_no_more_queries(
    alice: Client, dpu: Run, porch: Porch, cast: Cast, django_assert_max_num_queries: Any,
) -> None:
    for place in range(5):
        Board.joined(cast.alice, cast.team, name=f"board {place}", instance=f"instance-{place}").beat()
    with django_assert_max_num_queries(25):
        assert boards(alice, dpu).count("data-device") == 6


def test_bytes_that_did_not_go_are_not_told_as_sent(alice: Client, dpu: Run, porch: Porch) -> None:
    post(alice, dpu, porch, "first")
    networks = f"/devices/{porch.board.device.pk}/networks/"
    assert "will be" in shown(alice, networks)
    alice.post(f"/deployments/{Deployment.objects.get().pk}/withdraw/")
    page = shown(alice, networks)
    assert "would be" in page and "100.0" not in page
