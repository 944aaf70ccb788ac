"""Planning as a run in a real browser: chosen in the form, drawn part by part and band by band, told as a table."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.portal import Portal

pytestmark = pytest.mark.browser
HEAD = "model,block_index,input_layer,output_layer,second_prediction_s,output_size_bytes\n"
SECONDS = {"device-cam.csv": (0.01, 0.03, 0.2), "edge-shelf.csv": (0.002, 0.006, 0.04)}
BYTES = (400_000, 60_000, 4_000)
LINKS = "source,destination,ping(ms),bandwidth(mbps)\ncam,shelf,2,40\n"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def bring(portal: Portal) -> None:
    headers = {"X-CSRFToken": portal.http.cookies["csrftoken"], "Referer": portal.address}
    for name, seconds in SECONDS.items():
        rows = (f"parted,{at},{at},{at},{each},{size}\n" for at, (each, size) in enumerate(zip(seconds, BYTES, strict=True)))
        answer = portal.http.post("/api/profiles", json={"text": HEAD + "".join(rows), "file_name": name}, headers=headers)
        assert answer.status_code in (200, 201), answer.text
    assert portal.http.post("/api/links/network", json={"text": LINKS}, headers=headers).status_code in (200, 201)


def test_a_plan_is_asked_for_in_the_form_and_its_page_draws_it(page: Any, portal: Portal) -> None:
    bring(portal)
    page.goto(f"{portal.address}/experiments/new/partitioning.scission/")
    page.select_option("#id_model", "parted")
    page.fill("#id_rules", "raw input stays")
    page.wait_for_selector("text=Rests on 2 profiles of 2 devices, 1 link")
    page.click("text=Start the run")
    page.wait_for_url("**/runs/**")
    run = re.findall(r"[0-9a-f-]{36}", page.url)[0]
    portal.wait(run, "finished")
    # Blocks 1 and 2 on cam (40 ms), 60 kB to shelf (2 + 12 ms), the last one there (40 ms).
    assert portal.run(run)["summary"]["best_ms"] == pytest.approx(94)
    page.reload()
    page.wait_for_selector(".chart[data-kind=lanes] .main-svg")
    page.wait_for_selector("#variants th:has-text('1. blocks 1-2 on cam, 3 on shelf')")
    assert "94 ms" in page.inner_text("#variants").replace("94.0", "94")
    # Three plans, one of them without a link.
    expect(page.locator(".chart[data-kind=lanes] .bars .point")).to_have_count(3 + 1 + 3)
    page.wait_for_selector("#link-state[data-state=complete]", state="attached")
    page.wait_for_selector(".chart[data-kind=bands] .main-svg")
    bands = page.locator(".chart[data-kind=bands] .legend button").all_inner_texts()
    assert len(bands) > 1
    expect(page.locator(".chart[data-kind=bands] .bars .point")).to_have_count(len(bands))
    page.locator(".chart[data-kind=bands]").get_by_role("button", name="table").click()
    expect(page.locator(".chart[data-kind=bands] .data tbody tr")).to_have_count(len(bands))
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
