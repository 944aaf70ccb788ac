"""A run page goes on by itself: without sockets, through the death of the web process, in two tabs alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.portal import Portal, until

pytestmark = pytest.mark.browser
EPOCHS = 6


@pytest.fixture
def tab(chromium: Any, portal: Portal) -> Iterator[Any]:
    """A signed-in tab that may log errors: here the network is broken on purpose."""
    context = chromium.new_context()
    context.add_cookies([{"name": name, "value": value, "domain": "127.0.0.1", "path": "/"}
                         for name, value in portal.http.cookies.items()])
    yield context.new_page()
    context.close()


def launch(portal: Portal) -> str:
    return portal.launch("training.backprop", epochs=EPOCHS, batch_size=2)


def chart(tab: Any) -> Any:
    return tab.locator(".chart", has_text="Accuracy per epoch").first


def shown(tab: Any) -> list[str]:
    """The rows of the accuracy chart's table."""
    return list(chart(tab).locator(".data tbody tr").all_inner_texts())


def open_run(tab: Any, portal: Portal, run: str) -> None:
    tab.goto(f"{portal.address}/runs/{run}/")
    chart(tab).get_by_role("button", name="table").click()


def ends_complete(tab: Any, portal: Portal, run: str) -> None:
    """Without a reload the page ends with every epoch, each once, and the word that it has finished."""
    portal.wait(run, "finished")
    expected = len(portal.metrics(run, "accuracy"))
    until(lambda: len(shown(tab)) == expected, 60, f"{expected} rows, there are {len(shown(tab))}")
    assert len(set(shown(tab))) == expected
    until(lambda: "finished" in tab.locator(".state").first.inner_text(), 30, "the state says finished")


def test_a_long_chart_is_drawn_to_its_last_epoch(tab: Any, portal: Portal) -> None:
    run = portal.launch("training.backprop", epochs=60, batch_size=512)
    tab.goto(f"{portal.address}/runs/{run}/")
    portal.wait(run, "finished")
    drawn = "Math.round(Math.max(...document.querySelector('[data-kind=line] .js-plotly-plot').calcdata[0].map(p => p.x)))"
    until(lambda: tab.locator("[data-kind=line] .js-plotly-plot").count() and tab.evaluate(drawn) == 60, 20, "60 epochs drawn")


def test_where_sockets_are_blocked_the_page_polls(tab: Any, portal: Portal) -> None:
    tab.route_web_socket("**/ws/**", lambda socket: socket.close())
    run = launch(portal)
    open_run(tab, portal, run)
    until(lambda: "polling" in (tab.get_attribute("#link-state", "data-state") or ""), 60, "the page says that it polls")
    ends_complete(tab, portal, run)


def test_when_the_web_process_is_killed_the_page_goes_on(tab: Any, portal: Portal) -> None:
    run = launch(portal)
    open_run(tab, portal, run)
    until(lambda: len(shown(tab)) >= 3, 60, "the first epochs")
    portal.web().kill()
    ends_complete(tab, portal, run)


def test_two_tabs_show_the_same_picture(tab: Any, portal: Portal) -> None:
    run = launch(portal)
    open_run(tab, portal, run)
    until(lambda: len(shown(tab)) >= 3, 60, "the first epochs")
    late = tab.context.new_page()
    open_run(late, portal, run)
    ends_complete(tab, portal, run)
    ends_complete(late, portal, run)
    assert shown(late) == shown(tab)


def test_when_it_ends_every_part_of_the_page_says_so(tab: Any, portal: Portal) -> None:
    run = launch(portal)
    tab.goto(f"{portal.address}/runs/{run}/")
    until(lambda: "1 live" in tab.inner_text(".places"), 10, "the rail counts it")
    portal.wait(run, "finished")
    until(lambda: tab.inner_text("#link-state") == "complete", 20, "the log is complete")
    until(lambda: "live" not in tab.inner_text(".places"), 10, "the rail counts it no more")
    until(lambda: "torch" in tab.inner_text("#environment"), 10, "the environment stands there")
    until(lambda: "will stand here" not in tab.inner_text("#files"), 10, "and so do the files")
    assert tab.locator("#live-change").count() == 0


def test_who_signs_out_in_another_tab_is_asked_to_sign_in_and_comes_back(chromium: Any, portal: Portal, finished: str) -> None:
    context = chromium.new_context()
    first = context.new_page()
    first.goto(portal.link())
    run = launch(portal)
    first.goto(f"{portal.address}/runs/{run}/")
    second = context.new_page()
    second.goto(portal.address + "/account/")
    second.locator("main").get_by_role("button", name="Sign out", exact=True).click()
    first.wait_for_url(f"{portal.address}/sign-in/?next=%2Fruns%2F{run}%2F", timeout=20_000)
    context.close()
    portal.clear_the_slot()


def test_a_parameter_changed_on_the_page_reaches_the_training(tab: Any, portal: Portal) -> None:
    run = launch(portal)
    open_run(tab, portal, run)
    until(lambda: portal.metrics(run, "learning_rate"), 60, "the first epoch")
    tab.locator("summary", has_text="Change while it runs").click()
    tab.get_by_role("textbox", name="Learning rate").fill("0.0001")
    tab.get_by_role("textbox", name="Learning rate").press("Enter")
    portal.wait(run, "finished")
    rates = [metric["value"] for metric in portal.metrics(run, "learning_rate")]
    assert max(rates[:1]) > 0.001 and rates[-1] <= 0.0001
    assert any(event["type"] == "changed" for event in portal.events(run))
