"""Switching in a real browser: two variants chosen in the form, a run that serves them, a page that tells who served when."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.tables import cells
from tests.browser.test_look import findings, wider_than_the_window
from tests.portal import Portal, until

pytestmark = pytest.mark.browser
LINES = "arrivals_per_s,deadline_ms,free_mb\n30,2000,10\n30,2000,10\n30,2000,0.05\n30,2000,0.05"
NEW = "/experiments/new/portfolio.switching/"
WHO, HELD = "Which network serves when (measured)", "Memory to hold the set (measured in fresh processes)"


@pytest.fixture(scope="module")
def variants(portal: Portal) -> dict[str, str]:
    """LeNet-5, trained, whole and with a third of its channels: ids by what the run called them."""
    run = portal.launch("pruning.l1_channels", epochs="4", channels="0.3")
    portal.wait(run, "finished")
    rows = portal.sql("select name, variant_id from experiments_runvariant where run_id = %s", run)
    return {name: str(variant) for name, variant in rows}


@pytest.fixture(scope="module")
def served(portal: Portal, variants: dict[str, str]) -> str:
    run = _launched(portal, variants)
    portal.wait(run, "finished")
    return run


def _launched(portal: Portal, variants: dict[str, str]) -> str:
    values = {**portal.initial("portfolio.switching"), "model": variants["dense"], "model_2": variants["channels 0.3"],
              "dataset": portal.one("catalog_dataset", "id", "name = %s", "digits"), "trace": "lines", "lines": LINES,
              "baselines": "all", "residency": "packed"}
    found = re.search(r"/runs/([0-9a-f-]{36})/", str(portal.post(NEW, values).url))
    assert found
    return found.group(1)


@pytest.fixture
def run_page(page: Any, portal: Portal, served: str) -> Any:
    page.goto(f"{portal.address}/runs/{served}/")
    page.wait_for_selector(".chart[data-kind=lanes] .main-svg")
    return page


def chart(page: Any, title: str) -> Any:
    return page.locator(".chart", has_text=title).first


def rows(page: Any, title: str) -> list[list[str]]:
    """The table behind a chart."""
    chart(page, title).get_by_role("button", name="table").click()
    until(lambda: len(cells(chart(page, title))) > 1, 30, "a table")
    return cells(chart(page, title))


def test_the_form_has_a_field_for_each_network_and_says_what_leaving_one_out_means(page: Any, portal: Portal) -> None:
    page.goto(portal.address + NEW)
    for number in range(1, 9):
        expect(page.locator(f"label:has-text('Network {number}')")).to_have_count(1)
    expect(page.locator("#id_model_2 option").first).to_have_text("none")


def test_more_networks_are_added_beside_the_first_two(page: Any, portal: Portal, variants: dict[str, str]) -> None:
    page.goto(portal.address + NEW)
    expect(page.locator("#id_model_2")).to_be_visible()
    expect(page.locator("#id_model_3")).to_be_hidden()
    page.click("summary:has-text('Add more networks')")
    expect(page.locator("#id_model_8")).to_be_visible()
    page.select_option("#id_model", variants["dense"])
    page.select_option("#id_model_3", variants["channels 0.3"])
    expect(page.locator(".promise .usual")).to_have_text("at least 3 min")
    assert findings(page) == [] and not wider_than_the_window(page)


def test_a_bad_trace_is_said_at_its_field_with_its_line_and_kept(page: Any, portal: Portal) -> None:
    page.goto(portal.address + NEW)
    page.select_option("#id_trace", "lines")
    page.click("summary:has-text('Advanced')")
    page.fill("#id_lines", "arrivals_per_s,deadline_ms\n5,100\n5,soon")
    page.click("text=Start the run")
    page.wait_for_selector(".error:has-text(\"Line 3: deadline_ms is a number, more than 0\")")
    assert page.input_value("#id_lines").splitlines()[2] == "5,soon"


def test_a_lane_a_way_shows_who_served_when(run_page: Any) -> None:
    head, *found = rows(run_page, WHO)
    assert head[0] == "way"
    ways = list(dict.fromkeys(row[0] for row in found))
    assert ways[0] == "switching" and len(ways) == 5
    first = [row[1] for row in found if row[0] == "switching"]
    assert len(first) == 2 and "dense" in first[0] and "channels 0.3" in first[1]


def test_the_verdict_tells_gain_and_cost(run_page: Any) -> None:
    expect(run_page.locator("main")).to_contain_text("effective accuracy")
    expect(run_page.locator("main")).to_contain_text("the best fixed network")


def test_memory_is_told_apart_from_that_of_the_runtime(run_page: Any) -> None:
    _, *found = rows(run_page, HELD)
    told = " ".join(" ".join(row) for row in found)
    assert all(word in told for word in ("the runtime alone", "steady", "peak"))


def test_every_chart_says_what_it_is_measured_or_predicted(run_page: Any) -> None:
    titles = run_page.locator(".chart h2").all_inner_texts()
    assert sum("(measured" in title for title in titles) >= 8 and sum("(predicted" in title for title in titles) == 2


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_reads_well_wide_and_on_a_phone(run_page: Any, width: int) -> None:
    run_page.set_viewport_size({"width": width, "height": 900})
    expect(run_page.locator(".chart[data-kind=bands] .main-svg").first).to_be_visible()
    assert not wider_than_the_window(run_page)
    assert findings(run_page) == []
