"""Files in a real browser: dropped or chosen, checked live, refused with the remedy, cut off and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.portal import Portal, until
from worker.dnn import architectures

pytestmark = pytest.mark.browser
DROP = """([name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name));
  for (const type of ["dragenter", "dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
}"""


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    network = architectures.build("lenet5", 10, (1, 8, 8), seed=4)
    torch.save(network.state_dict(), tmp_path / "lenet-weights.pt")
    return tmp_path / "lenet-weights.pt"


def listed(page: Any, words: str, seconds: float = 60) -> None:
    until(lambda: words in page.locator("#uploads").inner_text(), seconds, f"{words!r} in {page.locator('#uploads').inner_text()!r}")


def test_a_dropped_data_set_is_checked_live_and_stands_in_the_table(page: Any, portal: Portal, tmp_path: Path) -> None:
    np.savez(tmp_path / "dots.npz", images=np.random.default_rng(3).integers(0, 256, (60, 8, 8), np.uint8), labels=np.arange(60) % 10)
    page.goto(f"{portal.address}/data/")
    page.evaluate("""() => { window.seen = []; new MutationObserver(() => { const state = document.querySelector("#uploads .state")?.innerText;
      if (state && seen.at(-1) !== state) seen.push(state); }).observe(document.body, { childList: true, subtree: true }); }""")
    page.evaluate(DROP, ["dots.npz", list((tmp_path / "dots.npz").read_bytes())])
    listed(page, "ready")
    until(lambda: page.locator("#table a", has_text="dots").count(), 10, "the row of the table")
    seen = " ".join(page.evaluate("window.seen"))
    assert "checking" in seen and "ready" in seen
    page.reload()
    listed(page, "ready")
    page.click("#uploads a:has-text('dots')")
    assert "70, 10 and 20 %" in page.locator(".notes").inner_text()


def test_weights_are_asked_for_their_architecture_and_not_sent_again(page: Any, portal: Portal, weights: Path) -> None:
    page.goto(f"{portal.address}/models/")
    page.set_input_files("#upload-file", weights)
    listed(page, "choose its architecture")
    row = page.locator("[data-upload]", has_text=weights.name)
    assert "fit lenet5" in row.inner_text() and row.locator("select").input_value() == "lenet5"
    row.locator("[name$=in_shape]").fill("many")
    row.get_by_role("button", name="Check again").click()
    assert "three whole numbers" in page.locator(".error").inner_text()
    assert page.locator("[name$=in_shape]").input_value() == "many"
    page.locator("[name$=in_shape]").fill("1x8x8")
    page.get_by_role("button", name="Check again").click()
    page.wait_for_url(f"{portal.address}/models/")
    listed(page, "ready")
    page.click("#uploads a:has-text('lenet-weights')")
    until(lambda: "%" in page.locator("#table").inner_text(), 90, "its accuracy, measured by itself")
    assert "digits, test, n = 360" in page.locator("#table").inner_text()


def test_a_wrong_file_is_refused_at_once_in_words(page: Any, portal: Portal) -> None:
    page.goto(f"{portal.address}/models/")
    with page.expect_response(lambda answer: "/parts" in answer.url):
        page.evaluate(DROP, ["net.pt", list(b"<!doctype html><title>Sign in</title>")])
    until(lambda: "web page, not a model" in page.locator("#sending").inner_text(), 10, "the refusal")
    # Chromium logs every answer of 4xx as an error of the page; this one is what was asked for.
    page.locator("#sending button").click()
    until(lambda: not page.locator("#sending li").count(), 10, "dismissed")


def test_a_reload_in_the_middle_goes_on_with_the_same_file(page: Any, portal: Portal, tmp_path: Path) -> None:
    path = tmp_path / "large.npz"
    np.savez(path, images=np.random.default_rng(4).integers(0, 256, (7000, 3, 32, 32), np.uint8), labels=np.arange(7000) % 10)
    page.goto(f"{portal.address}/data/")
    page.route("**/parts?offset=8000000", lambda route: route.abort())
    page.set_input_files("#upload-file", path)
    until(lambda: "does not answer" in page.locator("#sending").inner_text(), 30, "the line is cut")
    page.unroute("**/parts?offset=8000000")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    listed(page, "drop the same file again", 10)
    offsets: list[str] = []
    page.on("request", lambda asked: offsets.append(asked.url.partition("offset=")[2]) if "/parts" in asked.url else None)
    page.set_input_files("#upload-file", path)
    listed(page, "ready", 90)
    assert offsets == ["8000000", "16000000"]
