"""kill -9 of a run's process, its worker, the database or the broker: the run ends as if nothing had happened."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any

import psutil
import pytest

from tests.portal import Portal, facts, strain, until

pytestmark = pytest.mark.kill
EPOCHS = 8
# Small steps, so that an epoch takes long enough to be killed in.
ASKED = {"epochs": EPOCHS, "batch_size": 2, "seed": 11}


@pytest.fixture(scope="module")
def undisturbed(portal: Portal) -> dict[str, float | None]:
    """The metrics of the same run when nobody kills anything."""
    run = portal.launch("training.backprop", **ASKED)
    assert portal.wait(run)["status"] == "finished", portal.run(run)
    return facts(portal.metrics(run))


def after_epoch(portal: Portal, run: str, epoch: int) -> psutil.Process:
    """The run's process, stopped after this epoch and long before the last one."""
    def reached() -> bool:
        return any(m["step"] is not None and m["step"] >= epoch for m in portal.metrics(run, "accuracy"))

    return portal.caught(reached, f"epoch {epoch}")


def goes_on(child: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        child.resume()


def epochs_said(portal: Portal, run: str) -> list[Any]:
    said = [(m["labels"].get("split"), m["step"]) for m in portal.metrics(run, "accuracy")]
    assert len(said) == len(set(said)), "an epoch is on the chart twice"
    return sorted(step for split, step in said if split == "validation")


def came_through(portal: Portal, run: str, undisturbed: dict[str, float | None], attempts: int = 2) -> None:
    """Finished, no epoch missing or doubled, the same numbers, no gap in the log."""
    ended = portal.wait(run, seconds=150)
    assert ended["status"] == "finished", ended
    assert ended["attempt"] >= attempts
    assert epochs_said(portal, run) == list(range(EPOCHS + 1))
    assert facts(portal.metrics(run)) == undisturbed
    seqs = [event["seq"] for event in portal.events(run)]
    assert seqs == list(range(1, len(seqs) + 1))


def resumed_within_one_epoch(portal: Portal, run: str, killed_after: int) -> None:
    """The new attempt says from where it goes on; at most the epoch in hand was done again."""
    started = [event["body"] for event in portal.events(run) if event["type"] == "started"]
    assert [start["resumed"] for start in started] == [False, *[True] * (len(started) - 1)]
    logs = " ".join(event["body"]["message"] for event in portal.events(run) if event["type"] == "log")
    from_epoch = [int(number) for number in re.findall(r"after epoch (\d+)", logs)]
    assert from_epoch and max(from_epoch) >= killed_after - 1, logs


def test_a_killed_child_resumes(portal: Portal, undisturbed: dict[str, float | None]) -> None:
    run = portal.launch("training.backprop", **ASKED)
    after_epoch(portal, run, 2).kill()
    came_through(portal, run, undisturbed)
    resumed_within_one_epoch(portal, run, 2)


def test_a_child_that_hangs_is_ended_and_its_run_goes_on(portal: Portal, undisturbed: dict[str, float | None]) -> None:
    run = portal.launch("training.backprop", **ASKED)
    after_epoch(portal, run, 2)  # And there it stands.
    came_through(portal, run, undisturbed)


def test_a_killed_worker_is_replaced_and_its_run_taken_over(portal: Portal, undisturbed: dict[str, float | None]) -> None:
    run = portal.launch("training.backprop", **ASKED)
    child = after_epoch(portal, run, 2)
    portal.worker().kill()
    goes_on(child)
    until(lambda: not child.is_running(), 10, "the orphaned child is gone")
    came_through(portal, run, undisturbed)
    resumed_within_one_epoch(portal, run, 2)


def test_a_killed_database_loses_nothing(portal: Portal, undisturbed: dict[str, float | None]) -> None:
    run = portal.launch("training.backprop", **ASKED)
    child = after_epoch(portal, run, 2)
    portal.program("pginstall", "postgres", "-D").kill()
    goes_on(child)
    until(lambda: _answers(portal), 30, "the portal answers again")
    came_through(portal, run, undisturbed, attempts=1)


def test_a_killed_broker_loses_nothing(portal: Portal, undisturbed: dict[str, float | None]) -> None:
    run = portal.launch("training.backprop", **ASKED)
    waiting = portal.launch("training.backprop", **ASKED)
    portal.program("redis-server").kill()
    came_through(portal, run, undisturbed, attempts=1)
    came_through(portal, waiting, undisturbed, attempts=1)


def test_a_broker_that_hangs_delays_no_page(portal: Portal) -> None:
    portal.clear_the_slot()
    broker = portal.program("redis-server")
    broker.suspend()
    try:
        begun = time.monotonic()
        run = portal.launch("training.backprop", epochs=1)
        assert time.monotonic() - begun < 3 * strain()
    finally:
        broker.resume()
    assert portal.wait(run)["status"] == "finished"


def test_an_emptied_broker_loses_no_queued_run(portal: Portal) -> None:
    runs = [portal.launch("training.backprop", epochs=1) for _ in range(4)]
    sock = f"{portal.sockets()}/redis.sock"
    import redis

    with redis.Redis(unix_socket_path=sock) as broker:
        broker.flushall()
    for run in runs:
        assert portal.wait(run)["status"] == "finished"


def test_a_cancelled_run_stops_soon_keeps_its_checkpoint_and_resumes(portal: Portal, undisturbed: dict[str, Any]) -> None:
    run = portal.launch("training.backprop", **ASKED)
    child = after_epoch(portal, run, 2)
    portal.post(f"/runs/{run}/cancel/")
    time.sleep(3)  # Its supervisor looks once a second: what it asks of the process is there before this goes on.
    goes_on(child)
    assert portal.wait(run, seconds=12)["status"] == "cancelled"
    portal.post(f"/runs/{run}/retry/")
    came_through(portal, run, undisturbed)


def test_a_child_that_dies_every_time_fails_with_the_reason(portal: Portal) -> None:
    """With so large a network that no epoch, which would be a checkpoint, can end before it is killed."""
    run = portal.launch("training.backprop", "VGG-11", "digits32", **ASKED)
    for attempt in (1, 2, 3):
        until(lambda attempt=attempt: portal.run(run)["attempt"] == attempt, 60, f"attempt {attempt}")
        portal.child().kill()
    ended = portal.wait(run)
    assert ended["status"] == "failed"
    assert "3 attempts without a new checkpoint" in ended["reason"] and "signal 9" in ended["reason"]


def _answers(portal: Portal) -> bool:
    try:
        return portal.http.get("/").status_code == 200
    except Exception:
        return False


def test_the_child_has_no_secrets_in_its_environment(portal: Portal) -> None:
    run = portal.launch("training.backprop", **ASKED)
    names = set(after_epoch(portal, run, 1).environ())
    portal.post(f"/runs/{run}/cancel/")
    portal.wait(run)
    assert not {name for name in names if any(word in name for word in ("SECRET", "DATABASE", "REDIS", "EDGEPORTAL", "DJANGO"))}
