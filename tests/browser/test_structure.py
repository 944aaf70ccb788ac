"""The pages about a network's structure in a browser: graph, table and chosen layer go together, and stand in the address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.waiting import at_rest
from tests.portal import Portal, open_tab, until

pytestmark = pytest.mark.browser
VIEW = "document.querySelector('#graph svg.network').getAttribute('viewBox').split(' ').map(Number)"


def variant(portal: Portal, where: str = "v.made_by is null and m.name = 'LeNet-5'") -> str:
    return portal.one("catalog_variant v join catalog_registeredmodel m on m.id = v.model_id", "v.id", where)


@pytest.fixture(scope="module")
def pruned(portal: Portal) -> str:
    """The difference that a pruning made."""
    run = portal.launch("pruning.reconvene", epochs=0)
    portal.wait(run, "finished")
    made = portal.one("catalog_variant", "id", "made_by = %s and name like 'reconvene%%'", run)
    parent = portal.one("catalog_variant", "parent_id", "id = %s", made)
    return f"/models/variants/{parent}/difference/{made}/"


def asked(page: Any) -> str:
    return str(page.evaluate("location.search"))


@pytest.fixture
def net(page: Any, portal: Portal) -> Any:
    """The page of a network that is described, its graph drawn."""
    opened(page, portal)
    return page


def opened(page: Any, portal: Portal, query: str = "") -> None:
    page.goto(f"{portal.address}/models/variants/{variant(portal)}/{query}")
    page.wait_for_selector("#graph svg.network.moves")


def test_the_waiting_panel_becomes_the_structure_by_itself(page: Any, portal: Portal) -> None:
    portal.sql("update catalog_variant set structure_id = null where id = %s", variant(portal))
    answer = page.goto(f"{portal.address}/models/variants/{variant(portal)}/")
    assert 'id="structure" aria-labelledby="structure-title" aria-busy="true"' in answer.text()
    page.wait_for_selector("#graph svg.network.moves")
    page.wait_for_selector(".chart .main-svg")


def test_a_click_on_a_box_tells_all_of_its_layer_and_stands_in_the_address(net: Any) -> None:
    box = net.locator("#graph [data-name]").nth(1)
    name = box.get_attribute("data-name")
    box.click()
    net.wait_for_selector(f"#chosen h3:has-text('{name}')")
    assert f"node={name}" in asked(net) and name in net.inner_text("#layers tr.picked")
    net.reload()
    net.wait_for_selector("#graph .n.on")
    assert net.get_attribute("#graph .n.on", "data-name") == name


def test_a_layer_of_the_table_is_ringed_in_the_graph(net: Any) -> None:
    link = net.locator("#layers tbody a[data-node]").last
    link.click()
    until(lambda: net.locator("#graph .n.on").count() == 1, 30, "the ring")
    assert net.get_attribute("#graph .n.on", "data-name") == link.get_attribute("data-node")


def test_more_results_across_make_more_places_and_stand_in_the_address(net: Any) -> None:
    net.select_option("#heat", "params")
    net.select_option("#most", "2")
    net.wait_for_selector("#cuts-card th:has-text('results')")
    assert "most=2" in asked(net) and "heat=params" in asked(net) and net.input_value("#most") == "2"
    net.select_option("#most", "1")
    until(lambda: net.locator("#cuts-card th:has-text('results')").count() == 0, 30, "the cuts of one result")
    assert "most" not in asked(net) and net.locator("#cuts-card tr[data-row]").count() > 0


def test_a_search_dims_what_it_does_not_find_in_graph_and_table(net: Any) -> None:
    net.fill("#layer-search", "conv2d")
    until(lambda: "q=conv2d" in asked(net), 30, "the search in the address")
    net.wait_for_selector("#layers header small:has-text(' of ')")
    shown = net.locator("#graph [data-name]:not(.dim)").count()
    assert 0 < shown == net.locator("#layers tbody tr").count() < net.locator("#graph [data-name]").count()


def test_heat_colours_boxes_and_cells_and_shows_its_scale(net: Any) -> None:
    net.select_option("#heat", "macs")
    net.wait_for_selector("#graph .n.h5")
    net.wait_for_selector("#layers td.h5")
    assert net.is_visible("[data-scale=macs]") and not net.is_visible("[data-scale=params]") and "heat=macs" in asked(net)


def test_the_graph_goes_by_keyboard(net: Any) -> None:
    net.focus("#graph")
    net.keyboard.press("ArrowDown")
    net.keyboard.press("ArrowDown")
    second = net.locator("#graph [data-name]").nth(1).get_attribute("data-name")
    net.wait_for_selector(f"#chosen h3:has-text('{second}')")
    before = net.evaluate(VIEW)
    net.keyboard.press("+")
    assert net.evaluate(VIEW)[2] < before[2]
    net.keyboard.press("0")
    height = float(net.get_attribute("#graph svg.network", "height"))
    assert net.evaluate(VIEW)[3] >= height


def test_the_graph_is_dragged_and_zoomed_by_mouse(net: Any) -> None:
    net.locator("#graph").scroll_into_view_if_needed()
    net.wait_for_selector(".chart .main-svg")
    box = at_rest(net.locator("#graph"))
    net.mouse.move(box["x"] + 30, box["y"] + 160)
    before = net.evaluate(VIEW)
    net.mouse.down()
    net.mouse.move(box["x"] + 30, box["y"] + 80, steps=4)
    net.mouse.up()
    assert net.evaluate(VIEW)[1] > before[1] and "node=" not in asked(net)
    net.get_by_role("button", name="Zoom in").click()
    assert net.evaluate(VIEW)[2] < before[2]


def test_a_head_of_the_table_sorts_without_leaving_the_page(net: Any) -> None:
    net.evaluate("window.stayed = true")
    net.locator("#layers thead a", has_text="parameters").click()
    net.wait_for_selector("#layers th[aria-sort=descending]")
    cells = "rows => rows.map(row => row.children[4]).map(cell => cell.querySelector('data')?.value ?? cell.textContent.trim())"
    numbers = [int(text) for text in net.eval_on_selector_all("#layers tbody tr", cells) if text]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) > 2
    assert "sort=params" in asked(net) and net.evaluate("window.stayed")


def test_both_charts_are_drawn_and_their_table_has_every_layer(net: Any) -> None:
    net.wait_for_selector(".chart .main-svg")
    memory = net.locator(".chart", has_text="Memory along the network")
    memory.get_by_role("button", name="table").click()
    assert memory.locator(".data tbody tr").count() == net.locator("#graph [data-name]").count()


def test_a_pruning_is_told_layer_by_layer_and_both_graphs_move_together(page: Any, portal: Portal, pruned: str) -> None:
    page.goto(portal.address + pruned)
    page.wait_for_selector("[data-graph=after] svg.network.moves")
    page.wait_for_selector("[data-graph=before] svg.network.moves")
    assert page.locator("#rows tbody .change.is-narrowed").count() > 0
    page.get_by_role("button", name="next change").click()
    until(lambda: page.locator(".n.on").count() == 2, 30, "the same layer in both")
    chosen = page.eval_on_selector_all(".n.on", "nodes => nodes.map(node => node.dataset.name)")
    assert chosen[0] == chosen[1]


def test_without_scripts_the_page_still_says_everything(chromium: Any, portal: Portal, net: Any) -> None:
    for tab in open_tab(chromium, portal, java_script_enabled=False):
        tab.goto(f"{portal.address}/models/variants/{variant(portal)}/?q=conv&sort=params&down=on")
        assert tab.locator("#layers tbody tr").count() > 0 and tab.locator("#layers th[aria-sort=descending]").count() == 1
        tab.locator("#layers tbody a[data-node]").first.click()
        tab.wait_for_url(re.compile("node="))
        assert "layer" in tab.inner_text("#chosen")


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=lambda way: f"{way[0]}-{way[1]}")
def tab(chromium: Any, portal: Portal, request: pytest.FixtureRequest) -> Iterator[Any]:
    width, scheme = request.param
    yield from open_tab(chromium, portal, viewport={"width": width, "height": 844}, color_scheme=scheme,
                        reduced_motion="reduce")


def test_a_networks_page_is_accessible_and_fits_in_every_heat(tab: Any, portal: Portal) -> None:
    wrong: dict[str, object] = {}
    for query in ("", "?heat=macs&node=conv1", "?heat=living_bytes&q=conv", "?q=nothing+like+this"):
        opened(tab, portal, query)
        tab.wait_for_selector(".chart .main-svg")
        if found := findings(tab):
            wrong[query] = found
        if over := wider_than_the_window(tab):
            wrong[f"{query} is too wide"] = over
    assert not wrong, wrong


def test_differences_are_accessible_and_fit(tab: Any, portal: Portal, pruned: str) -> None:
    wrong: dict[str, object] = {}
    other = variant(portal, "m.name = 'VGG-11' and v.made_by is null")
    picker = f"/models/variants/{variant(portal)}/difference/"
    for path in (pruned, f"{pruned}?kind=all", f"{picker}{other}/", picker):
        tab.goto(portal.address + path)
        if not path.endswith("/difference/"):
            tab.wait_for_selector("[data-graph=after] svg.network.moves")
        if found := findings(tab):
            wrong[path] = found
        if over := wider_than_the_window(tab):
            wrong[f"{path} is too wide"] = over
    assert not wrong, wrong
