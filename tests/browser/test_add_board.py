"""Adding a board in a real browser: one line, which a reload shows again, and a panel that turns into the board as it joins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from apps.devices import agent_wheel
from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.waiting import another_page
from tests.portal import Portal, open_tab, until

pytestmark = pytest.mark.browser


@pytest.fixture
def tab(chromium: Any, portal: Portal) -> Iterator[Any]:
    yield from open_tab(chromium, portal, viewport={"width": 390, "height": 844}, color_scheme="dark")


def fits(page: Any) -> None:
    assert findings(page) == [] and wider_than_the_window(page) == 0, page.url


def join(portal: Portal, code: str, instance: str) -> dict[str, Any]:
    said = {"code": code, "instance": instance, "version": agent_wheel.speaks(), "name": "shelf board",
            "hardware": "Raspberry Pi 4", "os": "Debian 12",
            "cores": 4, "memory_bytes": 4_000_000_000, "runtimes": {"onnxruntime": "1.31.1"}}
    answer = httpx.post(f"{portal.address}/api/agent/join", json=said)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def beat(portal: Portal, token: str, instance: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "X-EdgePortal-Agent": agent_wheel.speaks(), "X-EdgePortal-Instance": instance}
    return httpx.post(f"{portal.address}/api/agent/beat", headers=headers,
                      json={"activity": "busy", "health": {"temperature_c": 51.5, "governor": "ondemand"}})


def test_the_panel_turns_into_the_board_as_it_joins(tab: Any, portal: Portal) -> None:
    tab.goto(f"{portal.address}/devices/")
    tab.click("text=Add a board")
    tab.fill("#id_boards", "0")
    tab.fill("#id_location", "lab 2, shelf B")
    with another_page(tab):
        tab.click("text=Make the line")
    assert tab.input_value("#id_location") == "lab 2, shelf B" and tab.locator(".error").count() == 1
    fits(tab)
    tab.fill("#id_boards", "2")
    with another_page(tab):
        tab.click("text=Make the line")
    line = tab.inner_text("#join-line")
    tab.reload()
    assert tab.inner_text("#join-line") == line and "Waiting for the board" in tab.inner_text("#board-panel")
    fits(tab)
    [code] = re.findall(r"-- (\S{4}-\S{4}-\S{4})", line)
    board = join(portal, code, "instance-0001")
    tab.wait_for_selector("[data-board]")
    until(lambda: "The board has joined" in tab.inner_text("#board-said"), 30, "the words for who does not see it")
    expect(tab.locator("[data-copy=join-line]")).to_be_visible()
    assert "shelf board" in tab.inner_text("[data-board]") and "1 more board can join" in tab.inner_text("#board-panel")
    assert beat(portal, board["token"], "instance-0001").status_code == 200
    tab.wait_for_selector("[data-board] >> text=busy")
    assert "51.5 °C" in tab.inner_text("[data-board]")
    fits(tab)
    assert beat(portal, board["token"], "instance-of-a-copy").status_code == 409
    with another_page(tab):
        tab.click("text=Its page")
    assert "A second board used this token" in tab.inner_text("main") and "lab 2, shelf B" in tab.inner_text("main")
    fits(tab)
    tab.click("summary[aria-label^='End the token']")
    with another_page(tab):
        tab.click("text=End it")
    assert "No agent lives on it" in tab.inner_text("main")
    assert beat(portal, board["token"], "instance-0001").status_code == 401
