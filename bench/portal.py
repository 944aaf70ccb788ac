"""The portal as `make run` starts it: first page, weight, warm pages, first point, resume, Ctrl-C."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from tests.portal import Portal, until

Row = tuple[str, str]
PAGES = ("/", "/models/", "/data/", "/devices/", "/experiments/", "/experiments/new/pruning.reconvene/")
# As users have it: leases of 60 s, the reaper every 10 s.
AS_SHIPPED = {"EDGEPORTAL_LEASE_S": "60", "EDGEPORTAL_REAPER_S": "10", "EDGEPORTAL_FORKSERVER_IDLE_S": "120"}


def rows() -> Iterator[Row]:
    portal = Portal(Path(tempfile.mkdtemp(prefix="ep-bench-")), **AS_SHIPPED)
    try:
        yield "first page, fresh folder", f"{_first_page(portal):.1f} s after start (goal 5 s)"
        yield "link printed, fresh folder", f"{_ready(portal):.1f} s after that"
        run = str(portal.sql("select id from experiments_run")[0][0])
        yield "first accuracy of the sample run", f"{_first_point(portal, run):.1f} s after the link (goal 60 s)"
        yield from _killed(portal, run)
        yield from _pages(portal, run)
        yield from _weight(portal)
        yield "Ctrl-C", f"{portal.stop():.1f} s (goal 5 s)"
        portal.output.unlink()
        yield "first page, second start", f"{_first_page(portal):.1f} s (goal 5 s)"
    finally:
        portal.stop()
        portal.keep_logs(Path(tempfile.mkdtemp()))


def _first_page(portal: Portal) -> float:
    begun = time.monotonic()
    portal.begin()
    until(lambda: _answers(portal), 60, portal.said())
    return time.monotonic() - begun


def _answers(portal: Portal) -> bool:
    try:
        return httpx.get(f"{portal.address}/sign-in/", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _ready(portal: Portal) -> float:
    begun = time.monotonic()
    until(lambda: "is ready" in portal.said(), 60, "the link")
    portal.sign_in()
    return time.monotonic() - begun


def _first_point(portal: Portal, run: str) -> float:
    begun = time.monotonic()
    until(lambda: portal.metrics(run, "accuracy"), 60, "accuracy")
    return time.monotonic() - begun


def _killed(portal: Portal, run: str) -> Iterator[Row]:
    """From kill -9 to the next epoch, for the run's process and for its whole worker."""
    for what, victim in (("the run's process", portal.child), ("the whole worker", portal.worker)):
        until(lambda: portal._children(), 90, "a process of the run")
        known = len(portal.metrics(run, "accuracy"))
        begun = time.monotonic()
        victim().kill()
        until(lambda known=known: len(portal.metrics(run, "accuracy")) > known, 150, "the next epoch")
        yield f"kill -9 of {what}: next epoch", f"{time.monotonic() - begun:.1f} s later"
    portal.clear_the_slot()


def _pages(portal: Portal, run: str) -> Iterator[Row]:
    for page in (*PAGES, f"/runs/{run}/"):
        times = sorted(_seconds(portal, page) for _ in range(40))[:-1]
        p50, p95 = statistics.median(times) * 1e3, times[int(len(times) * 0.95)] * 1e3
        yield f"warm page {page.replace(run, 'RUN')}", f"{p50:.0f} ms, p95 {p95:.0f} ms (goal 100 ms)"


def _seconds(portal: Portal, page: str) -> float:
    begun = time.perf_counter()
    assert portal.http.get(page).status_code == 200
    return time.perf_counter() - begun


def _weight(portal: Portal) -> Iterator[Row]:
    until(lambda: portal.processes("worker.forkserver"), 30, "the warm process")
    for when, pause in (("with the warm process", 0), ("after two idle minutes, without it", 135)):
        time.sleep(pause)
        family = portal.processes()
        weights = [weight for one in family if (weight := _memory(one))]
        rss, pss = (sum(one[i] for one in weights) / 1e6 for i in (0, 1))
        yield f"memory of all {len(family)} processes, {when}", f"{rss:.0f} MB RSS, {pss:.0f} MB PSS (goal 800 MB)"


def _memory(process: psutil.Process) -> tuple[int, int] | None:
    try:
        info = process.memory_full_info()
    except psutil.NoSuchProcess:
        return None
    return info.rss, info.pss
