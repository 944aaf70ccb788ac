"""A slice that answers with the whole numbers of int8 hands on bytes: its file ends in them, and the next one begins so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from torch import fx

from worker.context import write_durably
from worker.dnn import layers
from worker.dnn.spec import layer_of
from worker.partitioning.transfer.rounding import LEAST, MOST


def sends_int8(network: fx.GraphModule) -> bool:
    """Whether it ends with what a transfer layer sends as int8: rounded, and held between -128 and 127."""
    last = list(network.graph.nodes)[-1].all_input_nodes[0]
    held = layer_of(network, last)
    if not isinstance(held, layers.Clamp) or (held.least, held.most) != (LEAST, MOST):
        return False
    before = layer_of(network, last.all_input_nodes[0])
    return isinstance(before, layers.Pointwise) and before.function == "round"


def carry(path: Path, *, sends: bool = False, receives: bool = False) -> None:
    """The same ONNX file, with bytes where it sends or receives them; nothing is lost, as the numbers are whole."""
    model = onnx.load_model(path)
    as_bytes(model, sends=sends, receives=receives)
    onnx.checker.check_model(model)
    write_durably(path, model.SerializeToString(deterministic=True))


def as_bytes(model: onnx.ModelProto, *, sends: bool, receives: bool) -> None:
    if sends:
        _as_int8(model.graph, model.graph.output[0], "answer")
    if receives:
        _from_int8(model.graph, model.graph.input[0])


def _as_int8(graph: Any, output: Any, name: str) -> None:
    made, output.name = output.name, name
    output.type.tensor_type.elem_type = TensorProto.INT8
    graph.node.append(helper.make_node("Cast", [made], [name], name="to_int8", to=TensorProto.INT8))


def _from_int8(graph: Any, given: Any) -> None:
    """Numbers again, before anything reads them."""
    given.type.tensor_type.elem_type = TensorProto.INT8
    inner = f"{given.name}.float"
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name == given.name:
                node.input[place] = inner
    graph.node.insert(0, helper.make_node("Cast", [given.name], [inner], name="from_int8", to=TensorProto.FLOAT))
