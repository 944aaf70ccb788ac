"""ONNX models by the browser: alone, with their data files, with a size that is asked for; 100 MB of one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import expect

from tests.browser.waiting import another_page
from tests.memory import Memory
from tests.portal import Portal, strain, until
from tests.tabs import open_context
from tests.worker.inspection import hostile_onnx as build
from worker.dnn import architectures, export

pytestmark = pytest.mark.browser
MOST_GROWTH = 30_000_000
PAGE_S = 0.2
DROP = """(files) => {
  const data = new DataTransfer();
  for (const [name, bytes] of files) data.items.add(new File([new Uint8Array(bytes)], name));
  for (const type of ["dragenter", "dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
}"""
BARS = """() => {
  window.bars = new Set();
  const look = () => { for (const bar of document.querySelectorAll("#sending progress")) bars.add(bar.value); };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true });
}"""


@pytest.fixture
def tab(chromium: Any, portal: Portal) -> Iterator[Any]:
    """A signed-in tab in which the portal may refuse something."""
    context = open_context(chromium, portal)
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(f"{portal.address}/models/")
    yield page
    context.close()
    assert not broken, broken


@pytest.fixture
def apart(tmp_path: Path) -> Path:
    """A model in one file, its weights in another."""
    export.to_onnx(architectures.build("lenet5", 10, (1, 8, 8), seed=4), (1, 8, 8), tmp_path / "whole.onnx")
    onnx.save(onnx.load(tmp_path / "whole.onnx"), tmp_path / "apart.onnx", save_as_external_data=True, size_threshold=0,
              location="apart.onnx.data")
    return tmp_path


def of(name: str, tab: Any) -> Any:
    return tab.locator("#uploads [data-upload]", has_text=name)


def ended(tab: Any, name: str, words: str, seconds: float = 60) -> Any:
    until(lambda: of(name, tab).count() and words in of(name, tab).first.inner_text(), seconds, f"{words!r} at {name}")
    return of(name, tab).first


def drop(tab: Any, *paths: Path) -> None:
    tab.evaluate(DROP, [[path.name, list(path.read_bytes())] for path in paths])


def test_a_model_and_its_data_file_dropped_together_become_one_network_with_its_parity(tab: Any, apart: Path) -> None:
    drop(tab, apart / "apart.onnx.data", apart / "apart.onnx")
    row = ended(tab, "apart.onnx", "ready")
    assert "Compared with ONNX Runtime" in row.inner_text()
    expect(tab.locator("#sending li")).to_have_count(0)
    assert of("apart.onnx", tab).count() == 1
    with another_page(tab):
        row.get_by_role("link", name="apart").click()
    assert "1×8×8" in tab.locator("main").inner_text()


def test_a_model_without_its_data_file_is_told_how_to_send_both(tab: Any, apart: Path) -> None:
    drop(tab, apart / "apart.onnx")
    until(lambda: "drop both together" in tab.locator("#sending").inner_text(), 30, "the remedy")
    assert "'apart.onnx.data'" in tab.locator("#sending").inner_text()


def test_a_size_that_the_file_leaves_open_is_asked_for_and_nothing_is_sent_again(
    tab: Any, portal: Portal, tmp_path: Path,
) -> None:
    (tmp_path / "anysize.onnx").write_bytes(build.model(shape=["n", 1, "height", "width"]))
    drop(tab, tmp_path / "anysize.onnx")
    row = ended(tab, "anysize.onnx", "needs an answer")
    assert "1x?x?" in row.inner_text() and not row.locator("select").count()
    row.locator("[name$=in_shape]").fill("1x12x20")
    with another_page(tab):
        row.get_by_role("button", name="Check again").click()
    ended(tab, "anysize.onnx", "ready")
    assert portal.sql("select m.in_shape, m.classes from catalog_registeredmodel m where name = 'anysize'") == [([1, 12, 20], 4)]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """100 MB of random weights: a convolution and one wide layer."""
    path = tmp_path_factory.mktemp("large") / "hundred.onnx"
    generator = np.random.default_rng(3)
    shapes = {"w": (16, 3, 3, 3), "m": (4096, 6200)}
    tensors = [numpy_helper.from_array(generator.standard_normal(shape, np.float32) * np.float32(0.05), name)
               for name, shape in shapes.items()]
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"], name="conv", pads=[1, 1, 1, 1]), helper.make_node("Relu", ["a"], ["r"]),
             helper.make_node("Flatten", ["r"], ["f"]), helper.make_node("Gemm", ["f", "m"], ["y"], name="head")]
    images, answers = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                       for name, shape in (("x", ["n", 3, 16, 16]), ("y", ["n", 6200])))
    model = helper.make_model(helper.make_graph(nodes, "hundred", [images], [answers], tensors),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    yield path
    path.unlink()


def _median(portal: Portal, address: str) -> float:
    times = []
    for _ in range(9):
        begun = time.perf_counter()
        assert portal.http.get(address).status_code == 200, address
        times.append(time.perf_counter() - begun)
    return statistics.median(times[2:])


@pytest.mark.slow
def test_100_mb_go_up_with_a_progress_bar_while_the_web_process_stays_as_it_is_and_its_pages_answer_at_once(
    tab: Any, portal: Portal, large: Path,
) -> None:
    assert large.stat().st_size > 100_000_000
    for address in ("/models/", "/models/", "/api/uploads"):
        portal.http.get(address)
    tab.evaluate(BARS)
    before = portal.web().memory_info().rss
    memory = Memory(portal)
    tab.set_input_files("#upload-file", large)
    ended(tab, "hundred.onnx", "ready", 240 * strain())
    memory.done.set()
    assert memory.most - before < MOST_GROWTH, (before, memory.most)
    seen = sorted(tab.evaluate("[...bars]"))
    assert len([value for value in seen if 0 < value < 1]) >= 5, seen
    ((model, variant),) = portal.sql("select model_id::text, id::text from catalog_variant where name = 'hundred'")
    slow = {page: seconds for page in (f"/models/{model}/", f"/models/variants/{variant}/", "/models/")
            if (seconds := _median(portal, page)) > PAGE_S * strain()}
    assert not slow
    after = portal.web().memory_info().rss
    assert after - before < 2 * MOST_GROWTH, (before, after)
