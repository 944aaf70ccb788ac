"""The planner in a real browser: sliders move the best plan and the band at once, rules are kept, the address holds it all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.waiting import address
from tests.portal import Portal, open_tab, until

pytestmark = pytest.mark.browser
NETWORK, OTHER = "plannable", "plannable too"
# Seconds of four blocks, and what would be sent behind each: the board alone takes 400 ms, the box 40.
BOARDS = {"slow-board": ("device", (0.1, 0.1, 0.1, 0.1)), "near-box": ("edge", (0.01, 0.01, 0.01, 0.01)),
          "far-server": ("cloud", (0.002, 0.002, 0.002, 0.002))}
SENT = (50_000, 200_000, 100_000, 4_000)
LINKS = {("slow-board", "near-box"): (10, 1), ("near-box", "far-server"): (20, 100)}
DEVICE = ("insert into devices_device (id, team_id, created, name, tier, hardware, os, accelerators, location, host, retired, "
          "shared, draining, busy, runtimes, labels, health) select %s, id, now(), %s, %s, '', '', '', '', '', false, false, "
          "false, false, '{}', '[]', '{}' from accounts_team where is_sample")
PROFILE = ("insert into devices_profile (id, team_id, device_id, created, network, engine, threads, batch, origin, blocks, "
           "total_ms, form, file_name, place, body) select %s, team_id, id, now(), %s, 'onnxruntime', 1, 1, 'measured', 4, %s, "
           "'house', '', 0, %s from devices_device where id = %s")
LINK = ("insert into devices_link (id, team_id, created, source_id, target_id, latency_ms, bandwidth_mbps, origin, at) "
        "select %s, team_id, now(), id, %s, %s, %s, 'typed', now() from devices_device where id = %s")
COUNTED = """() => { window.most = window.out = window.asked = 0; const plain = window.fetch;
  window.fetch = async (...all) => { asked += 1; out += 1; most = Math.max(most, out);
    try { return await plain(...all); } finally { out -= 1; } }; }"""

TIMED = """() => { window.times = []; const plain = window.fetch;
  window.fetch = (...all) => { times.push(performance.now()); return plain(...all); }; }"""


def body(seconds: tuple[float, ...], network: str = NETWORK) -> str:
    blocks = [{"first": f"conv{at}", "last": f"relu{at}", "seconds": each, "output_bytes": sent}
              for at, (each, sent) in enumerate(zip(seconds, SENT, strict=True), 1)]
    return json.dumps({"network": network, "blocks": blocks, "input_bytes": 600_000, "engine": "onnxruntime", "threads": 1,
                       "batch": 1, "sha256": "ab" * 32, "origin": "measured", "noisy": False})


@pytest.fixture(scope="module")
def boards(portal: Portal) -> Iterator[dict[str, str]]:
    ids = {name: str(uuid4()) for name in BOARDS}
    for name, (tier, seconds) in BOARDS.items():
        portal.sql(DEVICE, ids[name], name, tier)
        if tier != "device":
            portal.sql(PROFILE, str(uuid4()), OTHER, 1e3 * sum(seconds), body(seconds, OTHER), ids[name])
        portal.sql(PROFILE, str(uuid4()), NETWORK, 1e3 * sum(seconds), body(seconds), ids[name])
    for (source, target), (latency_ms, mbps) in LINKS.items():
        portal.sql(LINK, str(uuid4()), ids[target], latency_ms, mbps, ids[source])
    yield ids
    for table, column in (("plans_savedplan", "network"), ("devices_profile", "network")):
        portal.sql(f"delete from {table} where {column} = any(%s)", [NETWORK, OTHER])
    portal.sql("delete from devices_link where source_id = any(%s::uuid[])", list(ids.values()))
    portal.sql("delete from devices_device where id = any(%s::uuid[])", list(ids.values()))


@pytest.fixture
def planner(page: Any, portal: Portal, boards: dict[str, str]) -> Any:
    page.goto(f"{portal.address}/planner/?network={NETWORK}")
    page.wait_for_selector(".plan.best")
    return page


def slider(page: Any, boards: dict[str, str], kind: str = "mbps") -> Any:
    found = page.locator(f"input[data-of='{kind}.{boards['slow-board']}.{boards['near-box']}']")
    way = page.locator(f"details[data-way='{boards['slow-board']}.{boards['near-box']}']")
    if way.get_attribute("open") is None:
        way.locator("summary").click()
    return found


def verdict(page: Any) -> str:
    return str(page.inner_text("#verdict b"))


def test_a_slider_moved_by_keys_changes_the_best_plan_and_the_mark_of_the_band(planner: Any, boards: dict[str, str]) -> None:
    assert "All blocks on slow-board" in verdict(planner)
    moved = slider(planner, boards)
    moved.focus()
    for _ in range(60):
        planner.keyboard.press("ArrowRight")
    until(lambda: "near-box" in planner.inner_text(".plan.best .unseen >> nth=-1"), 30, "a split")
    until(lambda: "slow-board to near-box" in planner.inner_text("#band-title"), 30, "the band of the link that is moved")
    first = planner.get_attribute("#band-now", "x1")
    planner.keyboard.press("Home")
    planner.wait_for_function("first => document.getElementById('band-now')?.getAttribute('x1') !== first", arg=first)
    until(lambda: "All blocks on slow-board" in verdict(planner), 30, "the board alone again")
    assert "trial" in planner.inner_text(f"details[data-way='{boards['slow-board']}.{boards['near-box']}']")
    assert planner.evaluate("document.activeElement.type") == "range", "the focus stays where it was"


def test_a_slider_dragged_by_a_mouse_asks_one_question_at_a_time_and_shows_the_last(planner: Any, boards: dict[str, str]) -> None:
    planner.evaluate(COUNTED)
    moved = slider(planner, boards)
    moved.scroll_into_view_if_needed()
    box = moved.bounding_box()
    planner.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    planner.mouse.down()
    planner.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2, steps=40)
    planner.mouse.up()
    value = planner.input_value(f"[id='mbps.{boards['slow-board']}.{boards['near-box']}']")
    until(lambda: f",{value}&" in address(planner), 30, "the address of what is shown")
    until(lambda: planner.evaluate("out") == 0, 30, "nothing is on its way")
    assert planner.evaluate("most") == 1 and planner.evaluate("asked") < 41
    assert float(planner.get_attribute("#band-now", "data-value")) == float(value)


def test_all_that_is_looked_at_stands_in_the_address(planner: Any, boards: dict[str, str]) -> None:
    planner.check("input[name=rule][value='raw input stays']")
    slider(planner, boards, "ms").fill("200")
    planner.uncheck(f"#d-{boards['far-server']}")
    wanted = ("rule=raw+input+stays", boards["near-box"], "link=", "device=")
    until(lambda: (now := address(planner)) and all(each in now for each in wanted) and boards["far-server"] not in now, 30,
          "the address")
    before = (verdict(planner), planner.input_value(f"[id='ms.{boards['slow-board']}.{boards['near-box']}']"))
    planner.reload()
    expect(planner.locator("#verdict b")).to_have_text(before[0])
    assert planner.input_value(f"[id='ms.{boards['slow-board']}.{boards['near-box']}']") == before[1]
    assert planner.is_checked("input[name=rule][value='raw input stays']")
    assert not planner.is_checked(f"#d-{boards['far-server']}")
    planner.click("a[href='/devices/']")
    planner.wait_for_url("**/devices/")
    planner.go_back()
    planner.wait_for_selector(".plan.best")
    expect(planner.locator("#verdict b")).to_have_text(before[0])


def test_another_network_is_planned_on_all_the_devices_that_know_it(planner: Any, boards: dict[str, str]) -> None:
    planner.uncheck(f"#d-{boards['far-server']}")
    planner.wait_for_function("id => !document.getElementById(`d-${id}`)?.checked", arg=boards["far-server"])
    planner.select_option("#network", OTHER)
    planner.wait_for_function("id => !document.getElementById(`d-${id}`)", arg=boards["slow-board"])
    assert planner.is_checked(f"#d-{boards['far-server']}") and "device=" not in address(planner)
    assert "near-box" in verdict(planner) and planner.locator(".plan.best").count() == 1


def test_what_is_wrong_with_a_rule_stands_at_it_and_the_last_answer_stays(planner: Any, boards: dict[str, str]) -> None:
    planner.fill("#rule-typed", "near-box takes ages")
    planner.press("#rule-typed", "Enter")
    line = planner.locator(".rule.line")
    until(lambda: "a rule is a line such as" in line.inner_text(), 30, "the fault")
    assert line.locator("input").input_value() == "near-box takes ages" and planner.locator(".plan.best").count() == 1
    assert planner.locator("#planner.is-old").count() == 1
    line.locator("input").fill("near-box takes at most 15 ms")
    until(lambda: planner.locator("#planner.is-old").count() == 0 and line.locator(".error").is_hidden(), 30, "it is mended")
    assert "takes+at+most+15+ms" in address(planner)


def test_rules_in_conflict_are_named_and_one_is_dropped(planner: Any) -> None:
    planner.click("#builder summary")
    for kind in ("use", "leave out"):
        planner.select_option("#b-kind", kind)
        planner.select_option("#b-where", "edge")
        planner.click("#b-add")
    planner.wait_for_selector(".conflict")
    assert planner.locator(".conflict code").all_inner_texts() == ["use edge", "leave out edge"]
    planner.click(".conflict li:has-text('use edge') button >> nth=0")
    until(lambda: planner.locator(".plan.best").count() == 1 and "use+edge" not in address(planner), 30, "a plan again")
    assert "leave+out+edge" in address(planner)


def test_the_best_plan_is_saved_and_leads_to_its_page(planner: Any, portal: Portal) -> None:
    planner.click("#save summary")
    planner.fill("#save-name", "split as tried")
    planner.click("#save form button")
    planner.wait_for_url("**/planner/saved/*/")
    assert "split as tried" in planner.inner_text("h1")


def test_who_does_not_answer_leaves_the_last_answer_in_sight_and_is_asked_again(planner: Any, boards: dict[str, str]) -> None:
    silent = "<div id='verdict'></div><div id='result'><script id='planner-state' type='application/json'>%s</script></div>"
    told = json.dumps({"query": "", "faults": {}, "ways": {}, "silent": True, "late": False, "used": [], "verdict": ""})
    planner.route("**/planner/part/**", lambda route: route.fulfill(status=200, content_type="text/html", body=silent % told))
    planner.check("input[name=rule][value='raw input stays']")
    planner.wait_for_selector(".planner-old")
    assert "does not answer" in planner.inner_text(".planner-old") and planner.locator(".plan.best").count() == 1
    planner.unroute("**/planner/part/**")
    until(lambda: planner.locator(".planner-old").count() == 0, 30, "it answers again")
    assert "rule=raw+input+stays" in address(planner)


def test_what_was_superseded_is_asked_again_after_a_pause(planner: Any) -> None:
    planner.evaluate(TIMED)
    planner.route("**/planner/part/**", lambda route: route.fulfill(status=204))
    planner.check("input[name=rule][value='raw input stays']")
    until(lambda: planner.evaluate("times.length") >= 2, 30, "it is asked again")
    assert planner.evaluate("times[1] - times[0]") > 800 and planner.locator(".planner-old").count() == 0
    planner.unroute("**/planner/part/**")
    until(lambda: "rule=raw+input+stays" in address(planner), 30, "it is answered")


def test_the_band_and_the_plans_have_their_tables(planner: Any) -> None:
    planner.click(".band-card .tabled summary")
    assert planner.locator(".band-card table tbody tr").count() == planner.locator(".band [data-part]").count() >= 2
    planner.locator(".plan summary").first.press("Enter")
    expect(planner.locator(".plan.best table")).to_contain_text("conv1 … relu4", use_inner_text=True)
    part = planner.locator(".band [data-part]").first
    part.focus()
    until(lambda: planner.inner_text("#band-told") == part.get_attribute("aria-label"), 30, "what the focus rests on")


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=lambda way: f"{way[0]}-{way[1]}")
def tab(chromium: Any, portal: Portal, request: pytest.FixtureRequest) -> Iterator[Any]:
    width, scheme = request.param
    yield from open_tab(chromium, portal, viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce")


def test_it_is_accessible_and_fits(tab: Any, portal: Portal, boards: dict[str, str]) -> None:
    way = f"{boards['slow-board']},{boards['near-box']},10,30"
    tab.goto(f"{portal.address}/planner/?network={NETWORK}&link={way}&pareto=on&rule=use+near-box&rule=raw+input+stays")
    tab.wait_for_selector(".plan.best")
    tab.locator(".plan summary").first.click()
    tab.click(".band-card .tabled summary")
    tab.click("#builder summary")
    assert findings(tab) == [] and wider_than_the_window(tab) == 0


def test_without_javascript_the_form_works(chromium: Any, portal: Portal, boards: dict[str, str]) -> None:
    for tab in open_tab(chromium, portal, java_script_enabled=False):
        tab.goto(f"{portal.address}/planner/?network={NETWORK}")
        tab.check("input[name=rule][value='raw input stays']")
        tab.fill("#rule-typed", "use near-box")
        tab.click("[data-plan]")
        tab.wait_for_url("**rule=raw+input+stays**rule=use+near-box**")
        assert tab.locator(".plan.best").count() == 1
