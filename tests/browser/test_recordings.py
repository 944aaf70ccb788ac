"""Recorded detections in a real browser: brought in, mended, chosen in ROMA's form, and the scene of a real video shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings
from tests.browser.test_uploads import listed
from tests.browser.waiting import another_page
from tests.portal import Portal, until
from tests.worker.inspection import made

pytestmark = pytest.mark.browser
LINES = ("tiny: 27 ms, h50 55 px, recall 0.9, false positives 0.3\n"
         "full: 126 ms, h50 20 px, recall 0.95, false positives 0.2")
SCENE = "The scene and what ROMA shows of it (recorded boxes, emulated times)"


def filmed(frames: int = 120) -> dict[str, bytes]:
    """Four people who walk to the right; the light detector misses the two small ones."""
    truth, found = list[str](), {"tiny": list[str](), "full": list[str]()}
    for frame in range(1, frames + 1):
        for place, height in enumerate((30, 40, 120, 160)):
            box = f"{40 + 100 * place + frame:.1f},{100},{0.4 * height:.1f},{height}"
            truth.append(f"{frame},{place + 1},{box},1,1,1\n")
            found["full"].append(f"{frame},-1,{box},0.9\n")
            if height > 100:
                found["tiny"].append(f"{frame},-1,{box},0.8\n")
    texts = {f"street/{name}.txt": "".join(lines).encode() for name, lines in found.items()}
    return texts | {"street/gt/gt.txt": "".join(truth).encode()}


def test_recordings_are_brought_in_asked_about_chosen_and_played(page: Any, portal: Portal, tmp_path: Path) -> None:
    path = tmp_path / "walkers.zip"
    path.write_bytes(made.folder(filmed()))
    page.goto(f"{portal.address}/data/")
    page.set_input_files("#upload-file", path)
    listed(page, "say how large the picture is")
    page.fill("#uploads .mend input[name$=footage]", "640x360 at 30")
    with another_page(page):
        page.click("text=Check again")
    listed(page, "it ends with the last frame in which something was found")
    with another_page(page):
        page.click("#uploads a:has-text('walkers')")
    expect(page.locator("main")).to_contain_text("640×360 px")
    expect(page.locator("tr", has_text="what is there")).to_contain_text("480")
    until(lambda: not findings(page), 60, "a page in which axe finds nothing")
    street = page.url
    refits_an_open_form(page, portal)
    page.goto(street)
    with another_page(page):
        page.click("text=New experiment: ROMA")
    expect(page.locator("#id_recordings option:checked")).to_have_text("walkers")
    expect(page.locator("#id_detectors")).to_have_value("full: ? ms\ntiny: ? ms")
    expect(page.locator("main")).to_contain_text("Does not count here: the recordings are what is filmed.")
    page.click("text=Start the run")
    page.wait_for_selector(".error:has-text(\"a number belongs in place of each ?\")")
    page.fill("#id_detectors", LINES)
    page.fill("#id_drift", "none")
    page.click("text=Start the run")
    page.wait_for_url("**/runs/**")
    run = re.findall(r"[0-9a-f-]{36}", page.url)[0]
    portal.wait(run, "finished")
    found = portal.run(run)["summary"]
    assert found["frames"] == 84 and found["detections"] == "recorded" and set(found["accuracy_hold"]) > {"tiny", "full", "ROMA"}
    page.goto(f"{portal.address}/runs/{run}/")
    page.wait_for_selector(".chart[data-kind=scene] .main-svg")
    scene = page.locator(".chart", has_text=SCENE)
    expect(scene.locator(".legend")).to_contain_text("what is there")
    titles = page.locator(".chart h2").all_inner_texts()
    assert len(titles) == 7 and all(title.endswith("(recorded boxes, emulated times)") for title in titles)
    expect(page.locator("main")).to_contain_text("real-time AP (hold rule, recorded boxes, emulated times)")


def refits_an_open_form(page: Any, portal: Portal) -> None:
    """Recordings are chosen in a form that was opened without them: its lines are fitted, what was typed beside them stays."""
    page.goto(f"{portal.address}/experiments/new/detection.roma/")
    page.fill("#id_margin", "0.07")
    page.fill("#id_detectors", "tiny: 27 ms\nhuge: 300 ms")
    page.select_option("#id_recordings", label="walkers")
    expect(page.locator("#refit")).to_contain_text("name huge, of which the recordings say nothing; they have: full, tiny.")
    until(lambda: not findings(page), 60, "a page in which axe finds nothing")
    with another_page(page):
        page.click("text=Fit the lines to the recordings")
    expect(page.locator("#id_detectors")).to_have_value("tiny: 27 ms\nfull: ? ms")
    expect(page.locator("#id_margin")).to_have_value("0.07")
    expect(page.locator("#id_recordings option:checked")).to_have_text("walkers")
    expect(page.locator(".messages")).to_contain_text("Left out, as the recordings say nothing of them: huge: 300 ms.")
    expect(page.locator(".messages")).to_be_in_viewport()
    expect(page.locator("#refit")).to_be_empty()
