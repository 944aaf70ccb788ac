"""Every page in a real browser: nothing for axe to find, nothing wider than a phone, nothing the policy refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.portal import Portal, open_tab, until

pytestmark = pytest.mark.browser
PATHS = ["/", "/models/", "/data/", "/devices/", "/experiments/", "/experiments/new/", "/experiments/new/pruning.reconvene/",
         "/docs/", "/docs/pruning.reconvene/", "/portfolios/", "/portfolios/pick/", "/account/"]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=lambda way: f"{way[0]}-{way[1]}")
def tab(chromium: Any, portal: Portal, request: pytest.FixtureRequest) -> Iterator[Any]:
    width, scheme = request.param
    yield from open_tab(chromium, portal, viewport={"width": width, "height": 844}, color_scheme=scheme,
                        reduced_motion="reduce")


def things(portal: Portal) -> list[str]:
    tables = {"models": "catalog_registeredmodel", "data": "catalog_dataset", "devices": "devices_device"}
    return [f"/{place}/{portal.one(table, 'id', 'true')}/" for place, table in tables.items()]


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
    tab.wait_for_selector(".chart .main-svg", timeout=30_000)
    tab.wait_for_selector(".link-state[data-state=complete]")
    assert findings(tab) == [] and wider_than_the_window(tab) == 0


def test_a_rejected_form_is_accessible_and_its_summary_has_the_focus(tab: Any, portal: Portal) -> None:
    tab.goto(f"{portal.address}/experiments/new/pruning.reconvene/")
    tab.fill("[name=epochs]", "many")
    tab.click("text=Start the run")
    tab.wait_for_selector("#form-errors")
    assert tab.input_value("[name=epochs]") == "many"
    until(lambda: tab.evaluate("document.activeElement.id") == "form-errors", 5, "the focus on the summary")
    assert findings(tab) == []
