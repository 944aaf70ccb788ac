"""Two leads that name each other's boards and ask at the same moment: nobody waits in a circle, and one of them goes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import close_old_connections, connection

from apps.devices.models import Device, Tier
from apps.experiments import hostings
from apps.experiments.models import Run, Status
from tests.apps.boards import Board
from tests.apps.cast import Cast
from tests.apps.experiments.test_hostings import DATA, ordered


@pytest.fixture
def leads(crowd: Cast, tmp_path: Path, settings: Any) -> list[Board]:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    settings.BOARD_ASKS_OF_ONE_A_SECOND = 1000
    cache.clear()
    boards = [Board.joined(crowd.alice, crowd.team, name=name, instance=f"instance-{name}") for name in ("rack", "cloud")]
    for port, board in enumerate(boards, 7443):
        Device.objects.filter(pk=board.device.pk).update(tier=Tier.EDGE)
        board.beat(data={**DATA, "port": port})
    return boards


def test_neither_is_refused_by_the_database_and_one_goes(leads: list[Board], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = leads
    runs = [ordered(one, other), ordered(other, one)]
    both, reserve = threading.Barrier(2, timeout=120), hostings.reserve

    def together(run: Run, order: dict[str, Any]) -> str:
        both.wait()  # Each has the lock of its own board by now.
        return reserve(run, order)

    monkeypatch.setattr(hostings, "reserve", together)
    answers = _at_once(leads)
    assert set(answers) <= {200, 202, 204} and answers.count(200) <= 1, answers
    monkeypatch.setattr(hostings, "reserve", reserve)
    last = [board.claim().status_code for board in leads]
    assert sorted(Run.objects.filter(pk__in=[run.pk for run in runs]).values_list("status", flat=True)) == [
        Status.QUEUED, Status.RUNNING], (answers, last)


def _at_once(boards: list[Board]) -> list[object]:
    """What each is answered, or what broke."""
    found: list[object] = []

    def ask(board: Board) -> None:
        try:
            found.append(board.claim().status_code)
        except Exception as error:
            found.append(repr(error))
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=ask, args=(board,)) for board in boards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
    return found
