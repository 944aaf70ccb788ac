"""What fits into a memory budget, asked on a model's page of a whole portal: the answer comes by itself, and begins a run."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.waiting import another_page, at_rest
from tests.portal import Portal, open_tab

pytestmark = pytest.mark.browser
WAYS = ["Backprop", "Gradient checkpointing", "Local learning", "NeuroFlux"]


@pytest.fixture
def model_page(page: Any, portal: Portal) -> Any:
    page.goto(f"{portal.address}{address(portal)}")
    return page


def address(portal: Portal) -> str:
    return f"/models/{portal.one('catalog_registeredmodel', 'id', 'name = %s', 'LeNet-5')}/"


def ask(page: Any, budget: str) -> None:
    page.get_by_role("textbox", name="Memory budget").fill(budget)
    with another_page(page):
        page.get_by_role("button", name="Show what fits").click()


def answered(page: Any) -> Any:
    """The table, once training was rehearsed."""
    rows = page.locator("#fit-answer tr[data-row]")
    expect(rows).to_have_count(len(WAYS))
    return rows


def test_the_answer_comes_by_itself_and_its_button_opens_the_form_with_model_and_budget(model_page: Any) -> None:
    ask(model_page, "2 MB")
    rows = answered(model_page)
    expect(rows.locator("th a")).to_have_text(WAYS)
    expect(rows.first).to_contain_text("yes")
    batch = rows.first.locator("td").nth(1).inner_text()
    with another_page(model_page):
        model_page.get_by_role("link", name="Train with Backprop").click()
    expect(model_page.locator("#id_budget_mb")).to_have_value("2")
    expect(model_page.locator("#id_batch_size")).to_have_value(batch)
    expect(model_page.locator("#id_model option:checked")).to_contain_text("LeNet-5")


def test_another_budget_is_answered_at_once_and_says_what_one_sample_needs(model_page: Any) -> None:
    ask(model_page, "2 MB")
    answered(model_page)
    ask(model_page, "50 kB")
    rows = answered(model_page)
    expect(rows.first).to_contain_text("for one sample")
    expect(rows.first).to_contain_text("needs")
    expect(model_page.get_by_role("link", name="Train with Backprop")).to_have_count(0)


def test_a_budget_that_is_none_keeps_what_was_typed_beside_a_sentence(model_page: Any) -> None:
    ask(model_page, "5 MiB")
    expect(model_page.get_by_role("textbox", name="Memory budget")).to_have_value("5 MiB")
    expect(model_page.locator("#fit .error")).to_contain_text("allowed: bytes, as 130MB or 1.5GB")


def test_without_a_script_the_page_is_looked_at_again(chromium: Any, portal: Portal, model_page: Any) -> None:
    ask(model_page, "3 MB")
    answered(model_page)
    for tab in open_tab(chromium, portal, java_script_enabled=False):
        tab.goto(f"{portal.address}{address(portal)}?budget=3MB")
        expect(tab.locator("#fit-answer tr[data-row]")).to_have_count(len(WAYS))
        expect(tab.get_by_role("textbox", name="Memory budget")).to_have_value("3MB")


def test_on_a_phone_each_way_is_short_and_its_button_in_sight(chromium: Any, portal: Portal, model_page: Any) -> None:
    ask(model_page, "50 kB")
    answered(model_page)
    for tab in open_tab(chromium, portal, viewport={"width": 390, "height": 844}):
        tab.goto(f"{portal.address}{address(portal)}?budget=50kB")
        rows = answered(tab)
        assert max(row.bounding_box()["height"] for row in rows.all()) < 230
        tab.goto(f"{portal.address}{address(portal)}?budget=2MB")
        answered(tab)
        found = at_rest(tab.get_by_role("link", name="Train with Backprop"))
        assert found["x"] + found["width"] <= 390
        assert findings(tab) == [] and wider_than_the_window(tab) == 0
