"""int8: weights and results as 8-bit integers with a scale, by onnxruntime's quantiser (Jacob, Kligys, Chen and others:
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2017, arXiv 1712.05877)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from worker.context import Context
from worker.datasets import Data
from worker.events import Event
from worker.quantisation.calibration import Calibration, ranges
from worker.quantisation.graph import INNER, Folded, Weights, in_order
from worker.quantisation.reduced import Quantise, Reduced

# The order in which kinds are named decides the order of the file; a set has another one in every process.
KINDS = sorted({*QDQRegistry, *QLinearOpsRegistry})
SLOWER = "turning results to 8 bits and back may cost here what the smaller numbers save"
Numbers = NDArray[Any]
TYPES = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}


@dataclass(frozen=True)
class Rules:
    """`narrow`: weights in 7 bits, for processors whose 8-bit products overflow. Weights are int8, symmetric."""

    per_channel: bool = True
    activations: Literal["uint8", "int8"] = "uint8"
    narrow: bool = False
    calibration: Calibration = field(default_factory=Calibration)


def quantiser(data: Data, rules: Rules, context: Context) -> Quantise:
    """A quantiser that calibrates on `data`."""

    def quantise(folded: Folded) -> Generator[Event, None, Reduced]:
        found = yield from ranges(folded, data, rules.calibration, KINDS, folder=context.workdir,
                                  checkpoints=context.checkpoints)
        model = _quantised(folded, rules, found)
        return Reduced(model, _weights(model), folded.activation_bytes(_bytes(model, folded.results), 1), why_slower=SLOWER)

    return quantise


def _quantised(folded: Folded, rules: Rules, found: TensorsData) -> onnx.ModelProto:
    quantizer = QDQQuantizer(
        folded.typed, rules.per_channel, rules.narrow, QuantType.QInt8, TYPES[rules.activations], found,
        nodes_to_quantize=[], nodes_to_exclude=[], op_types_to_quantize=KINDS, extra_options={"WeightSymmetric": True},
    )
    result = in_order(quantizer.quantize_model())
    result.producer_name = "EdgePortal"
    # The shapes of results helped the quantiser; in the file they would only be ballast.
    del result.graph.value_info[:]
    return result


def _bytes(model: onnx.ModelProto, results: set[str]) -> set[str]:
    """Results that are kept in 8 bits: those quantised, and those gone because a rectifier became part of the rounding."""
    made = {name for node in model.graph.node for name in node.output} | {"input"}
    return {node.input[0] for node in model.graph.node if node.op_type == "QuantizeLinear"} | (results - made)


def _weights(model: onnx.ModelProto) -> Weights:
    """The weights as the integers stand for them."""
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    found: Weights = {}
    for node in model.graph.node:
        kept = held.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        name = node.input[0].removesuffix("_quantized")
        if kept is not None and name.endswith(INNER):
            found[name.removesuffix(INNER)] = _real(node, *(numpy_helper.to_array(held[each]) for each in node.input))
    return found


def _real(node: onnx.NodeProto, numbers: Numbers, scale: Numbers, zero: Numbers) -> NDArray[np.float32]:
    axis = next((each.i for each in node.attribute if each.name == "axis"), 0)
    shape = [-1 if place == axis else 1 for place in range(numbers.ndim)] if scale.ndim else []
    real: NDArray[np.float32] = (numbers.astype(np.float32) - zero.reshape(shape)) * scale.reshape(shape)
    return real
