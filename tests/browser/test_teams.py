"""Teams in a real browser: one invites, another joins by the link, turns the second step on and signs in with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.waiting import another_page
from tests.portal import Portal, open_tab, until
from tests.tabs import open_context

pytestmark = pytest.mark.browser
PASSWORD = "an unusual phrase 42"


@pytest.fixture
def tab(chromium: Any, portal: Portal) -> Iterator[Any]:
    """Who leads the sample team."""
    yield from open_tab(chromium, portal, viewport={"width": 1280, "height": 844})


@pytest.fixture
def phone(chromium: Any) -> Iterator[Any]:
    """Somebody new, in the dark, on a phone."""
    context = open_context(chromium, viewport={"width": 390, "height": 844}, color_scheme="dark")
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    context.close()
    assert not complaints


def fits(page: Any) -> None:
    assert findings(page) == [] and wider_than_the_window(page) == 0, page.url


def invite(tab: Any, portal: Portal, email: str) -> str:
    tab.goto(f"{portal.address}/team/")
    fits(tab)
    tab.fill("#invite_email", email)
    tab.click("form[action$='/invite/'] button")
    return str(tab.inner_text("#once"))


def test_one_invites_and_another_joins_and_uses_a_second_step(tab: Any, phone: Any, portal: Portal) -> None:
    email = f"ada{time.time_ns()}@example.org"
    link = invite(tab, portal, email)
    fits(tab)
    phone.goto(link)
    fits(phone)
    phone.fill("[name=name]", "Ada")
    phone.fill("[name=password]", "short")
    with another_page(phone):
        phone.click("text=Join >> nth=-1")
    assert phone.input_value("[name=name]") == "Ada"
    fits(phone)
    phone.fill("[name=password]", PASSWORD)
    phone.click("button.primary")
    phone.wait_for_selector("text=Welcome to Sample team")
    phone.goto(link)
    assert "This link no longer works" in phone.inner_text("main")
    key = turn_on(phone, portal)
    sign_in_again(phone, portal, email, key)


def turn_on(phone: Any, portal: Portal) -> str:
    phone.goto(f"{portal.address}/account/second-step/")
    fits(phone)
    with another_page(phone):
        phone.click("text=Turn it on")
    phone.fill("[name=password]", PASSWORD)
    fits(phone)
    phone.click("button.primary")
    phone.wait_for_selector(".qr")
    until(lambda: phone.evaluate("document.querySelector('.qr').naturalWidth") > 0, 30, "the picture of the key")
    fits(phone)
    key = str(phone.inner_text("#key"))
    phone.fill("[name=code]", format_hotp_value(hotp_value(key, int(time.time()) // 30)))
    phone.click("button.primary")
    phone.wait_for_selector("text=10 of 10 are left")
    fits(phone)
    return key


def sign_in_again(phone: Any, portal: Portal, email: str, key: str) -> None:
    phone.goto(f"{portal.address}/account/")
    fits(phone)
    with another_page(phone):
        phone.click("main form[action='/sign-out/'] button")
    fits(phone)
    phone.fill("[name=login]", email)
    phone.fill("[name=password]", PASSWORD)
    phone.click("button.primary")
    phone.wait_for_selector("text=Second step")
    fits(phone)
    phone.fill("[name=code]", format_hotp_value(hotp_value(key, int(time.time()) // 30 + 1)))
    phone.click("button.primary")
    phone.wait_for_selector("h1:has-text('Sample team')")


def test_a_token_is_shown_once_and_opens_the_api(tab: Any, portal: Portal) -> None:
    tab.goto(f"{portal.address}/account/")
    tab.fill("#token_name", "nightly benchmark")
    tab.click("text=Make a token")
    text = str(tab.inner_text("#once"))
    fits(tab)
    ask = {"headers": {"Authorization": f"Bearer {text}"}}
    assert httpx.get(f"{portal.address}/api/me", **ask).json()["by_token"] is True
    tab.goto(f"{portal.address}/account/")
    assert text not in tab.content()
    end = "summary[aria-label='End the token nightly benchmark']"
    tab.click(end)
    assert httpx.get(f"{portal.address}/api/me", **ask).status_code == 200
    tab.click(f"details:has({end}) button:has-text('End the token')")
    tab.wait_for_selector("text=has ended")
    assert httpx.get(f"{portal.address}/api/me", **ask).status_code == 401


def test_the_frame_works_on_a_page_that_shows_a_secret(tab: Any, portal: Portal) -> None:
    invite(tab, portal, f"eve{time.time_ns()}@example.org")
    tab.click(".team > summary")
    fits(tab)
    with another_page(tab):
        tab.click("text=New team")
    tab.fill("#team_name", "Second team")
    tab.click("text=Make the team")
    tab.wait_for_selector("h1:has-text('Second team')")
    tab.wait_for_load_state()
    tab.click(".team > summary")
    tab.click(".team button:has-text('Sample team')")
    tab.wait_for_selector("h1:has-text('Sample team')")
