"""A plan that is run, in a real browser: from an address that has the plan to a page that draws it, predicted beside measured."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings, wider_than_the_window
from tests.portal import Portal

pytestmark = pytest.mark.browser
PLAN = {"plan": "pi until pool1\nedge until relu3\ncloud",
        "between": "pi to edge: 4 ms, 20 Mbit/s\nedge to cloud: 2 ms, 100 Mbit/s"}


def test_a_plan_in_an_address_is_run_and_drawn(page: Any, portal: Portal) -> None:
    page.goto(f"{portal.address}/experiments/new/partitioning.slices/?{urlencode(PLAN)}")
    page.select_option("#id_model", label="LeNet-5 · initialised")
    page.select_option("#id_dataset", label="digits")
    page.click("text=Start the run")
    page.wait_for_url("**/runs/**")
    run = re.findall(r"[0-9a-f-]{36}", page.url)[0]
    portal.wait(run, "finished")
    summary = portal.run(run)["summary"]
    assert summary["bit_equal"] and summary["parts"] == 3 and summary["split_latency_ms"] > 6
    page.reload()
    for kind, drawn in (("lanes", 2 * 5), ("bars", 2 * 5)):
        page.wait_for_selector(f".chart[data-kind={kind}] .main-svg")
        expect(page.locator(f".chart[data-kind={kind}] .bars .point")).to_have_count(drawn)
    for word in ("pi", "edge", "cloud", "on the way"):
        expect(page.locator(".chart[data-kind=lanes] .legend")).to_contain_text(word)
    assert "through 3 parts over 2 emulated links" in page.inner_text("main")
    assert not findings(page)
    page.set_viewport_size({"width": 390, "height": 800})
    assert wider_than_the_window(page) == 0


def test_a_click_on_a_place_to_cut_writes_it_into_the_plan(page: Any, portal: Portal) -> None:
    page.goto(f"{portal.address}/experiments/new/partitioning.slices/")
    page.select_option("#id_model", label="LeNet-5 · initialised")
    page.click("#cuts-plan summary")
    for layer in ("pool1", "relu3"):
        page.click(f'#cuts-plan [data-cut="{layer}"]')
    assert page.input_value("#id_plan") == "device until pool1\nedge until relu3\ncloud"
    page.fill("#id_plan", "pi until pool9\nedge")
    page.wait_for_selector(".promise li:has-text(\"the network has no layer 'pool9'\")")
    page.locator("#id_plan").press("Control+Home")  # The line of the cursor is the one that is cut.
    page.click('#cuts-plan [data-cut="pool2"]')
    assert page.input_value("#id_plan") == "pi until pool2\nedge"
    page.wait_for_selector(".promise li:has-text(\"no layer 'pool9'\")", state="detached")
    assert not findings(page)
