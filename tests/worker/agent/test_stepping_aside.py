"""The threads that talk yield to what measures, and to nobody's harm where the whole agent yields more already."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from worker.agent.sending import STEP_ASIDE, step_aside

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts threads one by one")


def niceness_after(before: int | None, monkeypatch: pytest.MonkeyPatch) -> int:
    """Of a thread that had this one; root's right to take some back is taken from it."""
    found: list[int] = []
    real = os.setpriority

    def as_anybody(which: int, who: int, to: int) -> None:
        if to < os.getpriority(which, who):
            raise PermissionError(13, "Permission denied")
        real(which, who, to)

    def talk() -> None:
        me = threading.get_native_id()
        if before is not None:
            real(os.PRIO_PROCESS, me, before)
        step_aside()
        found.append(os.getpriority(os.PRIO_PROCESS, me))

    monkeypatch.setattr(os, "setpriority", as_anybody)
    thread = threading.Thread(target=talk)
    thread.start()
    thread.join()
    return found[0] if found else -1


def test_a_thread_of_a_usual_agent_steps_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    assert niceness_after(None, monkeypatch) == max(mine, STEP_ASIDE)


def test_one_of_an_agent_that_was_started_nicer_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert niceness_after(19, monkeypatch) == 19
