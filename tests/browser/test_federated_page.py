"""The page of a federated run: a lane a client, steps back through its rounds, and a bandwidth that is changed while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.tables import cells
from tests.browser.waiting import another_page
from tests.portal import Portal, until
from worker.planning.fleets import Rate

pytestmark = pytest.mark.browser
LANES = "[data-kind=clients]"
CLIENTS = "pi: 0.5 GMAC/s, 75 Mbit/s, 2 ms\njetson: 10 GMAC/s, 75 Mbit/s, 2 ms"
ROUNDS = 11
DRAWN = f"document.querySelector('{LANES} .js-plotly-plot').data"


@pytest.fixture(scope="module")
def moved(portal: Portal) -> str:
    """A run of some rounds in which a client moves to another edge server."""
    run = portal.launch("federated.fedfly", clients=CLIENTS, rounds=ROUNDS, batch_size=256, moves="round 9 at 50 %: pi to edge-b")
    portal.wait(run, "finished", seconds=300)
    return run


@pytest.fixture
def lanes(page: Any, portal: Portal, moved: str) -> Any:
    """The chart, drawn with all that was said of its rounds."""
    page.goto(f"{portal.address}/runs/{moved}/")
    page.wait_for_selector(f"{LANES} .main-svg")
    said = [metric for metric in portal.metrics(moved, "lane_seconds") if metric["step"] > ROUNDS - 8]
    until(lambda: sum(len(x) for x, _, _ in bars(page)) == len(said), 60, f"{len(said)} bars")
    return page.locator(LANES)


def bars(page: Any) -> list[list[list[float]]]:
    """Of each trace of bars: how long each is, in which lane, where it begins."""
    drawn: list[list[list[float]]] = page.evaluate(
        f"({DRAWN} ?? []).filter((trace) => trace.type === 'bar').map(({{ x, y, base }}) => [x, y, base])")
    return drawn


def table(chart: Any) -> list[dict[str, str]]:
    chart.get_by_role("button", name="table").click()
    chart.locator(".data table").wait_for()
    head, *rows = cells(chart)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_newest_rounds_are_drawn_and_one_can_step_back(lanes: Any) -> None:
    caption = lanes.locator(".caption")
    expect(caption).to_have_text("rounds 4 to 11 of 11")
    lanes.get_by_role("button", name="earlier").click()
    expect(caption).to_have_text("rounds 1 to 8 of 11")
    expect(lanes.get_by_role("button", name="earlier")).to_have_attribute("aria-disabled", "true")
    lanes.get_by_role("button", name="newest").click()
    expect(caption).to_have_text("rounds 4 to 11 of 11")


def test_a_lane_has_its_parts_one_after_the_other(page: Any, lanes: Any) -> None:
    expect(lanes.locator(".ytick text")).to_have_text(["pi", "jetson"])
    every = [part for x, y, base in bars(page) for part in zip(y, base, x, strict=True)]
    parts = sorted((begins, begins + lasts) for lane, begins, lasts in every if lane == 1)
    assert len(parts) >= 8 * 4
    assert all(before[1] == pytest.approx(after[0]) for before, after in pairwise(parts))


def test_the_table_has_every_round_and_says_who_goes_where_and_what_that_saves(portal: Portal, moved: str, lanes: Any) -> None:
    rows = table(lanes)
    assert [row["round"] for row in rows] == [str(number) for number in range(1, ROUNDS + 1) for _ in range(2)]
    goes = {row["round"]: row["goes"] for row in rows if row["client"] == "pi"}
    [saved] = portal.metrics(moved, "saved_seconds")
    assert goes.pop("9").startswith("to edge-b, saved ") and saved["value"] > 0
    assert not any(goes.values())
    assert {row["edge server"] for row in rows if row["client"] == "pi" and int(row["round"]) > 9} == {"edge-b"}
    spent = [metric for metric in portal.metrics(moved, "lane_seconds") if metric["labels"]["part"] == "computes"]
    assert float(rows[0]["computes, s"]) == pytest.approx(spent[0]["value"], rel=0.01)


def test_a_move_and_the_offloading_points_are_marked(page: Any, lanes: Any) -> None:
    cuts, jumps = page.evaluate(f"{DRAWN}.filter((trace) => trace.mode).map((trace) => trace.customdata)")
    assert len(cuts) == 2 and all("from round 4 on: behind " in each for each in cuts)
    assert len(jumps) == 1 and jumps[0].startswith("pi, round 9: to edge-b, saved ")
    expect(lanes.locator(".scatterlayer text").filter(has_text="to edge-b, saved")).to_have_count(1)


def test_the_chart_leaves_as_csv_with_every_round(page: Any, lanes: Any) -> None:
    with page.expect_download() as download:
        lanes.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("round,client,offloading point,edge server") and len(lines) == 1 + 2 * ROUNDS


@pytest.fixture
def endless(portal: Portal) -> Iterator[str]:
    """A run that goes on for as long as somebody looks."""
    run = portal.launch("federated.fedavg", clients=CLIENTS, rounds=5000, batch_size=16)
    until(lambda: portal.metrics(run, "bandwidth_mbps"), 120, "the first round")
    yield run
    portal.clear_the_slot()


def rates(chart: Any) -> list[float]:
    """The bandwidths of `pi`, in the chart's table."""
    return [float(row[-1]) for row in cells(chart)[1:] if row[0] == "pi"]


def change(page: Any, portal: Portal, run: str, text: str) -> None:
    """Set the bandwidths on the page of a run that goes on; what comes of it is shown then."""
    page.goto(f"{portal.address}/runs/{run}/")
    page.locator("summary", has_text="Change while it runs").click()
    apply(page, text)


def apply(page: Any, text: str) -> None:
    page.get_by_role("textbox", name="Bandwidth from now on").fill(text)
    with another_page(page):
        page.get_by_role("button", name="Apply").click()


def test_a_bandwidth_changed_while_it_runs_is_that_of_the_next_rounds(page: Any, portal: Portal, endless: str) -> None:
    change(page, portal, endless, "pi 1 Mbit/s\njetson 5 Mbit/s")
    bandwidth = page.locator(".chart", has_text="Bandwidth (as typed and changed)")
    bandwidth.get_by_role("button", name="table").click()
    until(lambda: 1.0 in rates(bandwidth), 120, "a round of the new bandwidth")
    assert rates(bandwidth)[0] == 75
    expect(page.locator(".log .lines")).to_contain_text("set bandwidth_now to pi 1 Mbit/s; jetson 5 Mbit/s")


def test_who_has_changed_it_can_change_it_again_at_once_and_the_line_for_a_terminal_says_when(
    page: Any, portal: Portal, endless: str,
) -> None:
    change(page, portal, endless, "pi 1 Mbit/s")
    expect(page.get_by_role("textbox", name="Bandwidth from now on")).to_have_value("pi 1 Mbit/s")
    until(lambda: wanted(portal, endless, 1.0), 120, "a round of the new bandwidth")
    (first,) = wanted(portal, endless, 1.0)
    apply(page, "pi 2 Mbit/s")
    expect(page.get_by_role("textbox", name="Bandwidth from now on")).to_be_visible()
    until(lambda: wanted(portal, endless, 2.0), 120, "a round of the newest bandwidth")
    (second,) = wanted(portal, endless, 2.0)
    page.reload()
    line = page.locator("#command")
    expect(line).to_contain_text(f"--changes '{Rate('pi', 1.0, first, second - 1)}; {Rate('pi', 2.0, second, 5000)}'")
    expect(line).not_to_contain_text("--bandwidth-now")


def wanted(portal: Portal, run: str, mbps: float) -> list[int]:
    """The rounds from which on a bandwidth is wanted of a client."""
    said = portal.metrics(run, "wanted_mbps")
    return [each["step"] for each in said if each["value"] == mbps and each["labels"]["end"] == "first"]


@pytest.fixture
def adapting(portal: Portal) -> Iterator[str]:
    """FedAdapt with an agent that was trained enough to know what to do over a slow link; it goes on while somebody looks."""
    run = portal.launch("federated.fedadapt", clients=CLIENTS, rounds=5000, batch_size=64, groups=2, updates=20, seed=1)
    until(lambda: portal.metrics(run, "bandwidth_mbps"), 240, "the first round")
    yield run
    portal.clear_the_slot()


def points(chart: Any) -> list[tuple[str, str]]:
    """Of each round in which group `pi` was and where it handed over, in the chart's table."""
    head, *rows = cells(chart)
    found = [dict(zip(head, row, strict=True)) for row in rows]
    return [(row["group"], row["offloading point"]) for row in found if row["client"] == "pi"]


def test_fedadapt_answers_a_bandwidth_that_is_changed_on_the_page(page: Any, portal: Portal, adapting: str) -> None:
    change(page, portal, adapting, "pi 1 Mbit/s")
    chart = page.locator(LANES)
    chart.get_by_role("button", name="table").click()
    chart.locator(".data table").wait_for()
    until(lambda: ("2" in (group for group, _ in points(chart))), 120, "a round in which it is in the group of slow links")
    groups, cuts = zip(*points(chart), strict=True)
    turn = groups.index("2")
    assert turn and set(groups[:turn]) == {"1"} and set(groups[turn:]) == {"2"}
    assert cuts[turn] != cuts[turn - 1]
    expect(page.locator(".log .lines")).to_contain_text(
        f"Round {turn + 1}: FedAdapt chose other offloading points. pi: {cuts[turn]}, before: {cuts[turn - 1]} "
        "(now 1 Mbit/s, before: 75 Mbit/s; now in group 2, before: 1).")


def test_a_wrong_bandwidth_is_told_at_its_field_and_stays_as_it_was_typed(page: Any, portal: Portal, endless: str) -> None:
    change(page, portal, endless, "pi 1 Mbit/s\nnobody 5 Mbit/s")
    expect(page.locator("#live-change .field .error")).to_contain_text("the clients are pi, jetson")
    expect(page.get_by_role("textbox", name="Bandwidth from now on")).to_have_value("pi 1 Mbit/s\nnobody 5 Mbit/s")


def test_compared_runs_have_their_ways_dashed_alike(page: Any, portal: Portal, moved: str) -> None:
    other = portal.launch("federated.fedfly", clients=CLIENTS, rounds=2, batch_size=256, moves="round 1 at 50 %: pi to edge-b")
    portal.wait(other, "finished", seconds=300)
    page.goto(f"{portal.address}/compare/?run={moved}&run={other}")
    chart = page.locator(".chart", has_text="Time of a round (emulated").first
    expect(chart.locator(".legend button")).to_have_count(6)
    until(lambda: len(dashes(chart)) == 6, 60, "three ways of each run")
    ways = {(name.partition(", ")[2], dash) for name, dash in dashes(chart)}
    assert len(ways) == 3 and len({dash for _, dash in ways}) == 3


def dashes(chart: Any) -> list[list[str]]:
    """Of each line its name and how it is dashed."""
    found: list[list[str]] = chart.locator(".plot").evaluate(
        "plot => (plot.data ?? []).map(({ name, line }) => [name, line.dash])")
    return found
