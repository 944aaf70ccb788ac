"""The page of a run says which of its rounds each board has, offers what comes next, and asks before it takes a round back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.deployments.models import Deployment
from apps.devices.models import Device
from apps.experiments.models import Run
from tests.apps.boards import Board
from tests.apps.cast import Cast
from tests.apps.deployments.sent import Porch


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
