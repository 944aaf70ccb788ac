"""Files in a real browser: dropped or chosen, checked live, refused with the remedy, cut off and gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from tests.browser.waiting import another_page
from tests.portal import Portal, until
from tests.tabs import open_context
from worker.dnn import architectures

pytestmark = pytest.mark.browser
DROP = """([name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name));
  for (const type of ["dragenter", "dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
}"""


@contextmanager
def desk_held(portal: Portal) -> Iterator[None]:
    """The desk checks nothing as long as this lasts: what a page shows meanwhile can be seen, however slow it is."""
    desk = portal.program("celery", "desk@")
    desk.suspend()
    try:
        yield
    finally:
        desk.resume()


@pytest.fixture
def tab(chromium: Any, portal: Portal) -> Iterator[Any]:
    """A signed-in tab in which the portal may refuse something: Chromium logs every answer of 4xx as an error of the page."""
    context = open_context(chromium, portal)
    broken: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: broken.append(str(error)))
    yield page
    context.close()
    assert not broken, broken


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    network = architectures.build("lenet5", 10, (1, 8, 8), seed=4)
    torch.save(network.state_dict(), tmp_path / "lenet-weights.pt")
    return tmp_path / "lenet-weights.pt"


def listed(page: Any, words: str, seconds: float = 60) -> None:
    until(lambda: words in page.locator("#uploads").inner_text(), seconds, f"{words!r} among the uploads")


def test_a_dropped_data_set_is_checked_live_and_stands_in_the_table(page: Any, portal: Portal, tmp_path: Path) -> None:
    images = np.random.default_rng(3).integers(0, 256, (60, 8, 8), np.uint8)
    np.savez(tmp_path / "dots.npz", images=images, labels=np.arange(60) % 5)
    page.goto(f"{portal.address}/data/")
    row = page.locator("[data-upload]", has_text="dots.npz")
    with desk_held(portal):
        page.evaluate(DROP, ["dots.npz", list((tmp_path / "dots.npz").read_bytes())])
        expect(row).to_contain_text("checking")
    expect(row).to_contain_text("ready")
    expect(page.locator("#table a", has_text="dots")).not_to_have_count(0)
    page.reload()
    expect(row).to_contain_text("ready")
    with another_page(page):
        page.click("#uploads a:has-text('dots')")
    assert "70, 10 and 20 %" in page.locator(".notes").inner_text()


def test_weights_are_asked_for_their_architecture_and_not_sent_again(tab: Any, portal: Portal, weights: Path) -> None:
    tab.goto(f"{portal.address}/models/")
    tab.set_input_files("#upload-file", weights)
    row = tab.locator("[data-upload]", has_text=weights.name)
    until(lambda: row.count() and "fit lenet5" in row.inner_text(), 60, "what these weights fit")
    assert row.locator("select").input_value() == "lenet5"
    row.locator("[name$=in_shape]").fill("many")
    with another_page(tab):
        row.get_by_role("button", name="Check again").click()
    assert "three whole numbers" in row.locator(".error").inner_text()
    assert row.locator("[name$=in_shape]").input_value() == "many"
    row.locator("[name$=in_shape]").fill("1x8x8")
    with another_page(tab):
        row.get_by_role("button", name="Check again").click()
    expect(row).to_contain_text("ready")
    with another_page(tab):
        tab.click("#uploads a:has-text('lenet-weights')")
    until(lambda: "%" in tab.locator("#table").inner_text(), 90, "its accuracy, measured by itself")
    assert "digits, test, n = 360" in tab.locator("#table").inner_text()


def test_a_wrong_file_is_refused_at_once_in_words(tab: Any, portal: Portal) -> None:
    tab.goto(f"{portal.address}/models/")
    with tab.expect_response(lambda answer: "/parts" in answer.url):
        tab.evaluate(DROP, ["net.pt", list(b"<!doctype html><title>Sign in</title>")])
    until(lambda: "web page, not a model" in tab.locator("#sending").inner_text(), 30, "the refusal")
    tab.locator("#sending button").click()
    until(lambda: not tab.locator("#sending li").count(), 30, "dismissed")


def test_a_reload_in_the_middle_goes_on_with_the_same_file(tab: Any, portal: Portal, tmp_path: Path) -> None:
    path = tmp_path / "large.npz"
    np.savez(path, images=np.random.default_rng(4).integers(0, 256, (7000, 3, 32, 32), np.uint8), labels=np.arange(7000) % 10)
    tab.goto(f"{portal.address}/data/")
    tab.route("**/parts?offset=8000000", lambda route: route.abort())
    tab.set_input_files("#upload-file", path)
    until(lambda: "does not answer" in tab.locator("#sending").inner_text(), 30, "the line is cut")
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.reload()
    # Not before: what the page that is left tries again would come through.
    tab.unroute("**/parts?offset=8000000")
    listed(tab, "drop the same file again")
    offsets: list[str] = []
    tab.on("request", lambda asked: offsets.append(asked.url.partition("offset=")[2]) if "/parts" in asked.url else None)
    tab.set_input_files("#upload-file", path)
    row = tab.locator("[data-upload]", has_text="large.npz")
    until(lambda: "ready" in row.inner_text(), 90, "the rest of it sent and checked")
    assert offsets == ["8000000", "16000000"]
