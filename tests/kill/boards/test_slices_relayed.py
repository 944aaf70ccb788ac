"""Slices on boards that take no connections: the portal carries from every part to the next, and from this computer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.boards import LanPortal
from tests.kill.boards.agents import Board, logged, standing
from tests.portal import caught, strain, until

pytestmark = pytest.mark.kill
THREE = {"plan": "cam until pool1; hub until relu3; shed",
         "between": "cam to hub: 50 ms, 10 Mbit/s; hub to shed: 50 ms, 10 Mbit/s", "where": "boards", "warmup": "0"}
HERE = {"plan": "this computer until pool1; shed", "between": "this computer to shed: 50 ms, 10 Mbit/s", "where": "boards",
        "warmup": "0"}
RELAYED = "relayed by the portal"


@pytest.fixture(scope="module")
def boards(portal: LanPortal) -> Iterator[dict[str, Board]]:
    with standing(portal, {"cam": "device", "hub": "edge", "shed": "device"}) as made:
        yield made


def streaming(portal: LanPortal, board: Board, values: dict[str, str], images: int) -> tuple[str, psutil.Process]:
    """A run whose images are on their way, and its slice on that board, which stands still, and with it the run."""
    until(lambda: is_alone(board), 60 * strain(), f"the end of the slice before on {board.name}")
    run = portal.launch("partitioning.slices", **values, images=str(images))

    def stands() -> list[psutil.Process]:
        assert portal.run(run)["status"] not in ("failed", "finished"), (portal.run(run), logged(portal, run))
        return board.processes("slice_process")

    slice_ = caught(stands, lambda: portal.metrics(run, "image_latency_ms"), "images", 120 * strain())
    assert portal.run(run)["status"] == "running", (portal.run(run), logged(portal, run))
    return run, slice_


def ended(portal: LanPortal, run: str, *, like: str = "finished") -> dict[str, Any]:
    found: dict[str, Any] = portal.wait(run, seconds=240 * strain())
    assert found["status"] == like, (found, logged(portal, run))
    return found


def is_alone(board: Board) -> bool:
    return not board.processes("slice_process")


def test_three_parts_of_which_two_take_no_connections_answer_as_one(portal: LanPortal, boards: dict[str, Board]) -> None:
    run, last = streaming(portal, boards["shed"], THREE, images=60)
    for name in ("hub", "shed"):
        [slice_] = boards[name].processes("slice_process")
        assert {each.laddr.ip for each in slice_.net_connections("tcp")} == {"127.0.0.1"}
    last.resume()
    summary = ended(portal, run)["summary"]
    assert summary["images"] == 60 and summary["bit_equal"] and summary["links_are"] == "relayed"
    assert "over 2 links relayed by the portal" in summary["verdict"], summary["verdict"]
    for part, name in ((2, "hub"), (3, "shed")):
        assert f"Part {part} stands on {name}, {RELAYED}" in logged(portal, run)
    waited = [line for line in logged(portal, run).splitlines() if line.startswith("waiting:")]
    assert all(re.fullmatch(r"waiting: (hub makes part 2|shed makes part 3) ready", line) for line in waited), waited
    page = portal.http.get(f"/runs/{run}/").text
    assert page.count(f"{RELAYED}") >= 2, "the page says it of each part"


def test_a_third_part_whose_process_is_killed_is_had_again(portal: LanPortal, boards: dict[str, Board]) -> None:
    run, slice_ = streaming(portal, boards["shed"], THREE, images=60)
    slice_.kill()
    assert ended(portal, run)["summary"]["bit_equal"]
    assert "Part 3, shed" in logged(portal, run) and "Connecting again" in logged(portal, run)
    until(lambda: is_alone(boards["shed"]) and is_alone(boards["hub"]), 60 * strain(), "the slices go with their run")


def test_this_computer_leads_a_part_that_takes_no_connections(portal: LanPortal, boards: dict[str, Board]) -> None:
    run, slice_ = streaming(portal, boards["shed"], HERE, images=60)
    slice_.kill()
    summary = ended(portal, run)["summary"]
    assert summary["images"] == 60 and summary["bit_equal"] and summary["links_are"] == "relayed"
    assert f"Part 2 stands on shed, {RELAYED}" in logged(portal, run) and "Connecting again" in logged(portal, run)
    assert RELAYED in portal.http.get(f"/runs/{run}/").text


def test_a_worker_that_dies_as_the_lead_loses_the_relay_and_the_next_one_goes_on(
    portal: LanPortal, boards: dict[str, Board],
) -> None:
    run, slice_ = streaming(portal, boards["shed"], HERE, images=120)
    worker = portal.worker()
    slice_.resume()
    worker.kill()
    until(lambda: portal.run(run)["attempt"] > 1, 120 * strain(), f"another attempt; the run is {portal.run(run)}")
    assert ended(portal, run)["summary"]["bit_equal"]


def test_a_board_that_is_gone_for_good_ends_the_run_with_the_reason(portal: LanPortal, boards: dict[str, Board]) -> None:
    run, _ = streaming(portal, boards["shed"], HERE, images=1000)
    boards["shed"].power_off()
    try:
        reason = ended(portal, run, like="failed")["reason"]
        assert reason.startswith("Part 2") and "shed" in reason
    finally:
        boards["shed"].start()
