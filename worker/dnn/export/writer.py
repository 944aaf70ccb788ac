"""Our own ONNX writer: torch's exporters fold batch-norm, split large files and take seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import fx

from worker.dnn.export.operators import GIVEN, IT, NOTHING, Chain, Operator, whole
from worker.dnn.export.saying import operators_of
from worker.dnn.kinds import function_name
from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import layer_of, name_of, sources

# Old runtimes on devices read an old opset; a newer one is asked for only by layers that need it.
OPSET = 17
REDUCED_BY_INPUT = 18
MOST_BYTES = 1_900_000_000
_FUNCTIONS = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "maximum": "Max", "minimum": "Min",
              "matmul": "MatMul", "cat": "Concat"}


@dataclass
class _Sheet:
    """What has been written: nodes, initialisers, and the name of each fx node's result."""

    opset: int
    nodes: list[Any] = field(default_factory=list)
    initialisers: list[Any] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)


def to_model(network: fx.GraphModule, in_shape: Shape, *, name: str = "network") -> onnx.ModelProto:
    """The ONNX model; initialisers are named like parameters, batch-norm is a node of its own.

    Raises ValueError, naming the layer, for one that ONNX cannot say, and for a network too large for one file.
    """
    _fits_one_file(network)
    sizes = shapes(network, in_shape)
    chains = {node.name: _chain(network, node, sizes) for node in network.graph.nodes}
    sheet = _Sheet(max((operator.since for chain in chains.values() for operator in chain), default=OPSET))
    for node in network.graph.nodes:
        _write(sheet, node, chains[node.name])
    answer = list(network.graph.nodes)[-1]
    graph = helper.make_graph(
        sheet.nodes, name, [_value("input", in_shape)], [_value("output", sizes[answer.name])], sheet.initialisers)
    imports = [helper.make_opsetid("", sheet.opset)]
    oldest = helper.find_min_ir_version_for(imports)
    return helper.make_model(graph, producer_name="EdgePortal", opset_imports=imports, ir_version=oldest)


def _fits_one_file(network: fx.GraphModule) -> None:
    size = sum(tensor.numel() * 4 for tensor in network.state_dict().values())
    if size > MOST_BYTES:
        raise ValueError(f"The network's numbers take {size / 1e9:.1f} GB; one ONNX file holds at most "
                         f"{MOST_BYTES / 1e9:.1f} GB. Take it along as safetensors, or cut it into slices.")


def _value(name: str, shape: Shape) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])


def _chain(network: fx.GraphModule, node: fx.Node, sizes: dict[str, Shape]) -> Chain:
    layer = layer_of(network, node)
    if layer is not None:
        return operators_of(layer, name_of(node), sizes[node.all_input_nodes[0].name], sizes[node.name])
    if node.op == "call_function":
        attributes = {"axis": node.kwargs["dim"]} if node.target is torch.cat else {}
        return [Operator(_FUNCTIONS[function_name(node)], attributes)]
    # A network that answers with what it was given, or with one result twice, still has an output of its own.
    return [Operator("Identity")] if node.op == "output" and node.all_input_nodes[0].op == "placeholder" else []


def _write(sheet: _Sheet, node: fx.Node, chain: Chain) -> None:
    given = [sheet.results[source.name] for source in sources(node)]
    sheet.results[node.name] = result = _result(node, given)
    name, latest = name_of(node), given[0] if given else ""
    for place, operator in enumerate(chain, 1):
        last = place == len(chain)
        made = result if last else f"{name}.out{place}"
        inputs = given if node.op == "call_function" else _inputs(sheet, name, operator, given[0], latest)
        attributes = operator.attributes | _axes(sheet, operator)
        sheet.nodes.append(helper.make_node(
            operator.kind, inputs, [made], name=name if last else f"{name}.{place}", **attributes))
        latest = made


def _result(node: fx.Node, given: list[str]) -> str:
    """The name of a node's result in the file; the suffix keeps it apart from initialisers, input and output."""
    if node.op == "placeholder":
        return "input"
    return "output" if node.op == "output" or any(user.op == "output" for user in node.users) else f"{name_of(node)}.out"


def _inputs(sheet: _Sheet, name: str, operator: Operator, given: str, latest: str) -> list[str]:
    tensors = dict(operator.tensors)
    if operator.axes and _axes_are_an_input(sheet, operator):
        tensors["axes"] = whole(*operator.axes)
    for key, tensor in tensors.items():
        array = tensor.detach().cpu()
        array = array.float() if array.is_floating_point() else array
        sheet.initialisers.append(numpy_helper.from_array(array.contiguous().numpy(), f"{name}.{key}"))
    reads = operator.reads or (IT, *tensors)
    said = {IT: latest, GIVEN: given, NOTHING: NOTHING}
    return [said.get(source, f"{name}.{source}") for source in reads]


def _axes(sheet: _Sheet, operator: Operator) -> dict[str, Any]:
    return {"axes": list(operator.axes)} if operator.axes and not _axes_are_an_input(sheet, operator) else {}


def _axes_are_an_input(sheet: _Sheet, operator: Operator) -> bool:
    return operator.kind == "ReduceSum" or sheet.opset >= REDUCED_BY_INPUT
