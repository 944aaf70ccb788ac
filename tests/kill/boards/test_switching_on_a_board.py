"""A set of networks is served on a board, by a real agent: its trace, its changes and its memory are told as that board's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.boards import LanPortal
from tests.kill.boards.agents import Board, logged, standing
from tests.portal import open_tab, strain, until

pytestmark = pytest.mark.kill
# Room for the small one alone, which is less accurate, from the third second to the sixth.
SECONDS = ["8,2000,,", "8,2000,,", *["8,2000,0.05,"] * 4, *["8,2000,,"] * 2]
LINES = "\n".join(["arrivals_per_s,deadline_ms,free_mb,slower", *SECONDS])


@pytest.fixture(scope="module")
def boards(portal: LanPortal) -> Iterator[dict[str, Board]]:
    with standing(portal, {"shelf": "device"}) as made:
        yield made


@pytest.fixture
def tab(chromium: Any, portal: LanPortal, boards: dict[str, Board]) -> Iterator[Any]:
    yield from open_tab(chromium, portal, ignore_https_errors=True)


def finished(portal: LanPortal, run: str) -> dict[str, Any]:
    found = portal.wait(run, seconds=240 * strain())
    assert found["status"] == "finished", (found, logged(portal, run))
    summary: dict[str, Any] = found["summary"]
    return summary


def narrowed(portal: LanPortal, channels: str, epochs: str) -> str:
    """The network of a short run, by its id."""
    run = portal.launch("pruning.l1_channels", channels=channels, epochs=epochs, reference="")
    finished(portal, run)
    return portal.one("catalog_variant", "id", "made_by = %s and name not like 'dense%%'", run)


def test_the_board_serves_every_request_and_changes_where_memory_is_short(
        portal: LanPortal, boards: dict[str, Board], tab: Any) -> None:
    large, small = narrowed(portal, "0.9", "12"), narrowed(portal, "0.3", "0")
    shelf = portal.one("devices_device", "id", "name = %s", "shelf")
    run = portal.launch("portfolio.switching", model_2=large, model_3=small, device=shelf, trace="lines", lines=LINES,
                        baselines="none", dwell_s="1", hold="1")
    until(lambda: boards["shelf"].processes("worker.switching.host"), 120 * strain(), "the serving process on the board")
    told = finished(portal, run)
    (way,) = told["drive_ways"]
    assert told["device"] == "shelf" and way["arrived"] == way["answered"] > 0
    assert way["swaps"] >= 1 and len(way["answered_by"]) == 2 and way["steady_bytes"] > 0
    tab.goto(f"{portal.address}/runs/{run}/")
    expect(tab.locator("body")).to_contain_text("shelf", timeout=60_000 * strain())
