"""What can be taken along from a variant's page: made by the desk while the page waits, and run in ONNX Runtime afterwards."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from tests.browser.test_look import findings, wider_than_the_window
from tests.browser.test_structure import opened, variant
from tests.portal import Portal

pytestmark = pytest.mark.browser
NORMED = "m.name = 'VGG-11' and v.made_by is null"


def taken(page: Any, name: str, folder: Path) -> Path:
    """The file behind a link of the card; what it says of its hash is true."""
    row = page.locator("#files tr", has=page.get_by_role("link", name=name, exact=True))
    with page.expect_download() as coming:
        row.get_by_role("link", name=name, exact=True).click()
    path = folder / f"{name}.onnx"
    coming.value.save_as(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in row.inner_text().replace("\n", "")
    return path


def answer(path: Path, given: np.ndarray) -> np.ndarray:
    (found,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"input": given})
    return np.asarray(found)


def test_head_and_tail_and_the_folded_network_are_made_and_answer_alike(page: Any, portal: Portal, tmp_path: Path) -> None:
    page.goto(f"{portal.address}/models/variants/{variant(portal, NORMED)}/")
    page.wait_for_selector("#graph svg.network.moves")
    page.get_by_role("button", name="Make the folded ONNX").click()
    page.wait_for_selector("#files:not([aria-busy]) >> text=ONNX, batch-norm folded")
    place = page.locator("#slices_after").select_option(index=4)[0]
    page.get_by_role("button", name="Make head and tail").click()
    page.wait_for_selector(f"#files:not([aria-busy]) >> text=ONNX tail behind {place}")
    assert not findings(page) and not wider_than_the_window(page)
    images = np.random.default_rng(0).random((2, 3, 32, 32), np.float32)
    whole = answer(taken(page, "ONNX", tmp_path), images)
    assert np.allclose(answer(taken(page, "ONNX, batch-norm folded", tmp_path), images), whole, atol=1e-5)
    head, tail = (taken(page, f"ONNX {part} behind {place}", tmp_path) for part in ("head", "tail"))
    assert np.allclose(answer(tail, answer(head, images)), whole, atol=1e-5)


def test_on_a_phone_the_card_fits(page: Any, portal: Portal) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    opened(page, portal)
    page.locator("#files").scroll_into_view_if_needed()
    assert not wider_than_the_window(page)
