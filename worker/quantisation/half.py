"""fp16: every weight and every result in 16 bits; images come in and answers go out in 32."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from functools import cache

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16
from torch import Tensor, fx

from worker.datasets import Data, normalise
from worker.dnn.spec import name_of
from worker.events import Event, Log
from worker.quantisation.graph import INNER, LARGEST_HALF, Folded, Weights, in_order
from worker.quantisation.reduced import Quantise, Reduced

WATCHED = 16
EMULATED = "ONNX Runtime computes it in 32 bits on this processor"


def quantiser(data: Data) -> Quantise:
    """A quantiser that watches on images of the train part whether 16 bits can hold the results."""

    def quantise(folded: Folded) -> Generator[Event, None, Reduced]:
        doubt = ""
        for told in (_cut(folded), beyond(folded, normalise(data.parts["train"].images[:WATCHED], data))):
            if told:
                yield Log(level="warning", message=told)
                doubt = told
        model = _halved(folded)
        why = "" if computes_in_half() else EMULATED
        return Reduced(model, _weights(model), folded.activation_bytes(_halves(model), 2), why_slower=why,
                       doubt=doubt.rstrip("."))

    return quantise


def _halved(folded: Folded) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(folded.model)
    with warnings.catch_warnings():
        # It warns of every tensor with a number too small to hold; `rounding_errors` says what came of it.
        warnings.simplefilter("ignore")
        model = in_order(convert_float_to_float16(copy, keep_io_types=True))
    # What was inferred on the way would only be ballast in the file.
    del model.graph.value_info[:]
    return model


def _cut(folded: Folded) -> str:
    names = [name for name, weight in folded.weights.items() if np.abs(weight).max() > LARGEST_HALF]
    return f"weights of {', '.join(names)} were cut to {LARGEST_HALF:,.0f}, the most half precision holds." if names else ""


def beyond(folded: Folded, images: Tensor) -> str:
    """Which results are too large for 16 bits, as a sentence. An engine that computes in 32 bits would not show it."""
    watch = _Watch(folded.network)
    with torch.inference_mode():
        watch.run(images)
    name, most = max(watch.largest.items(), key=lambda item: item[1])
    if most <= LARGEST_HALF:
        return ""
    return (f"results of {name} reach {most:.2g} on training images, more than half precision holds ({LARGEST_HALF:,.0f}): "
            "where 16 bits are really computed with, the answers will be no numbers.")


class _Watch(fx.Interpreter):
    """The network node by node, with the largest magnitude of each result."""

    def __init__(self, network: fx.GraphModule) -> None:
        super().__init__(network.eval())
        self.largest: dict[str, float] = {}

    def run_node(self, node: fx.Node) -> Tensor:
        result: Tensor = super().run_node(node)
        self.largest[name_of(node)] = float(result.abs().max())
        return result


@cache
def computes_in_half() -> bool:
    """Whether ONNX Runtime really computes in 16 bits here: a product too large for them comes out infinite then."""
    weight = numpy_helper.from_array(np.full((1, 1, 1, 1), 300, dtype=np.float16), "weight")
    small = numpy_helper.from_array(np.full((1, 1, 1, 1), 0.001, dtype=np.float16), "small")
    nodes = [helper.make_node("Cast", ["input"], ["half"], to=TensorProto.FLOAT16),
             helper.make_node("Conv", ["half", "weight"], ["large"]), helper.make_node("Conv", ["large", "small"], ["again"]),
             helper.make_node("Cast", ["again"], ["output"], to=TensorProto.FLOAT)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 4, 4]) for name in ("input", "output")]
    graph = helper.make_graph(nodes, "probe", ends[:1], ends[1:], [weight, small])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return not np.isfinite(session.run(None, {"input": np.full((1, 1, 4, 4), 300, dtype=np.float32)})[0]).all()


def _weights(model: onnx.ModelProto) -> Weights:
    return {tensor.name.removesuffix(INNER): numpy_helper.to_array(tensor).astype(np.float32)
            for tensor in model.graph.initializer if tensor.name.endswith(INNER) and len(tensor.dims) > 1}


def _halves(model: onnx.ModelProto) -> set[str]:
    """Results in 16 bits: all but the network's input and answer, and those that were cast back to 32."""
    back = {name for node in model.graph.node if node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT
            for name in node.output}
    return {name for node in model.graph.node for name in node.output} - back - {"input", "output"}
