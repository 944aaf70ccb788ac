"""What the portal weighs when nobody asks for anything, and how fast a warm page answers."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.portal import Portal, strain

pytestmark = pytest.mark.kill
# The goal itself, for the median of a page's requests: measured on a quiet machine they take 20 to 45 ms.
PAGE_S = 0.1


@pytest.fixture
def fresh() -> Iterator[Portal]:
    """A portal that has done one run and nothing else, its warm process still there."""
    portal = Portal(Path(tempfile.mkdtemp(prefix="ep-own-")))
    try:
        portal.start()
        portal.clear_the_slot()
        portal.wait(portal.launch("training.backprop", epochs=1), seconds=200)
        portal.clear_the_slot()
        yield portal
    finally:
        portal.stop()


def test_idle_all_processes_together_stay_under_800_mb(fresh: Portal) -> None:
    portal = fresh
    portal.http.get("/")
    family = portal.processes()
    assert portal.processes("worker.forkserver"), "counted with the warm process, the heaviest of all"
    # The proportional set size counts what processes share (PostgreSQL's buffers, code) once and not in each of them.
    weights = [_weight(one) for one in family]
    assert sum(pss for _, pss in weights) < 800e6, weights


def _weight(process: psutil.Process) -> tuple[str, int]:
    """What it is and its proportional set size; nothing for a database's helper that has ended meanwhile."""
    try:
        return " ".join(process.cmdline())[-60:], process.memory_full_info().pss
    except psutil.NoSuchProcess:
        return "", 0


def test_the_web_process_holds_no_torch(portal: Portal) -> None:
    portal.http.get("/experiments/new/pruning.reconvene/")
    mapped = Path(f"/proc/{portal.web().pid}/maps").read_text()
    assert not any(word in mapped for word in ("libtorch", "numpy", "onnxruntime", "sklearn"))


def test_warm_pages_answer_in_under_100_ms(portal: Portal) -> None:
    run = portal.launch("training.backprop", epochs=1)
    portal.wait(run)
    portal.clear_the_slot()
    pages = ("/", "/models/", "/data/", "/devices/", "/experiments/", "/experiments/new/", "/docs/", f"/runs/{run}/",
             "/experiments/new/pruning.reconvene/")
    slow = {page: seconds for page in pages if (seconds := _median(portal, page)) > PAGE_S * strain()}
    assert not slow


def test_a_launch_answers_at_once_and_wakes_a_worker_at_once(portal: Portal) -> None:
    portal.clear_the_slot()
    portal.launch("training.backprop", epochs=0)
    begun = time.monotonic()
    run = portal.launch("training.backprop", epochs=0)
    assert time.monotonic() - begun < 1.5 * strain()
    portal.wait(run)
    waited = "extract(epoch from started_at - created)"
    assert portal.sql(f"select {waited} from experiments_run where id = %s", run)[0][0] < 5 * strain()
    assert "did not take the wake-up" not in (portal.var / "log" / "web.log").read_text()


def _median(portal: Portal, page: str) -> float:
    times = []
    for _ in range(9):
        begun = time.perf_counter()
        assert portal.http.get(page).status_code == 200, page
        times.append(time.perf_counter() - begun)
    return statistics.median(times[2:])
