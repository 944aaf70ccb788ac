"""Switching in a real browser: two variants chosen in the form, a run that serves them, a page that tells who served when."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.tables import cells
from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.waiting import another_page
from tests.portal import Portal, until

pytestmark = pytest.mark.browser
LINES = "arrivals_per_s,deadline_ms,free_mb\n30,2000,10\n30,2000,10\n30,2000,0.05\n30,2000,0.05"
NEW = "/experiments/new/portfolio.switching/"
WHO, HELD = "Which network serves when (measured)", "Memory to hold the set, packed (measured in fresh processes)"
# Of each network every colour that it has in a chart; a way that one network serves alone is that network's.
COLOURS = """() => {
  const found = {}, add = (name, colour) => { (found[name.replace("fixed: ", "")] ??= []).push(colour); };
  for (const plot of document.querySelectorAll(".chart .plot")) for (const trace of plot.data ?? []) {
    const kind = plot.closest(".chart").dataset.kind;
    if (kind === "lanes" || kind === "bands") add(trace.name, trace.marker.color);
    if (kind === "tradeoff") (trace.ids ?? []).forEach((name, i) => add(name, trace.marker.color[i]));
    if (kind === "line") add(trace.name, trace.line.color);
    if (kind === "bars" && plot.data.length === 1) trace.x.forEach((name, i) => add(name, trace.marker.color[i]));
  }
  return found;
}"""


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


@pytest.fixture(scope="module")
def swept(portal: Portal, variants: dict[str, str]) -> str:
    """The experiment of two residencies, the small network named first."""
    turned = {"dense": variants["channels 0.3"], "channels 0.3": variants["dense"]}
    experiment = _launched(portal, turned, "experiments", baselines="none", **{"residency-also": "disk"})
    for run, in portal.sql("select id from experiments_run where experiment_id = %s", experiment):
        portal.wait(str(run), "finished")
    return experiment


def _launched(portal: Portal, variants: dict[str, str], made: str = "runs", **more: str) -> str:
    values = {**portal.initial("portfolio.switching"), "model": variants["dense"], "model_2": variants["channels 0.3"],
              "dataset": portal.one("catalog_dataset", "id", "name = %s", "digits"), "trace": "lines", "lines": LINES,
              "baselines": "all", "residency": "packed", **more}
    found = re.search(rf"/{made}/([0-9a-f-]{{36}})/", str(portal.post(NEW, values).url))
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
    expect(page.locator("#id_model_2 option").first).to_have_text("choose a model")
    expect(page.locator("#id_model_3 option").first).to_have_text("none")


def test_more_networks_are_added_beside_the_first_two(page: Any, portal: Portal, variants: dict[str, str]) -> None:
    page.goto(portal.address + NEW)
    expect(page.locator("#id_model_2")).to_be_visible()
    expect(page.locator("#id_model_3")).to_be_hidden()
    page.click("summary:has-text('Add more networks')")
    expect(page.locator("#id_model_8")).to_be_visible()
    page.select_option("#id_model", variants["dense"])
    page.select_option("#id_model_3", variants["channels 0.3"])
    expect(page.locator(".promise .usual")).to_have_text("at least 4 min")
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


def test_a_network_has_one_colour_in_all_charts(run_page: Any) -> None:
    run_page.wait_for_selector(".chart[data-kind=bands] .main-svg")

    def networks() -> list[list[str]]:
        return [colours for name, colours in run_page.evaluate(COLOURS).items() if name.startswith(("dense", "channels"))]

    until(lambda: len(networks()) == 2 and all(len(colours) > 8 for colours in networks()), 60, "every chart drawn")
    first, second = (set(colours) for colours in networks())
    assert len(first) == len(second) == 1 and first != second


def test_what_the_trace_says_of_the_deadline_stands_beside_its_load(run_page: Any) -> None:
    _, *found = rows(run_page, "The trace: deadline of a request")
    assert len(found) == 4 and {float(row[-1].replace(",", "")) for row in found} == {2000.0}


@pytest.fixture(scope="module")
def portfolio(portal: Portal, variants: dict[str, str], served: str) -> str:
    answer = portal.post("/portfolios/pick/", {"variant": [variants["dense"], variants["channels 0.3"]], "new": "1",
                                               "name": "Doorbell", "description": ""})
    assert answer.status_code == 200
    return str(answer.url.path)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_portfolio_says_what_the_run_found(page: Any, portal: Portal, portfolio: str, served: str, width: int,
                                               scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(portal.address + portfolio)
    part = page.locator("#runtime")
    expect(part).to_contain_text("the runtime alone")
    expect(part).to_contain_text("networks: all 2")
    expect(part.locator(f"a[href='/runs/{served}/']").first).to_be_visible()
    expect(part.locator(".strip svg")).to_have_count(2)
    expect(part.locator(".strip figcaption").first).to_contain_text("predicted")
    assert not wider_than_the_window(page) and findings(page) == []


def test_from_the_portfolio_its_networks_are_rehearsed_again(page: Any, portal: Portal, portfolio: str,
                                                             variants: dict[str, str]) -> None:
    page.goto(portal.address + portfolio)
    with another_page(page):
        page.click("#runtime >> text=rehearse again")
    page.wait_for_selector("#id_model_2")
    assert page.input_value("#id_model") == variants["dense"] and page.input_value("#id_model_2") == variants["channels 0.3"]
    assert page.input_value("#id_trace") == "lines" and page.input_value("#id_lines").count("30,2000") == 4


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


# After the pages on which the newest run speaks.
def test_a_sweep_has_the_colours_of_its_runs_and_begins_with_what_switching_took(page: Any, portal: Portal, swept: str) -> None:
    page.goto(f"{portal.address}/experiments/{swept}/")
    page.wait_for_selector(".chart[data-kind=spread] .scatterlayer .points path")
    names = "it => Object.fromEntries(it.data.filter((each) => each.ids?.length).map((each) => [each.name, each.marker.color]))"
    spread = page.locator(".chart[data-kind=spread] .plot").evaluate(names)
    run = portal.one("experiments_run", "id", "experiment_id = %s", swept)
    page.goto(f"{portal.address}/runs/{run}/")
    page.wait_for_selector(".chart[data-kind=tradeoff] .scatterlayer .points path")
    until(lambda: spread.keys() <= page.evaluate(COLOURS).keys(), 30, "both networks drawn")
    told = page.evaluate(COLOURS)
    assert len(spread) == 2 and {name: {colour} for name, colour in spread.items()} == {name: set(told[name]) for name in spread}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_what_switching_took_fits_the_window(page: Any, portal: Portal, swept: str, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{portal.address}/experiments/{swept}/")
    table = page.locator("#switched .scroll")
    expect(table.locator("tbody tr")).to_have_count(2)
    assert table.evaluate("it => it.scrollWidth <= it.clientWidth"), "nothing is cut"
    heads = table.locator("tbody tr").first.locator("td").evaluate_all("all => all.map((each) => each.dataset.head)")
    assert heads == ["residency", "memory, steady", "a change, median", "changes", "in time", "effective accuracy"]
    assert not wider_than_the_window(page) and findings(page) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_compare_has_no_empty_chart_and_no_name_lies_on_another(page: Any, portal: Portal, swept: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    runs = [str(run) for run, in portal.sql("select id from experiments_run where experiment_id = %s", swept)]
    page.goto(f"{portal.address}/compare/?run={runs[0]}&run={runs[1]}")
    page.wait_for_selector(".chart[data-kind=tradeoff] .textpoint text")
    expect(page.locator(".chart", has_text="The trace: heat")).to_be_hidden()
    expect(page.locator(".chart:not([hidden]) .hint")).to_have_count(0)
    boxes = page.locator(".textpoint text").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect()).map(({ left, right, top, bottom }) => [left, right, top, bottom])")
    pairs = [(a, b) for place, a in enumerate(boxes) for b in boxes[:place]]
    assert len(boxes) >= 2 and not [1 for a, b in pairs if a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]]
    assert "drive" not in page.inner_text("main") and not wider_than_the_window(page) and findings(page) == []
