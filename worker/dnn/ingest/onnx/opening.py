"""The model in a file's bytes, once everything that this portal does not read has been refused by name."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, defs, helper, numpy_helper

from worker.dnn.ingest.onnx.folding import NUMBERS
from worker.dnn.ingest.onnx.values import Array
from worker.dnn.ingest.onnx.wire import BROKEN, without_weights
from worker.firstlook import Unfit, printable

OLDEST = 7
MOST_NODES = 50_000
MOST_TENSORS = 50_000
STANDARD = ("", "ai.onnx")
_WHY = {
    **dict.fromkeys(("If", "Loop", "Scan"), "decides while it runs what is computed, which is not taken"),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger",
                     "MatMulInteger"), "is of a quantised network: send the one in floating point; it is quantised here"),
    **dict.fromkeys(("SequenceConstruct", "SequenceAt", "SequenceInsert", "SequenceErase", "SequenceEmpty", "SequenceLength",
                     "SplitToSequence", "ConcatFromSequence", "SequenceMap", "Optional", "OptionalGetElement",
                     "OptionalHasElement"), "works on sequences, which are not taken"),
    **dict.fromkeys(("RNN", "LSTM", "GRU"), "is of a recurrent network, which is not taken"),
}


@dataclass(frozen=True)
class Opened:
    """`constants` are the initialisers; large ones are views of the file's bytes."""

    graph: GraphProto
    opset: int
    producer: str
    constants: dict[str, Array]


def opened(body: bytes) -> Opened:
    """Unfit in one sentence for anything but a plain network: no functions of its own, no files beside it."""
    bare, raw = without_weights(body)
    model = _parsed(bare)
    if not model.HasField("graph") or not model.graph.node or not model.opset_import:
        raise Unfit(BROKEN)
    if model.functions or model.training_info:
        raise Unfit("The ONNX file brings functions or a training of its own, which are not taken: export it for inference.")
    opset = _opset(model)
    _check_size(model.graph)
    if not all(isinstance(name, str) for name in _names(model.graph)):
        raise Unfit("A name in the ONNX file is no text.")  # protobuf hands such ones out as bytes
    return Opened(model.graph, opset, model.producer_name, _constants(model.graph, raw))


def _parsed(body: bytes) -> ModelProto:
    model = ModelProto()
    try:
        model.ParseFromString(body)
    except (DecodeError, ValueError) as error:
        raise Unfit(BROKEN) from error
    return model


def _opset(model: ModelProto) -> int:
    found = [entry.version for entry in model.opset_import if entry.domain in STANDARD]
    newest = defs.onnx_opset_version()
    if len(found) != 1 or not OLDEST <= found[0] <= newest:
        told = found[0] if found else "no version"
        raise Unfit(f"The ONNX file is written in opset {told}; opsets {OLDEST} to {newest} are read.")
    return int(found[0])


def _check_size(graph: GraphProto) -> None:
    if len(graph.node) > MOST_NODES or len(graph.initializer) > MOST_TENSORS:
        raise Unfit(f"The ONNX file has {len(graph.node):,} nodes and {len(graph.initializer):,} tensors; at most "
                    f"{MOST_NODES:,} of each are read.")
    if graph.sparse_initializer:
        raise Unfit("The ONNX file holds sparse tensors, which are not read: export it with plain ones.")


def _names(graph: GraphProto) -> Iterator[str | bytes]:
    yield graph.name
    for entry in (*graph.initializer, *graph.input, *graph.output):
        yield entry.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _constants(graph: GraphProto, raw: dict[int, memoryview]) -> dict[str, Array]:
    found = dict[str, Array]()
    for place, tensor in enumerate(graph.initializer):
        if tensor.name in found:
            raise Unfit(f"The ONNX file has two tensors named {printable(tensor.name)!r}.")
        found[tensor.name] = _array(tensor, raw.get(place))
    return found


def _array(tensor: TensorProto, raw: memoryview | None) -> Array:
    inside(tensor)
    name, shape = printable(tensor.name), tuple(tensor.dims)
    if tensor.data_type not in NUMBERS:
        raise Unfit(f"The tensor {name} holds numbers of a type that is not read here.")
    try:
        if raw is None:
            found: Array = numpy_helper.to_array(tensor)
            return found
        return np.frombuffer(raw, helper.tensor_dtype_to_np_dtype(tensor.data_type)).reshape(shape)
    except (ValueError, TypeError) as error:
        raise Unfit(f"The tensor {name} should hold {math.prod(shape):,} numbers but does not.") from error


def inside(tensor: TensorProto) -> None:
    """A tensor whose bytes stand in another file was not merged: nothing but the file itself is ever read."""
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise Unfit(f"The bytes of the tensor {printable(tensor.name)!r} stand in another file: send all files together in one "
                    "zip.")


def refuse_strangers(node: NodeProto, known: frozenset[str]) -> None:
    """Unfit with the operator's name, its node and its domain."""
    domain = node.domain or "ai.onnx"
    told = f"The operator {printable(node.op_type)} (node {printable(node.name) or 'without a name'}, domain {printable(domain)})"
    if node.domain in STANDARD and node.op_type in _WHY:
        raise Unfit(f"{told} {_WHY[node.op_type]}.")
    if node.domain not in STANDARD or node.op_type not in known:
        raise Unfit(f"{told} is not among those this portal reads.")
    for tensor in _tensors(node):
        inside(tensor)


def _tensors(node: NodeProto) -> Iterator[TensorProto]:
    told = f"The node {printable(node.name)} ({printable(node.op_type)})"
    for attribute in node.attribute:
        if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) or attribute.HasField("g") or attribute.graphs:
            raise Unfit(f"{told} holds a graph of its own, which is not taken.")
        if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
            raise Unfit(f"{told} holds a sparse tensor, which is not read.")
        yield from (attribute.t, *attribute.tensors)
