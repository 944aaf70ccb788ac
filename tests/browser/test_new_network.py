"""A model without a file in a real browser: from a data set's page to a network that waits to be trained."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.waiting import another_page
from tests.portal import Portal

pytestmark = pytest.mark.browser


def test_a_data_set_gets_a_network_of_the_house(page: Any, portal: Portal) -> None:
    runs = portal.sql("select count(*) from experiments_run")
    page.goto(f"{portal.address}/data/")
    with another_page(page):
        page.click("#table a:text-is('digits')")
    with another_page(page):
        page.click("text=Make a network for it")
    page.select_option("[name=architecture]", "lenet5")
    page.click("text=Make the model")
    page.wait_for_url("**/models/#uploads")
    with another_page(page):
        page.click("#uploads a:has-text('LeNet-5 for digits')")
    page.wait_for_selector("h1:has-text('LeNet-5 for digits')")
    assert "input 1×8×8 · 10 classes" in page.inner_text(".head")
    table = page.locator("#table")
    assert "initialised" in table.inner_text() and "Nobody trained it: it is lenet5 of width 1" in table.inner_text()
    with another_page(page):
        page.click("#table a:text-is('initialised')")
    with another_page(page):
        page.click(".notes a:text-is('Train it')")
    page.wait_for_selector("#launch")
    assert "LeNet-5 for digits · initialised" in page.locator("[name=model] option:checked").inner_text()
    assert portal.sql("select count(*) from experiments_run") == runs
