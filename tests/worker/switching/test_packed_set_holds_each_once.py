"""Of a packed set each network is held once: loaded while it serves, packed while it does not; no change waits for a disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.worker.switching.servers import FACTORS, image, setup
from worker.switching.preparing import write_packed
from worker.switching.process import ANSWER, SWAPPED, GaveUp, Heard, Process
from worker.switching.setup import Setup

PATIENCE_S, PIXELS, COLUMNS = 60.0, 16, 400_000
WEIGHT_BYTES = 4 * PIXELS * COLUMNS


def test_a_change_reads_nothing_before_the_new_network_serves(tmp_path: Path) -> None:
    there = setup(tmp_path, "packed")
    with Process(there) as process:
        process.begin()
        for name in ("middle", "small"):
            Path(there.files[name]).unlink()
        for name in ("middle", "large", "small"):
            _changes(process, name)
            assert _is_answered_by(process, name)


def test_one_that_cannot_be_read_when_it_is_left_is_missed_when_it_is_wanted_and_no_sooner(tmp_path: Path) -> None:
    there = setup(tmp_path, "packed")
    with Process(there) as process:
        process.begin()
        Path(there.files["large"]).unlink()
        for name in ("middle", "small"):
            _changes(process, name)
            assert _is_answered_by(process, name)
        with pytest.raises(GaveUp, match="could not go on"):
            _changes(process, "large")


def test_one_whose_file_was_changed_meanwhile_is_not_served(tmp_path: Path) -> None:
    there = setup(tmp_path, "packed")
    with Process(there) as process:
        process.begin()
        Path(there.files["large"]).write_bytes(Path(there.files["middle"]).read_bytes()[:-1])
        _changes(process, "small")
        assert _is_answered_by(process, "small")
        with pytest.raises(GaveUp, match="could not go on"):
            _changes(process, "large")


def test_the_one_that_serves_is_not_held_packed_too(tmp_path: Path) -> None:
    """Weights without zeros, which packed are about as large: one network loaded and one packed, not two."""
    files = {name: _wide(tmp_path / name, seed) for seed, name in enumerate(("one", "other"))}
    packed = Path(files["one"]).stat().st_size
    with Process(Setup("packed", files, "one", (1, 4, 4))) as process:
        empty = process.begin()["empty"]["private_bytes"]
        for name in ("one", "other", "one"):
            _changes(process, name)
            held = process.memory(give_back=True)["private_bytes"] - empty
            assert packed + WEIGHT_BYTES <= held < packed + WEIGHT_BYTES + packed / 2


def _wide(path: Path, seed: int) -> str:
    values = np.random.default_rng(seed).standard_normal((PIXELS, COLUMNS), dtype=np.float32)
    kept = [numpy_helper.from_array(values, "weights"), numpy_helper.from_array(np.array([1, PIXELS], np.int64), "row")]
    nodes = [helper.make_node("Reshape", ["x", "row"], ["flat"]), helper.make_node("MatMul", ["flat", "weights"], ["wide"]),
             helper.make_node("ReduceMax", ["wide"], ["y"], keepdims=0)]
    graph = helper.make_graph(nodes, "wide", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])], kept)
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    write_packed(path, path.with_suffix(".packed"))
    return str(path.with_suffix(".packed"))


def _changes(process: Process, to: str) -> None:
    process.swap(1, to)
    assert _heard(process).frame.kind == SWAPPED


def _is_answered_by(process: Process, name: str) -> bool:
    process.request(7, image(7))
    heard = _heard(process)
    assert heard.frame.kind == ANSWER
    return heard.frame.facts["variant"] == name and np.array_equal(heard.frame.tensors["y"], FACTORS[name] * image(7))


def _heard(process: Process) -> Heard:
    heard = process.hear(PATIENCE_S)
    assert heard is not None
    return heard
