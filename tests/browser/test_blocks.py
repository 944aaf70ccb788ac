"""A network block by block on a device, devices side by side, and what moves by itself: table, bars and graph go together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.waiting import address, at_rest
from tests.portal import Portal, until

pytestmark = pytest.mark.browser
COPIED = ("team_id, created, network, variant, engine, threads, batch, blocks, total_ms, form, file_name, place, body")
LIT = """plot => plot.data.map((bars) => bars.selectedpoints ?? [])"""


@pytest.fixture(scope="module")
def profile(portal: Portal) -> str:
    """The page of a profile that a run left."""
    run = portal.launch("benchmarking.layers", repeats="6", seconds="0")
    portal.wait(run, "finished")
    network = portal.one("devices_profile", "variant", "made_by = %s", run)
    portal.http.get(f"/models/variants/{network}/structure/")
    until(lambda: portal.one("catalog_variant", "structure_id", "id = %s", network) != "None", 120, "the network described")
    device, pk = portal.sql("select device_id, id from devices_profile where made_by = %s", run)[0]
    return f"/devices/{device}/profiles/{pk}/"


@pytest.fixture(scope="module")
def twin(portal: Portal, profile: str) -> str:
    """Another device of which the same network was predicted; the address of both side by side."""
    _, _, device, _, pk, _ = profile.split("/")
    (network, body), = portal.sql("select network, body from devices_profile where id = %s", pk)
    body = body if isinstance(body, dict) else json.loads(body)
    portal.sql("insert into devices_device (id, team_id, created, name, tier, hardware, os, accelerators, location, host, "
               "retired, shared, draining, busy, runtimes, labels, health) select gen_random_uuid(), team_id, now(), 'nano', "
               "tier, '', '', '', '', '', false, false, false, false, '{}', '[]', '{}' from devices_device where id = %s", device)
    portal.sql(f"insert into devices_profile (id, device_id, origin, {COPIED}) select gen_random_uuid(), d.id, 'predicted', "
               f"{', '.join('p.' + name.strip() for name in COPIED.split(','))} from devices_profile p join devices_device d on "
               "d.name = 'nano' where p.id = %s", pk)
    portal.sql("update devices_profile set body = %s where origin = 'predicted'", json.dumps(body | {"origin": "predicted"}))
    other = portal.one("devices_device", "id", "name = 'nano'")
    return f"/devices/compare/?network={network}&device={device}&device={other}"


@pytest.fixture
def opened(page: Any, portal: Portal, profile: str) -> Any:
    page.goto(portal.address + profile)
    page.wait_for_selector("#blocks-graph svg.network.moves")
    page.wait_for_selector(".chart .barlayer .point")
    return page


def lit(page: Any) -> list[list[int]]:
    return list(page.locator(".plot").first.evaluate(LIT))


def test_a_row_under_the_pointer_lights_its_bar_and_its_layers_until_it_is_left(opened: Any) -> None:
    opened.hover("tr[data-block='2'] th")
    until(lambda: lit(opened) == [[1]], 30, "the bar of block 2")
    name = opened.inner_text("tr[data-block='2'] a").split(" … ")[0]
    assert opened.locator(f"#blocks-graph .n.on[data-name='{name}']").count() == 1
    opened.hover("h1")
    opened.mouse.move(2, 2)
    opened.hover("#blocks-title")
    until(lambda: lit(opened) == [[]], 30, "all alike again")
    assert opened.locator("#blocks-graph .n.on").count() == 0


def test_a_row_that_has_the_focus_is_lit_too(opened: Any) -> None:
    opened.focus("tr[data-block='3'] a")
    until(lambda: lit(opened) == [[2]], 30, "the bar of block 3")


def test_a_click_on_a_row_stays_in_the_address_and_after_a_reload(opened: Any) -> None:
    opened.click("tr[data-block='2'] a")
    until(lambda: "block=2" in address(opened), 30, "the address")
    assert opened.locator("tr.picked").get_attribute("data-block") == "2"
    until(lambda: "Block 2" in opened.inner_text("#blocks-said"), 30, "the words for who does not see it")
    opened.reload()
    opened.wait_for_selector("#blocks-graph .n.on")
    until(lambda: opened.locator(".plot .barlayer").count() and lit(opened) == [[1]], 30, "the chosen bar")
    opened.click("tr[data-block='2'] a")
    until(lambda: "block=" not in address(opened), 30, "chosen again, it is let go")


def test_a_layer_of_the_graph_leads_back_to_its_row_and_bar(opened: Any) -> None:
    opened.locator("#blocks-graph [data-name]").first.click()
    until(lambda: opened.locator("tr.picked").count() == 1, 30, "its row")
    assert opened.locator("tr.picked").get_attribute("data-block") == "1"
    until(lambda: lit(opened) == [[0]], 30, "its bar")


def test_a_bar_leads_to_its_row_and_layers(opened: Any) -> None:
    box = at_rest(opened.locator(".barlayer .point").nth(1))
    opened.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2)
    until(lambda: opened.locator("tr.picked[data-block='2']").count() == 1, 30, "the row of the bar")
    assert opened.locator("#blocks-graph .n.on").count() > 0


def test_the_page_of_a_profile_is_accessible_and_fits(opened: Any) -> None:
    assert findings(opened) == [] and wider_than_the_window(opened) == 0
    opened.set_viewport_size({"width": 390, "height": 800})
    until(lambda: wider_than_the_window(opened) == 0, 30, "nothing wider than a phone")


def test_two_devices_stand_side_by_side_and_the_predicted_one_is_hatched(page: Any, portal: Portal, twin: str) -> None:
    page.goto(portal.address + twin)
    page.wait_for_selector(".chart .barlayer .point")
    shapes = page.locator(".plot").first.evaluate("plot => plot.data.map((bars) => bars.marker.pattern?.shape ?? '')")
    assert shapes == ["", "/"] and "nano, predicted" in page.inner_text(".legend")
    page.hover("#lines tr[data-block='2'] th")
    until(lambda: lit(page) == [[1], [1]], 30, "the bars of both devices")
    assert findings(page) == [] and wider_than_the_window(page) == 0
    page.set_viewport_size({"width": 390, "height": 800})
    until(lambda: wider_than_the_window(page) == 0, 30, "nothing wider than a phone")


def test_devices_are_picked_by_keys_and_compared(page: Any, portal: Portal, twin: str) -> None:
    page.goto(f"{portal.address}/devices/")
    known = {"this computer", "nano"}
    for name in page.locator("tr[data-row] th a[title]").all_inner_texts():
        page.keyboard.press("j")
        if name in known:
            page.keyboard.press("x")
    assert page.locator("input[data-pick]:checked").count() == 2
    page.keyboard.press("c")
    page.wait_for_url("**/devices/compare/?device=*")
    page.wait_for_selector("#totals")


def test_a_change_of_state_shows_without_a_reload(page: Any, portal: Portal, profile: str) -> None:
    device = profile.split("/")[2]
    page.goto(f"{portal.address}/devices/{device}/")
    page.wait_for_selector("#device-state .is-online, #device-state .is-busy")
    page.evaluate("window.same = true")
    portal.post(f"/devices/{device}/drain/", {"on": "1"})
    page.wait_for_selector("#device-state .is-draining")
    page.wait_for_selector("#health .is-draining")
    assert "draining" in page.inner_text("#devices-said")
    portal.post(f"/devices/{device}/drain/", {"on": "0"})
    page.wait_for_selector("#device-state .is-online")
    assert page.evaluate("window.same") is True
    assert findings(page) == []


def test_a_models_page_draws_a_pareto_line_for_each_device(page: Any, portal: Portal, finished: str) -> None:
    model = portal.one("catalog_registeredmodel", "id", "name = 'LeNet-5'")
    page.goto(f"{portal.address}/models/{model}/")
    page.wait_for_selector("#pareto .main-svg")
    until(lambda: page.locator("#pareto .plot").evaluate("plot => plot.data?.some((trace) => trace.error_x)"), 30, "error bars")
    assert "Pareto of each device" in page.inner_text("#pareto .legend")
    assert findings(page) == [] and wider_than_the_window(page) == 0
    page.click("#pareto a:text-is('size')")
    page.wait_for_url("**against=size*")
    page.wait_for_selector("#pareto a[aria-current]:text-is('size')")
