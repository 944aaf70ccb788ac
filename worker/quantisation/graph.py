"""What is quantised: the network as ONNX with batch-norm folded, and which numbers each result is kept in afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.onnx_model import ONNXModel
from torch import fx

from worker.dnn.cost import FLOAT32_BYTES, peak_bytes
from worker.dnn.export.writer import to_model
from worker.dnn.fold import fold_batchnorm
from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import name_of

# Beyond this a number of 16 bits is infinite.
LARGEST_HALF = 65_504.0
Weights = dict[str, NDArray[np.float32]]
INNER = ".weight"


@dataclass(frozen=True)
class Folded:
    """The network without batch-norm, as it was before any rounding."""

    network: fx.GraphModule
    model: onnx.ModelProto
    in_shape: Shape

    @classmethod
    def of(cls, network: fx.GraphModule, in_shape: Shape) -> Folded:
        folded = fold_batchnorm(network, in_shape)
        return cls(folded, to_model(folded, in_shape), tuple(in_shape))

    @property
    def weights(self) -> Weights:
        """The weights of convolutions and linear layers by layer."""
        return {tensor.name.removesuffix(INNER): numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer
                if tensor.name.endswith(INNER) and len(tensor.dims) > 1}

    @property
    def typed(self) -> onnx.ModelProto:
        """The model with the shape of every result; onnx cannot infer all of them, and quantisers ask."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        sizes, known = shapes(self.network, self.in_shape), {"input", "output"}
        for node in self.network.graph.nodes:
            if _result(node) not in known:
                known.add(_result(node))
                model.graph.value_info.append(
                    helper.make_tensor_value_info(_result(node), TensorProto.FLOAT, ["batch", *sizes[node.name]]))
        return model

    @property
    def results(self) -> set[str]:
        """What the file calls the results of its nodes."""
        return {_result(node) for node in self.network.graph.nodes}

    def activation_bytes(self, rounded: set[str], width: int) -> int:
        """The peak of living results when those named in `rounded` take `width` bytes a number, the others four."""
        names = {node.name: _result(node) for node in self.network.graph.nodes}
        return peak_bytes(self.network, self.in_shape, lambda name: width if names[name] in rounded else FLOAT32_BYTES)


def in_order(model: onnx.ModelProto) -> onnx.ModelProto:
    """Its nodes so that each stands behind what it reads, as the format wants it; converters append theirs."""
    sorted_ = ONNXModel(model)
    sorted_.topological_sort()
    result: onnx.ModelProto = sorted_.model
    return result


def _result(node: fx.Node) -> str:
    """What our writer calls a node's result."""
    if node.op == "placeholder":
        return "input"
    return "output" if any(user.op == "output" for user in node.users) else f"{name_of(node)}.out"


def rounding_errors(before: Weights, after: Weights) -> dict[str, float]:
    """By layer: the root of the mean squared rounding error of its weights, over that of the weights themselves."""
    return {name: _relative(weight, after[name]) for name, weight in before.items() if name in after}


def _relative(weight: NDArray[np.float32], rounded: NDArray[np.float32]) -> float:
    exact = weight.astype(np.float64)
    return float(np.linalg.norm(rounded - exact)) / max(float(np.linalg.norm(exact)), 1e-30)
