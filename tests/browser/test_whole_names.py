"""A choice of a network shows the whole of its name: in the control where there is room, else under it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings, wider_than_the_window
from tests.portal import Portal

pytestmark = pytest.mark.browser
LONG = "VGG-16 trained for the doorbell · " + "reconvene 0.875 of run 12, " * 6 + "level 6"
ADDED = """(words) => { const list = document.getElementById("id_model");
  list.append(new Option(words, "x")); list.value = "x"; list.dispatchEvent(new Event("change", { bubbles: true })); }"""


def whole(page: Any, field: str = "id_model") -> Any:
    return page.locator(f".field:has(#{field}) > .whole")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_name_that_is_cut_stands_whole_under_the_choice(page: Any, portal: Portal, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{portal.address}/experiments/new/portfolio.switching/")
    page.evaluate(ADDED, LONG)
    expect(whole(page)).to_have_text(LONG)
    expect(whole(page)).to_be_visible()
    assert findings(page) == [] and not wider_than_the_window(page)


def test_a_name_that_has_room_is_said_once(page: Any, portal: Portal) -> None:
    page.goto(f"{portal.address}/experiments/new/portfolio.switching/")
    page.evaluate(ADDED, LONG)
    expect(whole(page)).to_be_visible()
    page.select_option("#id_model", label="LeNet-5 · initialised")
    expect(whole(page)).to_be_hidden()


def test_what_was_folded_away_is_looked_at_when_it_is_unfolded(page: Any, portal: Portal) -> None:
    page.goto(f"{portal.address}/experiments/new/portfolio.switching/")
    page.evaluate(ADDED.replace("id_model", "id_model_5"), LONG)
    page.click("summary:has-text('Add more networks')")
    expect(whole(page, "id_model_5")).to_have_text(LONG)


def test_a_network_has_a_row_of_the_form_to_itself(page: Any, portal: Portal) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{portal.address}/experiments/new/portfolio.switching/")
    wide, usual = (page.locator(f"#{name}").bounding_box() for name in ("id_model", "id_residency"))
    assert wide["width"] > 1.8 * usual["width"]
