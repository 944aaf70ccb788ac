"""The panel of a code says that a board has joined, and calls it online only once its agent was heard."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.devices.models import Enrolment
from tests.apps.boards import Board
from tests.apps.cast import Cast


@pytest.fixture
def board(cast: Cast, client: Client) -> Board:
    cache.clear()
    client.force_login(cast.alice)
    return Board.joined(cast.alice, cast.team)


def panel(client: Client) -> str:
    return client.get(f"/devices/boards/{Enrolment.objects.get().pk}/panel/").content.decode()


def test_beside_the_line_stands_what_gives_a_board_torch(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    page = client.post(reverse("add-board"), {"boards": 1, "tier": "device"}, follow=True).content.decode()
    assert 'id="join-line"' in page and "EDGEPORTAL_AGENT_TRAIN=1 before sh in the line" in page


def test_a_board_that_joined_is_not_online_before_its_agent_is_heard(client: Client, board: Board) -> None:
    page = panel(client)
    assert "joined, not heard yet" in page and "being installed and started" in page and "is-online" not in page
    board.beat()
    page = panel(client)
    assert "is-online" in page and "not heard yet" not in page
