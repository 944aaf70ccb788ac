"""A run's network sent to a board with clicks: what waits, what was taken and what it took show by themselves."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from apps.devices import agent_wheel
from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.waiting import another_page
from tests.portal import Portal, open_tab

pytestmark = pytest.mark.browser
ROUNDS = {"first_images": "200", "round_images": "200", "rounds": "3", "epochs": "3", "tuning_epochs": "4", "ratio": "0.015",
          "reinitialise": "", "reference": ""}


class Shelf:
    """A board's agent, as far as it has to do with networks."""

    def __init__(self, portal: Portal) -> None:
        self.portal, self.served = portal, {"number": None, "sha256": "", "first_sha256": ""}
        page = portal.post("/devices/boards/add/", {"boards": "1", "tier": "device", "location": "", "labels": ""})
        [code] = re.findall(r"-- (\S{4}-\S{4}-\S{4})", page.text)
        # The next code comes in a cookie of the same name, for a page of its own.
        for cookie in [each for each in portal.http.cookies.jar if each.name == "board-code"]:
            portal.http.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
        self.instance = f"instance-of-{code}"
        said = {"code": code, "instance": self.instance, "version": agent_wheel.speaks(), "name": f"window sill {code}",
                "hardware": "Raspberry Pi 4", "os": "Debian 12", "cores": 4, "memory_bytes": 4_000_000_000, "runtimes": {}}
        joined = httpx.post(f"{portal.address}/api/agent/join", json=said).json()
        self.token, self.pk = joined["token"], joined["device"]["id"]
        self.key = hashlib.sha256(bytes.fromhex(joined["signing_key"])).hexdigest()

    def says(self, path: str, **said: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "X-EdgePortal-Agent": agent_wheel.speaks(),
                   "X-EdgePortal-Instance": self.instance}
        answer = httpx.post(f"{self.portal.address}/api/agent/{path}", headers=headers,
                            json={**said, "network": {**self.served, "key": self.key}})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def beats(self) -> dict[str, Any]:
        return self.says("beat", activity="idle", health={})

    def takes(self) -> None:
        """What waits for it next."""
        wanted = self.beats()["network"]
        told = self.portal.http.get(f"/api/deployments/{wanted['deployment']}").json()
        self.served |= {"number": told["number"], "sha256": told["result_sha256"]}
        self.served["first_sha256"] = self.served["first_sha256"] or told["result_sha256"]
        self.says(f"deployments/{wanted['deployment']}", state="taken", tried=True)


@pytest.fixture(scope="module")
def run(portal: Portal) -> str:
    made = portal.launch("updating.dpu", **ROUNDS)
    ended = portal.wait(made)
    assert ended["status"] == "finished", ended
    return made


@pytest.fixture
def shelf(portal: Portal) -> Shelf:
    made = Shelf(portal)
    made.beats()
    return made


@pytest.fixture(params=[{"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
                        {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"}], ids=["phone", "wide"])
def tab(chromium: Any, portal: Portal, request: pytest.FixtureRequest) -> Iterator[Any]:
    yield from open_tab(chromium, portal, **request.param)


def fits(page: Any) -> None:
    assert findings(page) == [] and wider_than_the_window(page) == 0, page.url


def test_a_network_and_its_updates_go_to_a_board_from_the_page_of_their_run(
    tab: Any, portal: Portal, run: str, shelf: Shelf,
) -> None:
    tab.goto(f"{portal.address}/runs/{run}/")
    board = tab.locator(f"#boards-of-run tr[data-device='{shelf.pk}']")
    expect(board).to_contain_text("no network yet")
    fits(tab)
    with another_page(tab):
        board.get_by_role("button", name="Send its first network").click()
    said = tab.locator("section", has_text="What it serves").get_by_text("waits for window sill")
    expect(said).to_be_in_viewport()
    rows = tab.locator("#networks-on-device tr[data-row]")
    expect(rows.first).to_contain_text("waiting")
    fits(tab)
    shelf.takes()
    expect(rows.first).to_contain_text("taken")
    expect(said).to_have_count(0)
    expect(rows.first).to_contain_text("after a trial on")
    expect(tab.locator("#networks-on-device dl")).to_contain_text("the first network of run")
    with another_page(tab):
        tab.get_by_role("button", name="Send").first.click()
    expect(rows.first).to_contain_text("update")
    expect(rows.first).to_contain_text("waiting")
    with another_page(tab):
        rows.first.get_by_role("button", name="Take back").click()
    expect(rows.first).to_contain_text("withdrawn")
    fits(tab)


def test_a_board_that_falls_silent_is_told_to_those_who_hear_the_page(page: Any, portal: Portal, shelf: Shelf) -> None:
    def silent(route: Any) -> None:
        answer = route.fetch()
        text = answer.text().replace("is-online", "is-contact-lost").replace(" online<", " contact lost<")
        route.fulfill(response=answer, body=text)

    page.goto(f"{portal.address}/devices/{shelf.pk}/")
    page.wait_for_selector("#device-state .is-online")
    page.route(f"**/devices/{shelf.pk}/", silent)
    page.wait_for_selector("#device-state .is-contact-lost")
    expect(page.locator("#devices-said")).to_contain_text("contact lost")


def test_the_teams_page_says_by_which_key_the_portal_signs(page: Any, portal: Portal, shelf: Shelf) -> None:
    page.goto(f"{portal.address}/team/")
    digits = page.locator("section", has_text="What this portal signs").locator("dd").inner_text()
    assert digits.replace(" ", "") == shelf.key
