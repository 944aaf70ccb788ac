"""What must hold: in a window of 1280 px four variants have heads that are whole; where they have no room, criteria stay."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings, wider_than_the_window
from tests.portal import Portal

pytestmark = pytest.mark.browser
# Of the board, which heads reach beyond what is in sight of it.
BEYOND = """() => { const end = document.querySelector("#board .scroll").getBoundingClientRect().right + 1;
  return [...document.querySelectorAll("#board thead th")].filter((head) => head.getBoundingClientRect().right > end).length; }"""
AT = "() => document.querySelector('#board tbody th').getBoundingClientRect().left"


def board(page: Any, portal: Portal, finished: str, width: int) -> None:
    """The page of a portfolio of four variants, those of a run among them, whose accuracy has an interval."""
    rows = portal.sql("select v.id from catalog_variant v left join experiments_runvariant r on r.variant_id = v.id "
                      "and r.run_id = %s order by r.run_id is null, v.created limit 4", finished)
    ids = [str(row[0]) for row in rows]
    answer = portal.post("/portfolios/pick/", {"variant": ids, "new": "1", "name": "Four", "description": ""})
    path = str(answer.url).removeprefix(portal.address)
    portal.post(f"{path}criteria/", {"metric": "accuracy", "comparison": "at_least", "bound": "80", "device": "", "dataset": ""})
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(portal.address + path)
    expect(page.locator("#board thead th")).to_have_count(5)
    expect(page.locator("#board tbody")).to_contain_text("95 % interval")


def test_four_variants_have_room(page: Any, portal: Portal, finished: str) -> None:
    board(page, portal, finished, 1280)
    assert page.evaluate(BEYOND) == 0
    assert findings(page) == [] and not wider_than_the_window(page)


def test_where_they_have_none_the_criteria_stay_in_sight_while_it_is_scrolled(page: Any, portal: Portal, finished: str) -> None:
    board(page, portal, finished, 1020)
    begun = page.evaluate(AT)
    page.evaluate("() => { const table = document.querySelector('#board .scroll'); table.scrollLeft = table.scrollWidth; }")
    assert page.evaluate("document.querySelector('#board .scroll').scrollLeft") > 20
    assert page.evaluate(AT) == begun
