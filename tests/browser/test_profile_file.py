"""A profile from a file in a real browser: refused with its fault, mended where it stands, looked at and kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.waiting import another_page
from tests.portal import Portal

pytestmark = pytest.mark.browser
CHOSEN = "() => { const at = document.activeElement; return at.value.slice(at.selectionStart, at.selectionEnd); }"
GOOD = ("model,block_index,input_layer,output_layer,second_prediction_s,output_size_bytes\r\n"
        "tinynet,0,0,1,0.0125,1024\r\ntinynet,1,2,4,0.0050,128\r\n")


def test_a_faulty_file_is_mended_in_the_page_and_kept(page: Any, portal: Portal) -> None:
    page.goto(f"{portal.address}/devices/profiles/new/")
    page.set_input_files("#id_file", {"name": "edge-box7.csv", "mimeType": "text/csv",
                                      "buffer": GOOD.replace("0.0050", "-5").encode()})
    with another_page(page):
        page.click("text=Look at it first")
    assert "got -5; allowed: a number between 0 and 3,600" in page.inner_text(".faults").replace("\n", " ")
    assert page.input_value("#id_file_name") == "edge-box7.csv"
    page.click(".faults button:has-text('line 3, column 15')")
    assert page.evaluate(CHOSEN) == "-5,128"
    page.keyboard.type("0.0050,128")
    with another_page(page):
        page.click("text=Look at it first")
    shown = page.inner_text("#preview")
    assert "box7 is a new device" in shown and "tinynet" in shown and "17.5 ms" in shown
    with another_page(page):
        page.click("#preview >> text=Keep")
    page.wait_for_selector("h1:has-text('box7')")
    page.wait_for_selector("a:has-text('tinynet')")
    assert "1 profile kept" in page.inner_text("body")
    sent = page.context.request.get(f"{page.url}profiles/file/scission")
    assert sent.body() == GOOD.encode()
