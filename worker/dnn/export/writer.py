"""Our own ONNX writer: torch's exporters fold batch-norm, split large files and take seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, fx

from worker.dnn.export.operators import operator_of
from worker.dnn.kinds import function_name
from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import layer_of, name_of

# Old runtimes on devices read an old opset; a newer one is asked for only by layers that need it.
OPSET = 17
_FUNCTIONS = {"add": "Add", "sub": "Sub", "mul": "Mul", "cat": "Concat"}


@dataclass
class _Sheet:
    """What has been written: nodes, initialisers, and the name of each fx node's result."""

    nodes: list[Any] = field(default_factory=list)
    initialisers: list[Any] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    opset: int = OPSET


def to_model(network: fx.GraphModule, in_shape: Shape, *, name: str) -> onnx.ModelProto:
    """The ONNX model; initialisers are named like parameters, batch-norm is a node of its own.

    Raises ValueError, naming the layer, for one that ONNX cannot say.
    """
    sizes, sheet = shapes(network, in_shape), _Sheet()
    for node in network.graph.nodes:
        _write(sheet, network, node, sizes)
    answer = list(network.graph.nodes)[-1]
    given = next(each for each in network.graph.nodes if each.op == "placeholder")
    graph = helper.make_graph(
        sheet.nodes, name,
        [_value(sheet.results[given.name], in_shape)], [_value(sheet.results[answer.name], sizes[answer.name])],
        sheet.initialisers,
    )
    imports = [helper.make_opsetid("", sheet.opset)]
    oldest = helper.find_min_ir_version_for(imports)
    return helper.make_model(graph, producer_name="EdgePortal", opset_imports=imports, ir_version=oldest)


def _value(name: str, shape: Shape) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])


def _write(sheet: _Sheet, network: fx.GraphModule, node: fx.Node, sizes: dict[str, Shape]) -> None:
    sources = [sheet.results[source.name] for source in _sources(node)]
    sheet.results[node.name] = result = _result(node, sources)
    layer, name = layer_of(network, node), name_of(node)
    if layer is not None:
        operator = operator_of(layer, name, sizes[node.all_input_nodes[0].name], sizes[node.name])
        sheet.opset = max(sheet.opset, operator.since)
        inputs = sources + _initialisers(sheet, name, operator.tensors)
        sheet.nodes.append(helper.make_node(operator.kind, inputs, [result], name=name, **operator.attributes))
    elif node.op == "call_function":
        attributes = {"axis": 1} if node.target is torch.cat else {}
        kind = _FUNCTIONS[function_name(node)]
        sheet.nodes.append(helper.make_node(kind, sources, [result], name=name, **attributes))


def _result(node: fx.Node, sources: list[str]) -> str:
    """The name of a node's result in the file; the suffix keeps it apart from initialisers, input and output."""
    if node.op == "placeholder":
        return "input"
    if node.op == "output":
        return sources[0]
    return "output" if any(user.op == "output" for user in node.users) else f"{name_of(node)}.out"


def _sources(node: fx.Node) -> list[fx.Node]:
    """Inputs in the order of the call, so that x + x keeps both."""
    args: Any = node.args[0] if node.target is torch.cat else node.args
    return [source for source in args if isinstance(source, fx.Node)]


def _initialisers(sheet: _Sheet, name: str, tensors: dict[str, Tensor]) -> list[str]:
    for key, tensor in tensors.items():
        array = tensor.detach().cpu()
        array = array.float() if array.is_floating_point() else array
        sheet.initialisers.append(numpy_helper.from_array(array.contiguous().numpy(), f"{name}.{key}"))
    return [f"{name}.{key}" for key in tensors]
