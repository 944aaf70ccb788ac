"""Two people and one portfolio: Alice picks and submits, Ruth reviews; each sees what the other does without reloading."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.waiting import another_page, at_rest
from tests.portal import ROOT, Portal, open_tab, until
from tests.tabs import open_context

pytestmark = pytest.mark.browser
# Whether two points of the trade-off have a ring.
RINGS = """() => document.querySelector(".chart[data-kind=tradeoff] .plot").data
  .flatMap((trace) => (trace.ids ? [trace.marker.line?.width ?? 0].flat() : [])).filter((width) => width === 3).length === 2"""
SIGN_IN = """
from apps.accounts.models import *; from django.contrib.sessions.backends.db import SessionStore
from django.conf import settings
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
u = User.objects.get_or_create(email='{name}@example.org', defaults={{'name': '{Name}'}})[0]
Membership.objects.update_or_create(team=Team.objects.get(is_sample=True), user=u, defaults={{'role': '{role}'}})
s = SessionStore(); s[SESSION_KEY] = str(u.pk); s[HASH_SESSION_KEY] = u.get_session_auth_hash()
s[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]; s.save(); print(s.session_key)
"""


def person(portal: Portal, name: str, role: str) -> dict[str, Any]:
    """The session cookie of somebody of the sample team."""
    code = SIGN_IN.format(name=name, Name=name.title(), role=role)
    done = subprocess.run([sys.executable, "manage.py", "shell", "-v", "0", "-c", code], cwd=ROOT, env=portal.environ(),
                          capture_output=True, text=True, check=True)
    return {"name": "sessionid", "value": done.stdout.split()[-1], "domain": "127.0.0.1", "path": "/"}


def browser_of(chromium: Any, portal: Portal, name: str, role: str) -> Iterator[Any]:
    for tab in open_tab(chromium, portal, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"):
        tab.context.clear_cookies()
        tab.context.add_cookies([person(portal, name, role)])
        yield tab


@pytest.fixture
def alice(chromium: Any, portal: Portal) -> Iterator[Any]:
    yield from browser_of(chromium, portal, "alice", "admin")


@pytest.fixture
def ruth(chromium: Any, portal: Portal) -> Iterator[Any]:
    yield from browser_of(chromium, portal, "ruth", "reviewer")


@pytest.fixture
def patient_ruth(chromium: Any, portal: Portal) -> Iterator[Any]:
    """Ruth where a form that comes back refused is no failure of the page."""
    context = open_context(chromium)
    context.add_cookies([person(portal, "ruth", "reviewer")])
    yield context.new_page()
    context.close()


def pick_two(tab: Any, portal: Portal, run: str, name: str) -> str:
    """The dense and the pruned variant of a run, into a new portfolio; its address."""
    tab.goto(f"{portal.address}/runs/{run}/")
    tab.wait_for_selector("#pick", state="attached")
    boxes = tab.locator("input.pick")
    assert boxes.count() == 2 and not tab.locator("#pick").is_visible()
    boxes.nth(0).check()
    expect(tab.locator("#picked")).to_have_text("1 picked")
    # The second by keyboard alone: j goes to its row, x picks it.
    tab.locator("[data-row] a").first.focus()
    tab.keyboard.press("j")
    expect(tab.locator("[data-row].picked input.pick")).to_have_value(boxes.nth(1).get_attribute("value"))
    tab.keyboard.press("x")
    expect(tab.locator("#picked")).to_have_text("2 picked")
    tab.locator(".chart[data-kind=tradeoff] .js-plotly-plot").hover()
    tab.wait_for_function(RINGS)
    with another_page(tab):
        tab.click("#add-picked")
    tab.fill("[name=name]", name)
    with another_page(tab):
        tab.click("text=Make it")
    tab.wait_for_selector("#board")
    return str(tab.url)


def ask(tab: Any, metric: str, bound: str, comparison: str = "") -> None:
    if tab.locator("#ask").get_attribute("open") is None:
        tab.click("#ask summary")
    tab.select_option("[name=metric]", metric)
    if comparison:
        tab.select_option("[name=comparison]", comparison)
    tab.fill("[name=bound]", bound)
    with another_page(tab):
        tab.click("text=Add the criterion")


def press(tab: Any, button: str) -> None:
    """A button that leads to the page anew."""
    with another_page(tab):
        tab.click(button)


def state(tab: Any) -> str:
    return " ".join(tab.locator("#head .state").inner_text().split())


def sees(tab: Any, word: str) -> None:
    until(lambda: word in state(tab), 30, f"{word!r} without reloading, it is {state(tab)!r}")


def live(tab: Any) -> None:
    tab.wait_for_selector("#link-state[data-state=live]", state="attached")


def test_two_people_play_a_review_through(alice: Any, ruth: Any, portal: Portal, finished: str) -> None:
    address = pick_two(alice, portal, finished, "Doorbell")
    ask(alice, "size_bytes", "0.0001")
    ask(alice, "accuracy", "1")
    expect(alice.locator(".verdict-fail")).to_have_count(2)
    expect(alice.locator("td.verdict-pass")).to_have_count(2)
    ruth.goto(address)
    live(ruth)
    assert "draft" in state(ruth) and ruth.locator("#review button").count() == 0

    press(alice, "text=Submit for review")
    sees(ruth, "in review")
    sees(alice, "in review")
    # Alice leads the team, but it is her own work: she is not offered a decision.
    expect(alice.locator("#review")).to_contain_text("somebody else decides")
    assert alice.locator("#review button").count() == 0
    live(alice)

    ruth.locator("td.verdict-fail a.cell").first.click()
    ruth.wait_for_selector("#cell dl")
    assert "counted in the variant's own file" in ruth.locator("#cell").inner_text()
    expect(ruth.locator("#anchor")).to_contain_text("size at most")
    ruth.fill("#say textarea", "Far **too strict**: a digit more?")
    press(ruth, "#say button:has-text('Comment')")
    alice.wait_for_selector("#talk strong:has-text('too strict')")
    expect(alice.locator("#talk .tag")).to_contain_text("size at most")

    # What Alice types outlives what Ruth does meanwhile.
    alice.fill("#say textarea", "I am still writing")
    ruth.fill("#review textarea", "Mend the bound.")
    press(ruth, "text=Request changes")
    sees(ruth, "changes requested")
    sees(alice, "changes requested")
    expect(alice.locator("#review")).to_contain_text("Mend the bound.")
    assert alice.input_value("#say textarea") == "I am still writing"
    alice.fill("#say textarea", "")

    press(alice, "a[aria-label^='Change size']")
    alice.fill("[name=bound]", "100")
    press(alice, "text=Change the criterion")
    alice.wait_for_selector("#board")
    expect(alice.locator(".verdict-fail")).to_have_count(0)
    press(alice, "text=Submit for review")
    sees(ruth, "in review")
    press(ruth, "#review button[value=approve]")
    sees(ruth, "approved")
    sees(alice, "approved")
    expect(alice.locator("#review")).to_contain_text("Ruth approved version")


def test_a_point_of_the_trade_off_is_picked_by_a_click(alice: Any, portal: Portal, finished: str) -> None:
    alice.goto(f"{portal.address}/runs/{finished}/")
    alice.wait_for_selector(".chart[data-kind=tradeoff] .main-svg")
    alice.wait_for_selector("#pick", state="attached")
    plot = alice.locator(".chart[data-kind=tradeoff] .plot")
    plot.scroll_into_view_if_needed()
    point = at_rest(plot.locator(".scatterlayer .point").last)
    alice.mouse.move(point["x"] - 40, point["y"] - 20)
    alice.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2, steps=5)
    alice.wait_for_selector(".chart[data-kind=tradeoff] .plot[data-picks]")
    alice.mouse.click(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    until(lambda: alice.locator("input.pick:checked").count() == 1, 30, "a ticked box")
    assert alice.locator("#picked").text_content() == "1 picked"


def test_what_is_picked_on_one_page_is_still_picked_on_the_next(alice: Any, portal: Portal, finished: str) -> None:
    alice.goto(f"{portal.address}/runs/{finished}/")
    alice.wait_for_selector("#pick", state="attached")
    for box in alice.locator("input.pick").all():
        box.check()
    alice.goto(f"{portal.address}/models/")
    press(alice, "main table a:has-text('VGG-11')")
    alice.wait_for_selector("text=2 picked on other pages")
    alice.locator("input.pick").first.check()
    expect(alice.locator("#picked")).to_have_text("3 picked: 1 here, 2 on other pages")
    alice.click("#add-picked")
    alice.wait_for_selector("h1:has-text('Add 3 variants')")


@pytest.mark.parametrize(("width", "height"), [(1280, 400), (390, 500)])
def test_what_is_picked_is_in_sight_wherever_the_page_is_scrolled(alice: Any, portal: Portal, finished: str, width: int,
                                                                  height: int) -> None:
    alice.set_viewport_size({"width": width, "height": height})
    alice.goto(f"{portal.address}/models/")
    press(alice, "main table a:has-text('VGG-11')")
    alice.wait_for_selector("#pick", state="attached")
    alice.locator("input.pick").first.check()
    for where in ("0", "document.body.scrollHeight"):
        alice.evaluate(f"scrollTo(0, {where})")
        expect(alice.locator("#picked")).to_be_in_viewport(ratio=1)
        expect(alice.locator("#add-picked")).to_be_in_viewport(ratio=1)
    assert wider_than_the_window(alice) == 0
    with another_page(alice):
        alice.click("#add-picked")


def test_the_authors_own_approval_is_refused(alice: Any, portal: Portal, finished: str) -> None:
    address = pick_two(alice, portal, finished, "Own work")
    ask(alice, "accuracy", "1")
    press(alice, "text=Submit for review")
    sees(alice, "in review")
    answer = alice.context.request.post(f"{address}decide/", form={"version": "3", "verdict": "approve", "text": ""}, headers={
        "X-CSRFToken": cookie(alice), "Referer": portal.address})
    assert answer.status == 403 and "somebody else decides" in answer.text()


def test_a_decision_on_what_changed_meanwhile_keeps_the_words(alice: Any, patient_ruth: Any, portal: Portal,
                                                                  finished: str) -> None:
    ruth, address = patient_ruth, pick_two(alice, portal, finished, "Overtaken")
    ask(alice, "accuracy", "1")
    press(alice, "text=Submit for review")
    ruth.goto(address)
    live(ruth)
    ruth.fill("#review textarea", "I have thought about this for long.")
    press(alice, "text=Withdraw")
    sees(alice, "draft")
    ask(alice, "size_bytes", "90")
    press(alice, "text=Submit for review")
    until(lambda: ruth.locator("#pending").is_visible(), 30, "word of the change")
    with ruth.expect_response(re.compile("decide")) as answered:
        ruth.click("#review button[value=approve]")
    assert answered.value.status == 409
    ruth.wait_for_selector("#form-errors")
    assert "asked for size at most 90 MB" in ruth.locator("#form-errors").inner_text()
    assert ruth.input_value("#review textarea") == "I have thought about this for long."


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_the_pages_of_a_portfolio_are_accessible_and_fit(chromium: Any, portal: Portal, finished: str, width: int,
                                                         scheme: str) -> None:
    for tab in open_tab(chromium, portal, viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce"):
        address = pick_two(tab, portal, finished, f"Looked at {width} {scheme}")
        ask(tab, "accuracy", "1")
        ask(tab, "size_bytes", "0.0001")
        ask(tab, "latency_ms_p95", "0.001")
        tab.locator("a.cell").first.click()
        tab.wait_for_selector("#cell dl")
        wrong: dict[str, object] = {}
        tab.fill("#say textarea", "A `word` on it.")
        press(tab, "#say button:has-text('Comment')")
        tab.wait_for_selector("#talk li")
        pages = [tab.url, f"{portal.address}/portfolios/", f"{address}edit/", f"{portal.address}/portfolios/pick/"]
        for page in pages:
            tab.goto(page)
            if found := findings(tab):
                wrong[page] = found
            if over := wider_than_the_window(tab):
                wrong[f"{page} is too wide"] = over
        assert not wrong, wrong


def cookie(tab: Any) -> str:
    return next((each["value"] for each in tab.context.cookies() if each["name"] == "csrftoken"), "")


def test_a_table_that_is_brought_anew_leaves_the_focus_in_its_row_and_the_boxes_ticked(
        alice: Any, portal: Portal, finished: str) -> None:
    """Both rows lead to one page: the row counts, not where its link leads."""
    alice.goto(f"{portal.address}/runs/{finished}/")
    alice.wait_for_selector("#pick", state="attached")
    alice.locator("input.pick").nth(1).check()
    link = alice.locator("#variants [data-row] th > a:first-of-type").nth(1)
    link.focus()
    before = alice.locator("#variants").element_handle()
    alice.evaluate("htmx.ajax('GET', location.pathname + 'variants/', {target: '#variants', swap: 'outerHTML'})")
    alice.wait_for_function("old => !old.isConnected", arg=before)
    expect(link).to_be_focused()
    expect(alice.locator("input.pick").nth(1)).to_be_checked()
    alice.keyboard.press("x")
    expect(alice.locator("input.pick").nth(1)).not_to_be_checked()
    assert not alice.locator("input.pick").nth(0).is_checked()
