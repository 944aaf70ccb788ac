"""The portal by keyboard alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.portal import Portal, until

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("key", "path"), [("m", "/models/"), ("d", "/devices/"), ("e", "/experiments/"), ("a", "/data/")])
def test_g_and_a_letter_go_to_a_place(page: Any, portal: Portal, key: str, path: str) -> None:
    # The two keys belong together when they come within a moment: here no time goes by between them.
    page.clock.set_fixed_time(0)
    page.goto(portal.address + "/")
    page.keyboard.press("g")
    page.keyboard.press(key)
    page.wait_for_url(re.compile(path))


def test_the_question_mark_opens_the_list_of_keys_and_escape_closes_it(page: Any, portal: Portal) -> None:
    page.goto(portal.address + "/")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="hidden")


def test_j_and_k_walk_through_rows_and_enter_opens(page: Any, portal: Portal) -> None:
    page.goto(portal.address + "/models/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/models/[0-9a-f-]{36}/"))


def test_keys_are_letters_again_while_typing(page: Any, portal: Portal) -> None:
    page.goto(portal.address + "/models/")
    page.keyboard.press("/")
    page.keyboard.type("gm?n")
    assert page.input_value("[data-filter]") == "gm?n"


def test_the_first_tab_skips_to_the_content(page: Any, portal: Portal) -> None:
    page.goto(portal.address + "/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(lambda: page.evaluate("document.activeElement.id") == "content", 30, "the focus on the content")


def test_n_begins_a_new_experiment_from_any_page(page: Any, portal: Portal) -> None:
    page.goto(portal.address + "/docs/")
    page.keyboard.press("n")
    page.wait_for_url(re.compile("/experiments/new/"))


def test_a_filter_that_is_chosen_filters(page: Any, portal: Portal) -> None:
    page.goto(portal.address + "/experiments/")
    page.select_option("[name=status]", "failed")
    page.wait_for_url(re.compile("status=failed"))
