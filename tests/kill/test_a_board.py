"""A board joins with the line of the page, measures, is cut off in the middle, comes back, is switched off, and finishes."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.boards import Board, LanPortal
from tests.portal import open_tab, strain, until

pytestmark = [pytest.mark.browser, pytest.mark.kill]
SHORT = {"EDGEPORTAL_BOARD_POLL_S": "0.5", "EDGEPORTAL_DEVICE_SILENT_S": "3", "EDGEPORTAL_BOARD_LEASE_S": "6"}
# Large batches, so that a small network takes seconds.
ASKED = {"batch": "512", "laps": "6", "seconds": "3", "warmup": "1", "batches": "", "cold": "0", "cooldown": "0", "tries": "1"}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanPortal]:
    running = LanPortal(Path(tempfile.mkdtemp(prefix="ep-lan-")), **SHORT)
    try:
        running.start()
        running.clear_the_slot()
        yield running
    finally:
        running.stop()
        running.keep_logs(tmp_path_factory.getbasetemp() / "lan-portal-logs")


@pytest.fixture
def board(portal: LanPortal) -> Iterator[Board]:
    folder = Path(tempfile.mkdtemp(prefix="ep-board-"))
    folder.chmod(0o755)
    made = Board(folder / "board", portal)
    yield made
    made.stop()
    print(made.said())
    shutil.rmtree(folder)


@pytest.fixture
def tab(chromium: Any, portal: LanPortal) -> Iterator[Any]:
    yield from open_tab(chromium, portal, ignore_https_errors=True)


def test_a_board_joins_measures_disappears_returns_and_finishes(tab: Any, portal: LanPortal, board: Board) -> None:
    patience = 60 * strain()
    tab.set_default_timeout(1000 * patience)
    device = joined(tab, portal, board)

    first = measured_on(tab, portal, device)
    board.relay.cut()
    tab.get_by_text("was not heard from since").wait_for()
    assert portal.run(first)["status"] in ("running", "queued") and not tab.locator("#head .state", has_text="failed").count()
    board.relay.mend()
    came_through(tab, portal, first, patience)

    second = measured_on(tab, portal, device)
    board.power_off()
    assert portal.run(second)["status"] in ("running", "queued")
    board.start_again()
    came_through(tab, portal, second, patience)

    for run in (first, second):
        assert not {"failed", "rejected"} & {event["type"] for event in portal.events(run)}, board.said()
    tab.goto(f"{portal.address}/devices/{device}/")
    measured = tab.locator("section[aria-labelledby=measured]")
    measured.locator("td, th", has_text=re.compile("latency", re.IGNORECASE)).first.wait_for()


def joined(tab: Any, portal: LanPortal, board: Board) -> str:
    """Add it on the page, type the line into its terminal, and see the page turn into the board."""
    tab.goto(f"{portal.address}/devices/boards/add/")
    tab.get_by_role("button", name="Make the line").click()
    line = tab.locator("#join-line").inner_text()
    shape = r"curl -fsSk --pinnedpubkey 'sha256//[^']{44}' https://[^ ]+/devices/join.sh \| sh -s -- \S{14} [0-9a-f]{64}"
    assert re.fullmatch(shape, line), line
    board.type_in(line)
    try:
        card = tab.locator("[data-board]")
        card.wait_for()
    except Exception as error:
        raise AssertionError(board.said()) from error
    assert "porch" in card.inner_text()
    cores = card.locator("dt", has_text="cores").locator("xpath=following-sibling::dd[1]")
    assert cores.inner_text() == "1"
    return str(card.get_attribute("data-board"))


def measured_on(tab: Any, portal: LanPortal, device: str) -> str:
    """Launch a benchmark on the board from its form; returns when the board is in the middle of it."""
    tab.goto(f"{portal.address}/experiments/new/benchmarking.latency/?device={device}")
    tab.select_option("[name=model]", label="LeNet-5 · initialised")
    tab.select_option("[name=dataset]", label="digits")
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for name, value in ASKED.items():
        tab.fill(f"[name={name}]", value)
    tab.press("[name=laps]", "Enter")
    tab.wait_for_url(re.compile("/runs/[0-9a-f-]{36}/"))
    run = re.search(r"/runs/([0-9a-f-]{36})/", tab.url)[1]  # type: ignore[index]
    until(lambda: portal.metrics(run, "latency_ms"), 60 * strain(), f"samples from the board; the run is {portal.run(run)}")
    assert portal.run(run)["status"] in ("running", "queued")
    return run


def came_through(tab: Any, portal: LanPortal, run: str, patience: float) -> None:
    """It finished, and what it says of its samples is what it kept of them: each one once."""
    ended = portal.wait(run, seconds=patience)
    assert ended["status"] == "finished", ended
    bodies = [(event["type"], event["body"]) for event in portal.events(run)]
    (median,) = [body for kind, body in bodies if kind == "measured" and body["metric"] == "latency_ms_p50"]
    drawn = [body["step"] for kind, body in bodies if kind == "metric" and body["name"] == "latency_ms"]
    # A chart shows every n-th of many; the file has all of them.
    assert drawn == sorted(set(drawn)) and max(drawn) < median["n"] >= int(ASKED["laps"])
    assert [kind for kind, _ in bodies].count("finished") == 1
    file = portal.one("experiments_runfile", "id", "run_id = %s and path = %s", run, median["samples"])
    kept = re.findall(r'"samples_ns": *\[([^\]]*)\]', portal.http.get(f"/runs/{run}/files/{file}/").text)
    assert median["n"] in [len(samples.split(",")) for samples in kept]
    tab.locator("#head .state", has_text="finished").first.wait_for()
