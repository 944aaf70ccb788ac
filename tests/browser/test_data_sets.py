"""Archives of images in a real browser: dropped, named, asked about, and shown with images of their classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.test_uploads import listed
from tests.browser.waiting import another_page
from tests.portal import Portal, until
from tests.worker.inspection import made

pytestmark = pytest.mark.browser


def test_cifars_archive_becomes_a_data_set_whose_page_shows_its_images(page: Any, portal: Portal, tmp_path: Path) -> None:
    images, labels = made.digits()
    path = tmp_path / "cifar-like-binary.tar.gz"
    path.write_bytes(made.tape(made.cifar_10(images[:600], labels[:600], test=100)))
    page.goto(f"{portal.address}/data/")
    page.set_input_files("#upload-file", path)
    listed(page, "It came in the binary format of CIFAR-10.")
    with another_page(page):
        page.click("#uploads a:has-text('cifar-like-binary')")
    page.wait_for_selector("h2:has-text('Training images')")
    assert page.locator(".samples li").count() == 10 and "airplane" in page.inner_text(".samples")
    until(lambda: page.evaluate("""async () => {
      const address = document.querySelector(".samples image").getAttribute("href");
      const picture = new Image(); picture.src = address; await picture.decode(); return picture.naturalWidth;
    }""") == 320, 30, "the sheet of images")


def test_pictures_of_differing_sizes_are_asked_about_and_not_sent_again(page: Any, portal: Portal, tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    files = {f"{name}/{n}.png": made.drawn(chance.integers(0, 256, (20 + n % 2, 24, 3), np.uint8))
             for name in ("fern", "moss") for n in range(12)}
    path = tmp_path / "plants.zip"
    path.write_bytes(made.folder(files))
    page.goto(f"{portal.address}/data/")
    page.set_input_files("#upload-file", path)
    listed(page, "The pictures have 2 sizes")
    page.fill("#uploads .mend input[name$=in_shape]", "3x16x16")
    with another_page(page):
        page.click("text=Check again")
    listed(page, "24 of its pictures had another size: they were scaled to cover 16x16")
    until(lambda: "3×16×16" in page.locator("#table").inner_text(), 30, "the data set in the table")
