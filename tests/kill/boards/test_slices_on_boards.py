"""Slices on real boards: agents from the wheel, a portal, TLS between the boards; a slice is killed, and its whole board."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psutil
import pytest

from tests.boards import LanPortal
from tests.kill.boards.agents import Board, logged, standing
from tests.portal import caught, free_port, strain, until

pytestmark = pytest.mark.kill
PLAN = {"plan": "pi until pool1; rack", "between": "pi to rack: 1 ms, 1000 Mbit/s", "where": "boards", "warmup": "0"}


@pytest.fixture(scope="module")
def boards(portal: LanPortal) -> Iterator[tuple[Board, Board]]:
    with standing(portal, {"pi": "device", "rack": "edge"}, {"rack": free_port()}) as made:
        yield made["pi"], made["rack"]


@pytest.fixture(autouse=True)
def _is_told(boards: tuple[Board, Board], request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    print(*(board.said()[-3000:] for board in boards), sep="\n")


def streaming(portal: LanPortal, board: Board, **values: str) -> tuple[str, psutil.Process]:
    """A run whose images are on their way, and its slice on that board, which stands still, and with it the run."""
    until(lambda: not board.processes("slice_process"), 60 * strain(), f"the end of the slice before on {board.name}")
    run = portal.launch("partitioning.slices", **{**PLAN, **values})

    def stands() -> list[psutil.Process]:
        assert portal.run(run)["status"] != "failed", portal.run(run)
        return board.processes("slice_process")

    slice_ = caught(stands, lambda: portal.metrics(run, "image_latency_ms"), "images", 60 * strain())
    assert portal.run(run)["status"] == "running", portal.run(run)
    return run, slice_


def wait_for_the_supervisor(portal: LanPortal, run: str) -> None:
    """Until it renewed the lease twice, or the run is over: at the first it saw what was wanted, and went on to the second."""
    beats = set(portal.sql("select heartbeat from experiments_run where id = %s", run))

    def acted() -> bool:
        beats.update(portal.sql("select heartbeat from experiments_run where id = %s", run))
        return len(beats) > 2 or portal.run(run)["status"] == "cancelled"

    until(acted, 20 * strain(), "the supervisor's second look")


def test_a_plan_runs_on_two_boards_and_outlives_its_slice(portal: LanPortal, boards: tuple[Board, Board]) -> None:
    _, rack = boards
    run, slice_ = streaming(portal, rack, images="1000")
    slice_.kill()
    ended = portal.wait(run, seconds=60 * strain())
    assert ended["status"] == "finished", ended
    assert ended["summary"]["links_are"] == "real" and ended["summary"]["images"] == 1000
    said = logged(portal, run)
    assert f"Part 2 stands on rack, reached directly at 127.0.0.1, port {rack.port}" in said
    assert "Connecting again" in said
    until(lambda: not rack.processes("slice_process"), 20 * strain(), "the slice goes with its run")


def test_a_board_that_loses_its_power_goes_on_with_its_slice(portal: LanPortal, boards: tuple[Board, Board]) -> None:
    _, rack = boards
    run, _ = streaming(portal, rack, images="1000")
    rack.power_off()
    rack.start()
    ended = portal.wait(run, seconds=90 * strain())
    assert ended["status"] == "finished", (ended, logged(portal, run))
    assert "Connecting again" in logged(portal, run) and "going on" not in rack.said().partition("ended")[0]


def test_this_computer_leads_and_a_run_that_is_cancelled_leaves_nothing(portal: LanPortal, boards: tuple[Board, Board]) -> None:
    _, rack = boards
    here = {"plan": "this computer until pool1; rack", "between": "this computer to rack: 1 ms, 1000 Mbit/s"}
    run = portal.launch("partitioning.slices", **{**PLAN, **here, "images": "12"})
    ended = portal.wait(run, seconds=60 * strain())
    assert ended["status"] == "finished" and ended["summary"]["links_are"] == "real", ended
    assert "Part 2 stands on rack" in logged(portal, run)

    run, slice_ = streaming(portal, rack, images="1000", **here)
    assert portal.post(f"/runs/{run}/cancel/").status_code == 200
    wait_for_the_supervisor(portal, run)  # What it asks of the process is there before this goes on.
    with contextlib.suppress(psutil.NoSuchProcess):
        slice_.resume()
    assert portal.wait(run, seconds=40 * strain())["status"] == "cancelled"
    until(lambda: not rack.processes("slice_process"), 20 * strain(), "the slice goes with its run")


def test_the_portal_relays_to_a_board_that_takes_no_connections(portal: LanPortal, boards: tuple[Board, Board]) -> None:
    pi, _ = boards
    # The plan turned round: the board that stands at the sensor listens to nobody.
    run, slice_ = streaming(portal, pi, images="40", plan="rack until pool1; pi", between="rack to pi: 50 ms, 10 Mbit/s")
    assert all(each.laddr.ip == "127.0.0.1" for each in slice_.net_connections("tcp"))
    slice_.resume()
    ended = portal.wait(run, seconds=60 * strain())
    assert ended["status"] == "finished" and ended["summary"]["images"] == 40, (ended, logged(portal, run))
    assert "Part 2 stands on pi, relayed by the portal" in logged(portal, run)
    assert ended["summary"]["links_are"] == "relayed" and "relayed by the portal" in ended["summary"]["verdict"], ended
