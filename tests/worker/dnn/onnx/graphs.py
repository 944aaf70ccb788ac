"""Graphs of ONNX made by hand, and whether they are read as ONNX Runtime runs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from worker.dnn.form import to_spec
from worker.dnn.ingest.onnx import Read, read

IMAGE, SIGNAL, ROW = (6, 12, 10), (6, 20), (6,)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def node(op: str, *inputs: str, out: str | list[str] = "y", name: str = "", **attributes: Any) -> NodeProto:
    return helper.make_node(op, list(inputs), [out] if isinstance(out, str) else out, name=name, **attributes)


def model(nodes: list[NodeProto], shape: tuple[Any, ...] = IMAGE, constants: dict[str, Any] | None = None, *, opset: int = 17,
          batch: Any = "n", out: str = "y", dtype: int = TensorProto.FLOAT) -> bytes:
    """One input x, one output; the output's shape is left open."""
    kept = [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, "by_hand", [helper.make_tensor_value_info("x", dtype, [batch, *shape])],
                              [helper.make_tensor_value_info(out, dtype, None)], kept)
    imports = [helper.make_opsetid("", opset)]
    made: ModelProto = helper.make_model(graph, opset_imports=imports, ir_version=helper.find_min_ir_version_for(imports))
    return made.SerializeToString()


def kinds(found: Read) -> list[str]:
    """What the network that was read consists of, in order."""
    return [entry["kind"] for entry in to_spec(found.network)["nodes"] if entry["kind"]]


def layers(found: Read) -> list[str]:
    """Names of what the network consists of, in order."""
    return [entry["name"] for entry in to_spec(found.network)["nodes"] if entry["kind"]]


def same(body: bytes, in_shape: tuple[int, ...] | None = None, *, batch: int = 3) -> Read:
    """Read it, and hold its answers against ONNX Runtime's once more, with optimisations and another batch."""
    found = read(body, in_shape)
    images = np.random.default_rng(5).standard_normal((batch, *found.in_shape)).astype(np.float32)
    session = onnxruntime.InferenceSession(body, providers=["CPUExecutionProvider"])
    theirs = session.run(None, {session.get_inputs()[0].name: images})[0]
    ours = found.network(torch.from_numpy(images)).detach().numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-4 * max(1e-3, np.abs(theirs).max())
    assert all(parameter.requires_grad for parameter in found.network.parameters())
    return found
