"""Transfer layers on the planner's page, and a joint plan that is kept, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.test_planner import NETWORK, boards  # noqa: F401  a fixture
from tests.browser.waiting import address
from tests.portal import Portal, until

pytestmark = pytest.mark.browser
OFFER = ("insert into plans_transferoffer (id, team_id, created, network, dataset, device_id, made_by, place, body) "
         "select %s, team_id, now(), %s, 'digits', id, %s, 0, %s from devices_device where id = %s")
BODY = {"network": NETWORK, "after": "relu1", "layer": "max-pool, int8", "bytes": 1_500, "raw_bytes": 50_000, "down_s": 0.004,
        "convert_s": 0.001, "up_s": 0.002, "device": "slow-board", "accuracy": 0.93, "accuracy_whole": 0.95, "n": 500,
        "dataset": "digits"}


@pytest.fixture
def offered(portal: Portal, boards: dict[str, str]) -> Iterator[Portal]:  # noqa: F811
    portal.sql(OFFER, str(uuid4()), NETWORK, str(uuid4()), json.dumps(BODY), boards["slow-board"])
    yield portal
    for table in ("plans_savedplan", "plans_transferoffer"):
        portal.sql(f"delete from {table} where network = %s", NETWORK)


def test_what_a_layer_may_cost_is_typed_and_the_best_plan_has_one(page: Any, offered: Portal) -> None:
    page.goto(f"{offered.address}/planner/?network={NETWORK}")
    expect(page.locator("#max_drop-help")).to_contain_text("1 was measured for plannable and costs 2 points")
    expect(page.locator("#verdict")).not_to_contain_text("max-pool")
    page.fill("#max_drop", "2")
    expect(page.locator("#verdict")).to_contain_text("with max-pool, int8 behind relu1")
    expect(page.locator("#verdict")).to_contain_text("It costs 2 points of accuracy: 93 % instead of 95 % of 500 test images")
    until(lambda: "max_drop=2" in address(page), 30, "the address says it")
    page.click(".plan.best summary")
    expect(page.locator(".plan.best .caption").first).to_contain_text("1.50 kB instead of 50 kB; its halves take")
    assert not findings(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert not wider_than_the_window(page)


def test_what_is_no_number_is_said_at_its_field_and_the_last_answer_stays(page: Any, offered: Portal) -> None:
    page.goto(f"{offered.address}/planner/?network={NETWORK}&max_drop=2")
    expect(page.locator("#verdict")).to_contain_text("max-pool")
    page.fill("#max_drop", "much")
    expect(page.locator("[data-fault=max_drop]")).to_contain_text("points of accuracy from 0 to 100")
    assert page.input_value("#max_drop") == "much" and page.locator(".plan.best").count() == 1
    expect(page.locator("#save")).to_be_hidden()


def test_a_version_is_looked_at_kept_and_found_again(page: Any, offered: Portal) -> None:
    page.goto(f"{offered.address}/planner/joint/?network={NETWORK}")
    page.wait_for_selector(".joint-bar.best")
    page.locator("a[data-show*='max-pool']").click()
    expect(page.locator("#choice-title")).to_contain_text("max-pool, int8 behind relu1")
    expect(page.locator("#save [name=plan]")).to_have_value("plannable/layer/relu1/max-pool, int8")
    page.click("#save > summary")
    page.fill("#save-name", "for the hall")
    page.click("#save button.primary")
    page.wait_for_selector("h1:has-text('for the hall')")
    expect(page.locator(".verdict")).to_contain_text("of plannable with max-pool, int8 behind relu1, 93 % right")
    assert not findings(page)
    page.click("a:has-text('Open in joint plans')")
    expect(page.locator("#choice-title")).to_contain_text("max-pool, int8 behind relu1")
    page.goto(f"{offered.address}/planner/saved/")
    expect(page.locator("tr", has_text="for the hall")).to_contain_text("joint plan")
    assert not findings(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert not wider_than_the_window(page)
