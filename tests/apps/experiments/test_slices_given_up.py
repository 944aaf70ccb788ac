"""What a board says of a slice at the very moment at which its lead gives it up, or its run is deleted, brings nothing back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction

from apps.devices.models import Device, Tier
from apps.experiments import hostings
from apps.experiments.models import Hosting, Run, Standing
from tests.apps.boards import Board
from tests.apps.cast import Cast
from tests.apps.experiments.test_hostings import DATA, ordered, says


@pytest.fixture
def boards(crowd: Cast, tmp_path: Path, settings: Any) -> list[Board]:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    settings.BOARD_ASKS_OF_ONE_A_SECOND = 1000
    cache.clear()
    made = [Board.joined(crowd.alice, crowd.team, name=name, instance=f"instance-{name}") for name in ("pi", "rack")]
    Device.objects.filter(pk=made[1].device.pk).update(tier=Tier.EDGE)
    for board in made:
        board.beat(data=DATA)
    return made


def deleted(run: Run) -> None:
    Hosting.objects.filter(run=run).delete()


@pytest.mark.parametrize("over", [hostings.left, deleted])
def test_the_board_hears_that_it_is_over(boards: list[Board], over: Callable[[Run], None]) -> None:
    lead, rack = boards
    run = ordered(lead, rack)
    lead.claim()
    told = rack.claim().json()
    answers: list[Any] = []

    def say() -> None:
        try:
            answers.append(says(rack, told, "serving").status_code)
        except Exception as error:
            answers.append(repr(error))
        finally:
            connection.close()

    speaking = threading.Thread(target=say)
    with transaction.atomic():
        over(run)
        speaking.start()
        assert _somebody_waits(speaking), "it was to wait for the row"
    speaking.join(120)
    assert answers == [409]
    assert not run.hostings.exclude(state=Standing.GONE).exists()


def _somebody_waits(speaking: threading.Thread) -> bool:
    """For a lock that this transaction holds."""
    while speaking.is_alive():
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks "
                           "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))")
            if cursor.fetchone()[0]:
                return True
        time.sleep(0.01)
    return False
