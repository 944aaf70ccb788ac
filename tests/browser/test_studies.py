"""Several recipes in one experiment, in a real browser: chosen in the form, drawn as they finish, compared by the address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.portal import Portal, until
from tests.tabs import open_context

pytestmark = pytest.mark.browser
POINTS = "[data-kind=spread] .scatterlayer .points path"
MARKS = "[data-kind=paired] .scatterlayer .points path"


@pytest.fixture(scope="module")
def study(chromium: Any, portal: Portal) -> Iterator[str]:
    """The address of an experiment of two recipes and two seeds, begun from the form; its page stays open till the end."""
    context = open_context(chromium, portal)
    tab = context.new_page()
    tab.goto(f"{portal.address}/experiments/new/pruning.magnitude/")
    tab.select_option("[name=model]", label="LeNet-5 · initialised")
    tab.select_option("[name=dataset]", label="digits")
    tab.fill("[name=sparsity]", "0.75")
    tab.fill("[name=epochs]", "1")
    tab.fill("[name=repeat]", "2")
    tab.click("#others > summary")
    tab.check("[name=compare_with][value='pruning.reconvene']")
    until(lambda: "4 runs: 2 recipes × 2 seeds" in tab.locator(".promise").inner_text(), 30, "the summary counts")
    assert "Reconvene has start given as all have" in tab.locator(".promise").inner_text()
    tab.click(".start button")
    tab.wait_for_url(re.compile("/experiments/[0-9a-f-]{36}/$"))
    until(lambda: "4 of 4 runs ended" in tab.inner_text("#head"), 300, "all of them end")
    until(lambda: tab.locator(MARKS).count() == 3, 30, "the difference and its two seeds appear without a reload")
    yield tab.url
    context.close()


def test_recipes_are_drawn_and_their_difference_is_judged_by_too_few_seeds(page: Any, study: str) -> None:
    page.goto(study)
    page.wait_for_selector(MARKS, state="attached")
    until(lambda: page.locator(POINTS).count() >= 3, 30, "the points")
    assert {"Magnitude", "Reconvene"} <= set(page.locator("[data-kind=spread] .legend").inner_text().split("\n"))
    assert "95 % interval" in page.inner_text("[data-kind=paired] .caption")
    assert "too few seeds to say: 2" in page.inner_text("#versus")


def test_what_is_held_equal_stands_in_the_address_and_says_who_is_left_out(page: Any, study: str) -> None:
    page.goto(study)
    page.select_option("#hold", "params")
    page.fill("#within", "1")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile("hold=params&within=1&baseline=Magnitude"))
    assert page.inner_text("#versus-title") == "At equal parameters (within 1 %)"
    page.get_by_text("left out, and why").click()
    assert "% away" in page.inner_text("#versus .left-out")
    page.fill("#within", "100")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("within=100"))
    assert page.locator(".matches tbody tr").count() == 2


def test_tables_charts_and_papers_leave_as_files(page: Any, study: str) -> None:
    page.goto(study)
    page.wait_for_selector(MARKS, state="attached")
    page.wait_for_selector(POINTS, state="attached")
    begins = {"Tests: CSV": "compared,compared_recipe,baseline,", "At equal settings: CSV": "match,compared",
              "BibTeX": "@misc{han2015learning"}
    for name, start in begins.items():
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.path().read_text().startswith(start)
    with page.expect_download() as download:
        page.locator("[data-kind=paired]").get_by_role("button", name="SVG").click()
    assert download.value.path().read_text().startswith("<svg")
    with page.expect_download() as download:
        page.locator("[data-kind=spread]").get_by_role("button", name="SVG").click()
    drawn = download.value.path().read_text()
    assert all(words in drawn for words in (">Magnitude<", ">Reconvene<", "±1 standard deviation, n = 2"))


def test_each_point_is_named_beside_it(page: Any, study: str) -> None:
    page.goto(study)
    page.wait_for_selector(POINTS, state="attached")
    words = page.locator("[data-kind=spread] .scatterlayer .textpoint text")
    until(lambda: {"Magnitude", "Reconvene"} <= set(words.all_text_contents()), 30, "the names beside the points")


def test_what_holds_nothing_equal_asks_for_no_tolerance_and_more_seeds_are_near(page: Any, study: str) -> None:
    page.goto(study)
    expect(page.locator("#within")).to_be_hidden()
    page.select_option("#hold", "params")
    expect(page.locator("#within")).to_be_visible()
    assert "With 2 seeds no difference can be shown at 5 %: 6 are needed." in page.inner_text("#versus")
    page.locator("#versus").get_by_role("link", name="More seeds").click()
    expect(page.locator("#id_repeat")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(page: Any, study: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for address in (study, study.replace(study.rpartition("/experiments/")[2], "new/pruning.magnitude/")):
        page.goto(address)
        page.evaluate("for (const it of document.querySelectorAll('#versus details, #others, #others details')) it.open = true")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
