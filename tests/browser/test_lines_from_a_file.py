"""Lines of a form from a file: the page writes them into the field; a file that is none leaves what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.portal import Portal, open_tab

pytestmark = pytest.mark.browser
GOOD = b"\xef\xbb\xbfarrivals_per_s,deadline_ms\r\n20,100\r\n80,100\r\n"
TYPED = "arrivals_per_s,deadline_ms\n5,500"
CHOSEN = "input[type=file]"


@pytest.fixture
def form(page: Any, portal: Portal) -> Iterator[Any]:
    page.goto(f"{portal.address}/experiments/new/portfolio.switching/")
    folded = page.locator("details", has=page.locator("[name=lines]"))
    folded.evaluate_all("every => every.forEach((each) => { each.open = true; })")
    yield page


def box(form: Any) -> Any:
    """What stands around the trace's lines."""
    return form.locator(".lines", has=form.locator("[name=lines]"))


def choose(form: Any, name: str, body: bytes) -> Any:
    """What is then said under the field."""
    box(form).locator(CHOSEN).set_input_files({"name": name, "mimeType": "text/csv", "buffer": body})
    return box(form).get_by_role("status")


def test_a_files_lines_stand_in_the_field_and_the_promise_follows(form: Any) -> None:
    form.select_option("[name=trace]", "lines")
    said = choose(form, "trace.csv", GOOD)
    expect(said).to_have_text("3 lines, as read from trace.csv")
    expect(form.locator("[name=lines]")).to_have_value("arrivals_per_s,deadline_ms\n20,100\n80,100")
    expect(form.locator(".promise .usual")).to_have_text("at least 6 s")


def test_its_button_opens_the_choice_of_a_file(form: Any) -> None:
    with form.expect_file_chooser() as chooser:
        box(form).get_by_role("button", name="Read a file into Trace in lines").click()
    chooser.value.set_files({"name": "a.csv", "mimeType": "text/csv", "buffer": GOOD})
    expect(box(form).get_by_role("status")).to_have_text("3 lines, as read from a.csv")


@pytest.mark.parametrize(("body", "words"), [
    (b"a,b\n1,2\n\xff\xfe,3\n", "bad.csv, line 3: is no text in UTF-8."), (b"PK\x03\x04\x00\x00", "bad.csv, line 1: is no text"),
    ("a,b\n".encode("utf-16"), "bad.csv, line 1: is no text"), (b" \n\n", "bad.csv is empty."),
    (b"1" * 250_001, "bad.csv has 250,001 characters"), (b"1" * 1_000_004, "bad.csv has 1,000,004 bytes."),
    (b"1\n" * 125_100, "bad.csv has 375,298 characters, two for each end of a line.")])
def test_a_file_that_is_none_says_why_and_leaves_what_was_typed(form: Any, body: bytes, words: str) -> None:
    form.fill("[name=lines]", TYPED)
    said = choose(form, "bad.csv", body)
    expect(said).to_contain_text(words)
    expect(said).to_contain_text("Allowed: a text file (UTF-8) of at most 250,000 characters.")
    assert form.input_value("[name=lines]") == TYPED


def test_a_line_that_is_wrong_is_said_with_its_file_until_somebody_mends_it(form: Any) -> None:
    form.select_option("[name=trace]", "lines")
    choose(form, "trace.csv", b"arrivals_per_s,deadline_ms\n20,100\nmany,100\n")
    expect(form.locator(".promise")).to_contain_text("Trace in lines: trace.csv: Line 3:")
    form.fill("[name=lines]", "arrivals_per_s,deadline_ms\nfew,1")
    expect(box(form).get_by_role("status")).to_be_empty()
    expect(form.locator(".promise")).to_contain_text("Trace in lines: Line 2:")


def test_the_same_file_can_be_read_again_once_it_is_mended(form: Any) -> None:
    expect(choose(form, "trace.csv", b"\xff")).to_contain_text("line 1")
    expect(choose(form, "trace.csv", GOOD)).to_have_text("3 lines, as read from trace.csv")


def test_without_javascript_lines_are_pasted_and_no_button_is_there(chromium: Any, portal: Portal) -> None:
    for tab in open_tab(chromium, portal, java_script_enabled=False):
        tab.goto(f"{portal.address}/experiments/new/portfolio.switching/")
        assert tab.locator("[name=lines]").count() == 1
        assert not tab.locator("[data-read-file]").first.is_visible()
