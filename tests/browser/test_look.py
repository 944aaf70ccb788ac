"""Every page in a real browser: nothing for axe to find, nothing wider than a phone, nothing the policy refuses."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from tests.browser.waiting import another_page
from tests.portal import Portal, open_tab, until

pytestmark = pytest.mark.browser
PATHS = ["/", "/models/", "/data/", "/devices/", "/devices/links/", "/devices/profiles/new/", "/experiments/",
         "/experiments/new/", "/experiments/new/pruning.reconvene/", "/docs/", "/docs/pruning.reconvene/", "/portfolios/",
         "/portfolios/pick/", "/account/", "/compare/", "/planner/", "/planner/joint/", "/planner/saved/"]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=lambda way: f"{way[0]}-{way[1]}")
def tab(chromium: Any, portal: Portal, request: pytest.FixtureRequest) -> Iterator[Any]:
    width, scheme = request.param
    yield from open_tab(chromium, portal, viewport={"width": width, "height": 844}, color_scheme=scheme,
                        reduced_motion="reduce")


def things(portal: Portal) -> list[str]:
    tables = {"models": "catalog_registeredmodel", "data": "catalog_dataset", "devices": "devices_device",
              "models/variants": "catalog_variant"}
    return [f"/{place}/{portal.one(table, 'id', 'true')}/" for place, table in tables.items()]


@pytest.fixture(scope="module")
def sweep(portal: Portal) -> dict[str, str]:
    """A sweep whose runs have ended, and the comparison of its runs."""
    first = portal.launch("pruning.magnitude", epochs=1, sparsity="0.5", name="swept")
    experiment = portal.one("experiments_run", "experiment_id", "id = %s", first)
    portal.post(f"/experiments/{experiment}/more/", {"repeat": "1"})
    runs = [str(run) for run, in portal.sql("select id from experiments_run where experiment_id = %s", experiment)]
    for run in runs:
        portal.wait(run, "finished")
    return {"experiment": f"/experiments/{experiment}/", "comparison": "/compare/?" + "&".join(f"run={run}" for run in runs)}


@pytest.fixture(scope="module")
def refused(portal: Portal) -> str:
    """A page with an upload that its owner can mend."""
    body = io.BytesIO()
    torch.save({"odd": torch.zeros(3, 3)}, body)
    headers = {"X-CSRFToken": portal.http.cookies["csrftoken"], "Referer": portal.address}
    asked = {"kind": "model", "name": "odd.pt", "size_bytes": len(body.getvalue())}
    pk = portal.http.post("/api/uploads", json=asked, headers=headers).json()["id"]
    octets = {"Content-Type": "application/octet-stream"}
    portal.http.put(f"/api/uploads/{pk}/parts?offset=0", content=body.getvalue(), headers=headers | octets)
    portal.http.post(f"/api/uploads/{pk}/finish", headers=headers)
    until(lambda: portal.one("catalog_upload", "state", "id = %s", pk) == "refused", 60, "the upload is refused")
    return "/models/"


def findings(tab: Any) -> list[str]:
    found = Axe().run(tab, options=RULES).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def wider_than_the_window(tab: Any) -> int:
    return int(tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_pages_are_accessible_and_fit(tab: Any, portal: Portal) -> None:
    wrong: dict[str, object] = {}
    for path in [*PATHS, *things(portal)]:
        tab.goto(portal.address + path)
        tab.wait_for_load_state("networkidle") if path.startswith("/models/") else None
        if found := findings(tab):
            wrong[path] = found
        if over := wider_than_the_window(tab):
            wrong[f"{path} is too wide"] = over
    assert not wrong, wrong


def test_the_page_of_a_run_is_accessible_and_fits_with_its_charts_drawn(tab: Any, portal: Portal, finished: str) -> None:
    tab.goto(f"{portal.address}/runs/{finished}/")
    tab.wait_for_selector(".chart .main-svg")
    tab.wait_for_selector(".link-state[data-state=complete]")
    assert findings(tab) == [] and wider_than_the_window(tab) == 0


@pytest.mark.parametrize("page", ["experiment", "comparison"])
def test_runs_taken_together_are_accessible_and_fit_with_their_charts_drawn(
    tab: Any, portal: Portal, sweep: dict[str, str], page: str,
) -> None:
    tab.goto(portal.address + sweep[page])
    tab.wait_for_selector(".chart .main-svg")
    tab.wait_for_load_state("networkidle")
    assert findings(tab) == [] and wider_than_the_window(tab) == 0


def test_an_upload_that_can_be_mended_is_accessible_and_fits(tab: Any, portal: Portal, refused: str) -> None:
    tab.goto(portal.address + refused)
    tab.wait_for_selector("#uploads .mend")
    for folded in tab.query_selector_all(".upload-panel summary"):
        folded.click()
    assert findings(tab) == [] and wider_than_the_window(tab) == 0


def test_a_rejected_form_is_accessible_and_its_summary_has_the_focus(tab: Any, portal: Portal) -> None:
    tab.goto(f"{portal.address}/experiments/new/pruning.reconvene/")
    tab.fill("[name=epochs]", "many")
    with another_page(tab):
        tab.click("text=Start the run")
    assert tab.input_value("[name=epochs]") == "many"
    until(lambda: tab.evaluate("document.activeElement.id") == "form-errors", 30, "the focus on the summary")
    assert findings(tab) == []
    before = int(tab.inner_text("#form-errors b").split()[0])
    tab.fill("[name=epochs]", "3")
    assert int(tab.inner_text("#form-errors b").split()[0]) == before - 1, "what is mended is counted no more"
    assert tab.query_selector("#id_epochs_error") is None and tab.get_attribute("[name=epochs]", "aria-invalid") is None
