"""Boards as clients of federated learning: real agents learn what one process would; one moves, one dies and takes part again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.boards import LanPortal
from tests.browser.waiting import another_page
from tests.kill.boards.agents import Board, logged, standing
from tests.portal import free_port, open_tab, strain, until

pytestmark = pytest.mark.kill
FEDFLY, FEDAVG = "federated.fedfly", "federated.fedavg"
VALUES = {"edges": "edge-a: 50 GMAC/s\nedge-b: 50 GMAC/s", "rounds": "2", "batch_size": "64", "after": "pool1",
          "moves": "round 2 at 50 %: near to edge-b"}
CLIENTS, TYPED = "near\nfar: at edge-b", "near: 1 GMAC/s, 75 Mbit/s, 2 ms\nfar: 1 GMAC/s, 75 Mbit/s, 2 ms, at edge-b"
# Longer than anybody looks.
ENDLESS = {"clients": "near\nfar", "rounds": "5000", "batch_size": "64", "after": "pool1", "where": "boards"}


@pytest.fixture(scope="module")
def boards(portal: LanPortal) -> Iterator[dict[str, Board]]:
    """One that takes connections, and one to which the portal relays."""
    with standing(portal, {"near": "edge", "far": "device"}, {"near": free_port()}) as made:
        yield made


@pytest.fixture
def tab(chromium: Any, portal: LanPortal, boards: dict[str, Board]) -> Iterator[Any]:
    yield from open_tab(chromium, portal, ignore_https_errors=True)


@pytest.fixture(scope="module")
def endless(portal: LanPortal, boards: dict[str, Board]) -> Iterator[str]:
    """One run for the tests that end boards and workers, one after the other."""
    until(lambda: are_free(boards), 60 * strain(), "the end of the run before on both boards")
    run = portal.launch(FEDAVG, **ENDLESS)
    until(lambda: rounds(portal, run) or portal.run(run)["status"] == "failed", 180 * strain(), "its first round")
    yield run
    portal.clear_the_slot()


def ended(portal: LanPortal, run: str) -> dict[str, Any]:
    found: dict[str, Any] = portal.wait(run, seconds=240 * strain())
    assert found["status"] == "finished", (found, logged(portal, run))
    return found


def rounds(portal: LanPortal, run: str) -> int:
    """How many were told of."""
    return max((each["step"] for each in portal.metrics(run, "round_seconds")), default=0)


def both_since(portal: LanPortal, run: str, before: int) -> bool:
    """Whether both clients computed in a round behind that one, and neither was lost in it."""
    lanes = [each for each in portal.metrics(run, "lane_seconds") if each["step"] > before]
    lost = {each["step"] for each in lanes if each["labels"]["part"] == "lost"}
    return any({each["labels"]["client"] for each in lanes if each["step"] == step} == {"near", "far"}
               for step in {each["step"] for each in lanes} - lost)


def are_free(boards: dict[str, Board]) -> bool:
    return not any(board.processes("slice_process") for board in boards.values())


def test_two_rounds_started_from_the_form_come_to_the_weights_of_the_emulated_run(
    portal: LanPortal, boards: dict[str, Board], tab: Any,
) -> None:
    tab.goto(f"{portal.address}/experiments/new/{FEDFLY}/")
    tab.select_option("#id_model", label="LeNet-5 · initialised")
    tab.select_option("#id_dataset", label="digits")
    tab.locator("summary", has_text="Advanced").click()
    for name, value in {**VALUES, "clients": f"{CLIENTS}\nnobody"}.items():
        tab.fill(f"#id_{name}", value)
    tab.select_option("#id_where", "boards")
    expect(tab.locator(".promise")).to_contain_text("this computer → far is relayed by the portal")
    with another_page(tab):
        tab.click("text=Start the run")
    expect(tab.locator(".error", has_text="There is no device nobody that this team may run on.")).to_be_visible()
    assert tab.input_value("#id_clients") == f"{CLIENTS}\nnobody" and tab.input_value("#id_where") == "boards"
    tab.fill("#id_clients", CLIENTS)
    tab.click("text=Start the run")
    tab.wait_for_url("**/runs/**")
    run = re.findall(r"[0-9a-f-]{36}", tab.url)[0]
    summary = ended(portal, run)["summary"]
    emulated = ended(portal, portal.launch(FEDFLY, clients=TYPED, **VALUES))["summary"]
    assert summary["variants"][0]["sha256"] == emulated["variants"][0]["sha256"]
    assert not summary["lost_updates"] and not summary["refused_updates"] and "(measured)" in summary["verdict"]
    [moved], [as_emulated] = (portal.metrics(each, "moved_bytes") for each in (run, str(emulated_run(portal))))
    assert moved["value"] == as_emulated["value"] and moved["labels"] == as_emulated["labels"]
    for said in ("near takes part, reached at ", "far takes part, relayed by the portal", "by its board's own clock"):
        assert said in logged(portal, run)
    tab.reload()
    expect(tab.locator("#parts")).to_contain_text("Which boards take part")
    chart = tab.locator("[data-kind=clients]")
    expect(chart.locator(".ytick text")).to_have_text(["near", "far"])


def emulated_run(portal: LanPortal) -> Any:
    """The newest run."""
    return portal.sql("select id from experiments_run order by number desc limit 1")[0][0]


def test_a_board_whose_power_goes_is_left_out_and_takes_part_again_when_it_is_back(
    portal: LanPortal, boards: dict[str, Board], endless: str,
) -> None:
    near = boards["near"]
    near.power_off()
    try:
        until(lambda: "nothing came from near" in logged(portal, endless), 120 * strain(), "the round that it lost")
        until(lambda: "near is not there: " in logged(portal, endless), 120 * strain(), "who is not there")
        before = rounds(portal, endless)
        until(lambda: rounds(portal, endless) > before + 1, 120 * strain(), "rounds without it")
    finally:
        near.start()
    until(lambda: "near is there again." in logged(portal, endless), 120 * strain(), "the board that is back")
    before = rounds(portal, endless)
    until(lambda: both_since(portal, endless, before), 120 * strain(), "a round that both have learnt")
    assert portal.run(endless)["status"] == "running"


def test_a_run_whose_worker_dies_goes_on_with_its_boards_after_its_last_round(
    portal: LanPortal, boards: dict[str, Board], endless: str,
) -> None:
    until(lambda: rounds(portal, endless) > 2, 120 * strain(), "some rounds")
    portal.worker().kill()
    until(lambda: portal.run(endless)["attempt"] > 1, 120 * strain(), f"another attempt; it is {portal.run(endless)}")
    until(lambda: "Going on after round" in logged(portal, endless), 120 * strain(), "the round from which it goes on")
    before = rounds(portal, endless)
    until(lambda: both_since(portal, endless, before), 120 * strain(), "a round of the second attempt that both have learnt")
    portal.clear_the_slot()
    until(lambda: are_free(boards), 60 * strain(), "no device of it is left on a board")
