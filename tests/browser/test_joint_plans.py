"""Joint plans in a real browser: links move the marks, the deadline is dragged, a mark shows its plan, the address holds it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.waiting import address, at_rest
from tests.portal import Portal, open_tab, until

pytestmark = pytest.mark.browser
EXAMPLE = "/planner/joint/?example=on"


@pytest.fixture
def joint(page: Any, portal: Portal) -> Any:
    page.goto(f"{portal.address}{EXAMPLE}&deadline_ms=60")
    page.wait_for_selector(".joint-bar.best")
    return page


def verdict(page: Any) -> str:
    return str(page.inner_text("#verdict b"))


def chosen(page: Any) -> str:
    return str(page.get_attribute(".joint-dot.is-choice", "data-key"))


def test_a_link_that_is_moved_moves_the_marks_and_the_choice(joint: Any) -> None:
    before = chosen(joint)
    slider = joint.locator("input[type=range][data-of^='mbps.']").first
    slider.focus()
    places = "() => [...document.querySelectorAll('.joint-behind [data-key]')].map((each) => each.getAttribute('cx')).join()"
    first = joint.evaluate(places)
    for _ in range(40):
        joint.keyboard.press("ArrowLeft")
    joint.wait_for_function(f"first => ({places})() !== first", arg=first)
    until(lambda: chosen(joint) != before, 30, "another choice over a slower link")
    until(lambda: "&link=" in address(joint), 30, "the address, once the last of the answers is there")
    assert "emulated" in joint.inner_text(".joint-bar.best").lower()
    assert joint.evaluate("document.activeElement.type") == "range", "the focus stays where it was"


def test_the_deadline_is_dragged_in_the_chart_and_its_number_and_slider_follow(joint: Any) -> None:
    chart = joint.locator("#joint-chart")
    chart.scroll_into_view_if_needed()
    box = at_rest(chart)
    line = joint.locator(".is-deadline line").first.bounding_box()
    before = chosen(joint)
    joint.mouse.move(line["x"] + line["width"] / 2, box["y"] + 200)
    joint.mouse.down()
    joint.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 200, steps=8)
    joint.mouse.up()
    typed = joint.input_value("#deadline_ms")
    assert 5 < float(typed) < 40
    until(lambda: f"deadline_ms={typed}" in address(joint), 30, "the address of what is shown")
    until(lambda: chosen(joint) != before, 30, "what comes in time")
    assert float(joint.get_attribute(".is-deadline line", "x1").rstrip("%")) == pytest.approx(20, abs=2)


def test_the_floor_is_moved_by_its_slider_and_taken_away_at_its_end(joint: Any) -> None:
    slider = joint.locator("[data-limit=floor] input[type=range]")
    slider.focus()
    joint.keyboard.press("End")
    until(lambda: "Nothing fits" in joint.inner_text("#verdict"), 30, "nothing is as accurate")
    joint.keyboard.press("Home")
    until(lambda: joint.input_value("#floor") == "" and "floor=" not in address(joint), 30, "no floor")
    until(lambda: joint.locator("#verdict.is-none").count() == 0, 30, "a choice again")


def test_a_mark_shows_its_plan_and_the_address_says_which(joint: Any) -> None:
    other = joint.locator(".joint-dot:not(.is-choice)").first
    key = other.get_attribute("data-key")
    other.focus()
    joint.keyboard.press("Enter")
    until(lambda: joint.get_attribute(".joint-dot.is-shown", "data-key") == key, 30, "the mark is shown")
    until(lambda: "show=" in address(joint), 30, "the address")
    assert "looked at" in joint.inner_text("#result")
    joint.locator("#result small a", has_text="back to the choice").click()
    until(lambda: joint.locator(".joint-dot.is-shown.is-choice").count() == 1, 30, "the choice")


def test_what_is_typed_wrong_is_said_at_its_field_and_nothing_is_lost(joint: Any) -> None:
    joint.fill("#deadline_ms", "soon")
    until(lambda: joint.locator("[data-fault=deadline_ms]").is_visible(), 30, "the fault")
    assert joint.input_value("#deadline_ms") == "soon" and joint.locator("#joint-chart").is_visible()


def test_a_rule_is_added_and_kept(joint: Any) -> None:
    joint.check("#rules input[value='raw input stays']")
    until(lambda: "raw+input+stays" in address(joint), 30, "the rule")
    joint.reload()
    joint.wait_for_selector(".joint-bar.best")
    assert joint.is_checked("#rules input[value='raw input stays']")


def test_without_scripts_the_form_gives_an_address_with_the_answer(chromium: Any, portal: Portal) -> None:
    for tab in open_tab(chromium, portal, java_script_enabled=False):
        tab.goto(f"{portal.address}{EXAMPLE}")
        tab.fill("#deadline_ms", "30")
        tab.fill("#floor", "85")
        tab.locator("[data-plan]").click()
        tab.wait_for_url("**deadline_ms=30**floor=85**")
        tab.wait_for_selector(".joint-bar.best")
        assert tab.locator(".joint-dot.is-choice").count() == 1
