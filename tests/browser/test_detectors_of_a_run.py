"""ROMA in a real browser: from the form to a page that shows the scene, who runs when, and how accurate each policy is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.tables import cells
from tests.browser.test_look import findings, wider_than_the_window
from tests.portal import Portal, until

pytestmark = pytest.mark.browser
SCENES = ("small, slow: 90 frames, heights 14 to 28 px, speed 0.01, 8 objects\n"
          "large, fast: 90 frames, heights 90 to 180 px, speed 0.08, 8 objects")
NEW = "/experiments/new/detection.roma/"
SCENE, WHO = "The scene and what ROMA shows of it (emulated)", "Whose boxes are shown when (emulated)"


@pytest.fixture(scope="module")
def rehearsed(portal: Portal) -> str:
    run = portal.launch("detection.roma", scenes=SCENES, drift="2 s to 4 s: 2 times")
    portal.wait(run, "finished")
    return run


@pytest.fixture
def run_page(page: Any, portal: Portal, rehearsed: str) -> Any:
    page.goto(f"{portal.address}/runs/{rehearsed}/")
    page.wait_for_selector(".chart[data-kind=scene] .main-svg")
    return page


def chart(page: Any, title: str) -> Any:
    return page.locator(".chart", has_text=title).first


def rows(page: Any, title: str) -> list[list[str]]:
    """The table behind a chart."""
    chart(page, title).get_by_role("button", name="table").click()
    until(lambda: len(cells(chart(page, title))) > 1, 30, "a table")
    return cells(chart(page, title))


def test_a_line_that_is_no_detector_is_said_at_its_field_and_kept(page: Any, portal: Portal) -> None:
    page.goto(portal.address + NEW)
    assert page.input_value("#id_detectors").splitlines()[0] == "tiny-288: 27 ms, h50 55 px, recall 0.9, false positives 0.3"
    page.fill("#id_detectors", "tiny: 20 ms, h50 50 px, recall 0.9, false positives 0.3\nquick")
    page.click("text=Start the run")
    page.wait_for_selector(".error:has-text(\"got 'quick'; a line is such as 'full-288: 126 ms\")")
    assert page.input_value("#id_detectors").splitlines()[1] == "quick"


def test_the_form_starts_a_run_that_needs_neither_model_nor_data(page: Any, portal: Portal) -> None:
    page.goto(portal.address + NEW)
    page.fill("#id_scenes", SCENES)
    page.fill("#id_drift", "none")
    page.click("text=Start the run")
    page.wait_for_url("**/runs/**")
    run = re.findall(r"[0-9a-f-]{36}", page.url)[0]
    portal.wait(run, "finished")
    assert portal.run(run)["summary"]["frames"] == 180


def test_the_verdict_says_that_it_is_emulated_and_what_it_was_held_against(run_page: Any) -> None:
    expect(run_page.locator("main")).to_contain_text("real-time AP (hold rule, emulated)")
    for name in ("the best single detector", "TOD", "periodic profiling", "oracle"):
        expect(run_page.locator("main")).to_contain_text(name)


def test_every_chart_says_that_it_is_emulated_and_the_rules_are_never_mixed(run_page: Any) -> None:
    titles = run_page.locator(".chart h2").all_inner_texts()
    assert len(titles) == 7 and all(title.endswith("(emulated)") for title in titles)
    assert [sum(f"{rule} rule" in title for title in titles) for rule in ("hold", "strict")] == [2, 2]


def test_a_frame_shows_what_is_there_and_what_was_found_and_any_other_can_be_chosen(run_page: Any) -> None:
    scene = chart(run_page, SCENE)
    expect(scene.locator(".scatterlayer .trace")).to_have_count(2)
    expect(scene.locator(".caption")).to_contain_text("frame 177")
    scene.get_by_role("slider").focus()
    run_page.keyboard.press("Home")
    expect(scene.locator(".caption")).to_contain_text("frame 0, 0 s · full-416")
    run_page.keyboard.press("ArrowRight")
    expect(scene.locator(".caption")).to_contain_text("frame 3, 0.100 s · full-416, boxes 3 frames old")
    head, *found = rows(run_page, SCENE)
    assert head == ["frame 3", "left, px", "top, px", "width, px", "height, px"]
    there = [row for row in found if row[0] == "what is there"]
    assert len(there) == 8 and all(13.5 <= float(row[4]) <= 28.5 for row in there)
    assert {row[0] for row in found} == {"what is there", "full-416"}


def test_all_frames_can_be_played(run_page: Any) -> None:
    scene = chart(run_page, SCENE)
    scene.get_by_role("slider").focus()
    run_page.keyboard.press("Home")
    expect(scene.locator(".caption")).to_contain_text("frame 0,")
    scene.get_by_role("button", name="play").click()
    expect(scene.locator(".caption")).to_contain_text("frame 177")
    expect(scene.get_by_role("button", name="play")).to_be_visible()


def test_who_serves_when_adds_up_to_the_video_for_every_policy(run_page: Any) -> None:
    _, *found = rows(run_page, WHO)
    lengths: dict[str, float] = {}
    for policy, *_, length, _ in found:
        lengths[policy] = lengths.get(policy, 0) + float(length.replace(",", ""))
    assert set(lengths) == {"TOD", "periodic profiling", "ROMA", "oracle"}
    assert all(abs(length - 6) < 0.05 for length in lengths.values())


def test_detectors_have_one_colour_on_the_scene_and_on_the_lanes(run_page: Any) -> None:
    def colours(title: str, part: str) -> dict[str, str]:
        found: dict[str, str] = chart(run_page, title).locator(".legend").evaluate(
            "(legend, part) => Object.fromEntries([...legend.querySelectorAll('button')].map((entry) => "
            "[entry.textContent, entry.querySelector('path').getAttribute(part)]))", part)
        return found

    scene, lanes = colours(SCENE, "stroke"), colours(WHO, "fill")
    assert set(scene) - {"what is there"} <= set(lanes)
    assert all(lanes[name] == colour for name, colour in scene.items() if name in lanes)
    assert len(set(lanes.values())) == len(lanes)


def test_it_reads_well_on_a_phone_and_in_the_dark(run_page: Any) -> None:
    assert not findings(run_page)
    run_page.emulate_media(color_scheme="dark")
    until(lambda: not findings(run_page), 60, "a dark page in which axe finds nothing")
    run_page.set_viewport_size({"width": 390, "height": 800})
    until(lambda: wider_than_the_window(run_page) == 0, 60, "charts as wide as the window")
