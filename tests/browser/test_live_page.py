"""A run page goes on by itself: without sockets, through the death of the web process, in two tabs alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.portal import Portal, until
from tests.tabs import open_context

pytestmark = pytest.mark.browser
EPOCHS = 6


@pytest.fixture
def tab(chromium: Any, portal: Portal) -> Iterator[Any]:
    """A signed-in tab that may log errors: here the network is broken on purpose."""
    context = open_context(chromium, portal)
    yield context.new_page()
    context.close()


def launch(portal: Portal, epochs: int = EPOCHS) -> str:
    return portal.launch("training.backprop", epochs=epochs, batch_size=2)


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


def answers(portal: Portal) -> bool:
    try:
        return portal.http.get("/sign-in/").status_code == 200
    except httpx.TransportError:
        return False


def test_a_long_chart_is_drawn_to_its_last_epoch(tab: Any, portal: Portal) -> None:
    run = portal.launch("training.backprop", epochs=60, batch_size=512)
    tab.goto(f"{portal.address}/runs/{run}/")
    portal.wait(run, "finished")
    line = "document.querySelector('[data-kind=line] .js-plotly-plot')?.calcdata?.[0]"
    drawn = f"Math.round(Math.max(0, ...({line} ?? []).map((point) => point.x)))"
    until(lambda: tab.evaluate(drawn) == 60, 30, "60 epochs drawn")


def test_where_sockets_are_blocked_the_page_polls(tab: Any, portal: Portal) -> None:
    tab.route_web_socket("**/ws/**", lambda socket: socket.close())
    run = launch(portal)
    open_run(tab, portal, run)
    # Where all of it came before anybody looked, it came by polling too.
    tab.wait_for_selector("#link-state:is([data-state=polling], [data-state=complete])")
    ends_complete(tab, portal, run)


def test_when_the_web_process_is_killed_the_page_goes_on(tab: Any, portal: Portal) -> None:
    run = launch(portal)
    open_run(tab, portal, run)
    until(lambda: len(shown(tab)) >= 3, 60, "the first epochs")
    portal.web().kill()
    until(lambda: answers(portal), 60, "another web process")
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
    with portal.nothing_begins():
        run = launch(portal)
        tab.goto(f"{portal.address}/runs/{run}/")
        until(lambda: "1 live" in tab.inner_text(".places"), 30, "the rail counts it")
    portal.wait(run, "finished")
    until(lambda: tab.inner_text("#link-state") == "complete", 30, "the log is complete")
    until(lambda: "live" not in tab.inner_text(".places"), 30, "the rail counts it no more")
    until(lambda: "torch" in tab.inner_text("#environment"), 30, "the environment stands there")
    until(lambda: "will stand here" not in tab.inner_text("#files"), 30, "and so do the files")
    assert tab.locator("#live-change").count() == 0


def test_who_signs_out_in_another_tab_is_asked_to_sign_in_and_comes_back(chromium: Any, portal: Portal, finished: str) -> None:
    context = open_context(chromium)
    first = context.new_page()
    first.goto(portal.link())
    # It would go on for long: a page whose run is over asks for nothing, and so is told nothing.
    run = launch(portal, epochs=500)
    first.goto(f"{portal.address}/runs/{run}/")
    second = context.new_page()
    second.goto(portal.address + "/account/")
    second.locator("main").get_by_role("button", name="Sign out", exact=True).click()
    try:  # for its form, not for the load: the page may leave for it twice, and the second leave breaks the first off
        first.wait_for_selector("input[name=password]")
        assert first.url == f"{portal.address}/sign-in/?next=%2Fruns%2F{run}%2F"
    finally:
        context.close()
        portal.clear_the_slot()


def test_a_parameter_changed_on_the_page_reaches_the_training(tab: Any, portal: Portal) -> None:
    # It would go on for long: however late the page is, it is not over.
    run = launch(portal, epochs=500)
    open_run(tab, portal, run)
    until(lambda: portal.metrics(run, "learning_rate"), 60, "the first epoch")
    tab.locator("summary", has_text="Change while it runs").click()
    tab.get_by_role("textbox", name="Learning rate").fill("0.0001")
    tab.get_by_role("textbox", name="Learning rate").press("Enter")

    def rates() -> list[float]:
        return [metric["value"] for metric in portal.metrics(run, "learning_rate")]

    until(lambda: rates()[-1] <= 0.0001, 60, "an epoch of the new rate")
    assert max(rates()[:1]) > 0.001
    portal.clear_the_slot()
    assert any(event["type"] == "changed" for event in portal.events(run))
