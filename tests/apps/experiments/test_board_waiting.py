"""A run that waits for a board says what the board does, or how long it has not been heard."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Team
from apps.devices.boards import tokens
from apps.devices.models import Device
from apps.experiments.models import Run
from tests.apps.boards import Board, prepared
from tests.apps.cast import Cast


@pytest.fixture
def board(cast: Cast, tmp_path: Path, settings: Any) -> Board:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    return Board.joined(cast.alice, cast.team)


def said(cast: Cast, run: Run) -> str:
    client = Client()
    client.force_login(cast.victor)
    return client.get(f"/runs/{run.pk}/head/").content.decode()


def test_a_board_that_is_here_asks_by_itself(cast: Cast, board: Board) -> None:
    assert "waits for board pi, which asks for work every few seconds; yours is next" in said(cast, prepared(board.device))


def test_a_silent_board_says_when_it_was_heard_last(cast: Cast, board: Board) -> None:
    run = prepared(board.device)
    Device.objects.update(last_seen=timezone.now() - timedelta(minutes=3))
    assert "waits for board pi, last heard 3 min ago; it goes on when the board is back" in said(cast, run)


def test_a_busy_board_says_what_it_measures_and_foreign_runs_are_not_named(cast: Cast, board: Board) -> None:
    first, second = prepared(board.device), prepared(board.device)
    board.claim()
    assert f"board pi is busy with run {first.number}; yours is next" in said(cast, second)
    other = prepared(board.device, Team.objects.get(name="Others"))
    Run.objects.filter(pk=other.pk).update(queued_at=second.queued_at - timedelta(hours=1))
    assert "yours is next" in said(cast, second), "the board takes none of another team"
    Device.objects.update(shared=True)
    assert "1 stands before yours" in said(cast, second)
    Run.objects.filter(pk=first.pk).update(team=Team.objects.get(name="Others"), number=77)
    assert "busy with a run of another team" in said(cast, second)


@pytest.mark.parametrize(("change", "words"), [({"retired": True}, "is retired"), ({"draining": True}, "is draining")])
def test_a_board_that_takes_nothing_says_why(cast: Cast, board: Board, change: dict[str, Any], words: str) -> None:
    run = prepared(board.device)
    Device.objects.update(**change)
    assert words in said(cast, run)


def test_a_board_that_is_no_longer_shared_is_told(cast: Cast, board: Board) -> None:
    run = prepared(board.device)
    Device.objects.update(team=Team.objects.get(name="Others"), shared=True)
    assert "yours is next" in said(cast, run)
    Device.objects.update(shared=False)
    assert "pi is no longer shared with your team" in said(cast, run)


def test_a_board_without_an_agent_or_gone_from_the_registry_is_told(cast: Cast, board: Board) -> None:
    run = prepared(board.device)
    tokens.revoke(cast.alice, board.device)
    assert "no agent lives on pi any more" in said(cast, run)
    board.device.delete()
    assert "no longer in the registry" in said(cast, run)


def test_a_board_that_holds_a_run_and_is_silent_is_never_called_failed(cast: Cast, board: Board) -> None:
    run = prepared(board.device)
    board.claim()
    assert "silent" not in said(cast, run)
    Run.objects.filter(pk=run.pk).update(heartbeat=timezone.now() - timedelta(seconds=70))
    text = said(cast, run)
    assert re.search("Board pi silent for (7|8)[0-9] s; after 120 s the run goes back to its queue and waits for it", text), text
    assert "failed" not in text.lower()
