"""Small networks as files that a serving process can hold, which answer so that one sees who answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from worker.switching.holding import Residency
from worker.switching.preparing import write_packed
from worker.switching.setup import Setup

SHAPE, WIDE = (1, 4, 4), 64
FACTORS = {"large": 3.0, "middle": 2.0, "small": 1.0}


def network(path: Path, factor: float) -> Path:
    """Multiplies each pixel by `factor`; beside it lie many zeros, as in a sparse network."""
    zeros = np.zeros((WIDE, 1, 8, 8), np.float32)
    kept = [numpy_helper.from_array(np.array(factor, np.float32), "factor"), numpy_helper.from_array(zeros, "zeros"),
            numpy_helper.from_array(np.array(0, np.float32), "none")]
    nodes = [helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0), helper.make_node("Mul", ["x", "factor"], ["made"]),
             helper.make_node("Add", ["made", "sum"], ["y"])]
    sizes = ["batch", *SHAPE]
    graph = helper.make_graph(nodes, "small", [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, sizes)], kept)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(made, path)
    return path


def setup(folder: Path, residency: Residency, first: str = "large") -> Setup:
    files = {}
    for name, factor in FACTORS.items():
        file = network(folder / f"{name}.onnx", factor)
        if residency == "packed":
            write_packed(file, folder / f"{name}.packed")
            file = folder / f"{name}.packed"
        files[name] = str(file)
    return Setup(residency, files, first, SHAPE)


def image(number: int) -> NDArray[np.float32]:
    """Each another one: the answer tells which request it is to."""
    return np.full((1, *SHAPE), number % 4096 + 1, np.float32)
