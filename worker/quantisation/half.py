"""fp16: every weight and every result in 16 bits; images come in and answers go out in 32."""

from __future__ import annotations

import warnings
from collections.abc import Generator

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

from worker.events import Event, Log
from worker.quantisation.graph import INNER, Folded, Weights, in_order
from worker.quantisation.reduced import Reduced

LARGEST = 65_504.0


def halved(folded: Folded) -> Generator[Event, None, Reduced]:
    """The network in half precision. Weights beyond what 16 bits hold are cut to the largest number, and it is said."""
    beyond = [name for name, weight in folded.weights.items() if np.abs(weight).max() > LARGEST]
    if beyond:
        yield Log(level="warning", message=f"Weights of {', '.join(beyond)} are larger than half precision holds; "
                                           f"they were cut to {LARGEST:,.0f}.")
    copy = onnx.ModelProto()
    copy.CopyFrom(folded.model)
    with warnings.catch_warnings():
        # It warns of every tensor with a number too small to hold; `rounding_errors` says what came of it.
        warnings.simplefilter("ignore")
        model = in_order(convert_float_to_float16(copy, keep_io_types=True))
    return Reduced(model, _weights(model), folded.activation_bytes(_halves(model), 2))


def _weights(model: onnx.ModelProto) -> Weights:
    return {tensor.name.removesuffix(INNER): numpy_helper.to_array(tensor).astype(np.float32)
            for tensor in model.graph.initializer if tensor.name.endswith(INNER) and len(tensor.dims) > 1}


def _halves(model: onnx.ModelProto) -> set[str]:
    """Results in 16 bits: all but the network's input and answer, and those that were cast back to 32."""
    back = {name for node in model.graph.node if node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT
            for name in node.output}
    return {name for node in model.graph.node for name in node.output} - back - {"input", "output"}
