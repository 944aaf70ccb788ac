"""Graphs as tf2onnx, keras and older exporters write them, made by hand: channels last, constants as nodes, shapes in sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import NodeProto, TensorProto, numpy_helper, version_converter
from torch import nn

from tests.worker.dnn.onnx.graphs import IMAGE, kinds, layers, model, node, numbers, same
from worker.dnn.ingest.onnx import read


def i64(*values: int) -> np.ndarray:
    return np.asarray(values, np.int64)


def const(name: str, value: Any) -> NodeProto:
    """A Constant node, as keras' weights come."""
    return node("Constant", out=name, value=numpy_helper.from_array(np.asarray(value)))


NORM = {"s": np.abs(numbers(8)) + 0.5, "b": numbers(8), "m": numbers(8), "v": np.abs(numbers(8)) + 0.5}


def test_a_keras_network_with_channels_last_takes_them_first() -> None:
    """One Transpose at the input, SAME padding at a stride of 2, FusedBatchNorm, ReLU6, a pool squeezed, MatMul and Add."""
    nodes = [
        node("Transpose", "x", out="turned", perm=[0, 3, 1, 2], name="StatefulPartitionedCall/model/conv1/Conv2D__6"),
        node(
            "Conv",
            "turned",
            "model/conv1/kernel:0",
            out="c",
            name="StatefulPartitionedCall/model/conv1/Conv2D",
            strides=[2, 2],
            auto_pad="SAME_UPPER",
        ),
        node(
            "BatchNormalization",
            "c",
            "s",
            "b",
            "m",
            "v",
            out="n",
            name="StatefulPartitionedCall/model/bn1/FusedBatchNormV3",
            epsilon=1e-3,
        ),
        node("Clip", "n", "zero", "six", out="r", name="StatefulPartitionedCall/model/relu1/Relu6"),
        node("GlobalAveragePool", "r", out="p", name="StatefulPartitionedCall/model/pool/Mean"),
        node("Squeeze", "p", "axes", out="q", name="StatefulPartitionedCall/model/pool/Mean_Squeeze__40"),
        node("MatMul", "q", "w", out="d", name="StatefulPartitionedCall/model/dense/MatMul"),
        node("Add", "d", "bias", out="e", name="StatefulPartitionedCall/model/dense/BiasAdd"),
        node("Softmax", "e", name="StatefulPartitionedCall/model/softmax/Softmax"),
    ]
    constants = {
        **NORM,
        "model/conv1/kernel:0": numbers(8, 3, 3, 3),
        "zero": np.float32(0),
        "six": np.float32(6),
        "axes": i64(2, 3),
        "w": numbers(8, 5),
        "bias": numbers(5),
    }
    body = model(nodes, (16, 14, 3), constants, opset=15)
    found = read(body)
    assert found.in_shape == (3, 16, 14) and "channels last" in found.notes[0]
    assert kinds(found) == ["Pad", "Conv2d", "BatchNorm2d", "ReLU6", "AdaptiveAvgPool2d", "Flatten", "Linear", "Softmax"]
    assert layers(found)[1:4] == ["model.conv1", "model.bn1", "model.relu1.Relu6"] and found.parity.max_relative < 1e-5


def test_images_prepared_with_channels_last_are_taken_with_them_first() -> None:
    """Rescaling and normalisation inside the network, as keras' EfficientNets have them."""
    nodes = [
        node("Mul", "x", "scale", out="a"),
        node("Sub", "a", "mean", out="b"),
        node("Div", "b", "deviation", out="c"),
        node("Transpose", "c", out="d", perm=[0, 3, 1, 2]),
        node("Conv", "d", "w"),
    ]
    constants = {"scale": np.float32(1 / 255), "mean": numbers(3), "deviation": np.abs(numbers(1, 1, 1, 3)) + 1}
    constants["w"] = numbers(4, 3, 3, 3)
    found = read(model(nodes, ("h", "w", 3), constants), (3, 9, 8))
    assert found.in_shape == (3, 9, 8) and kinds(found) == ["Affine", "Shift", "Scale", "Conv2d"]
    assert found.parity.max_relative < 1e-5 and "channels last" in found.notes[0]


def test_islands_of_channels_last_stay_permutations() -> None:
    nodes = [
        node("Conv", "x", "w", out="c"),
        node("Transpose", "c", out="t", perm=[0, 2, 3, 1]),
        node("MatMul", "t", "v", out="d"),
        node("Add", "d", "b", out="e"),
        node("Relu", "e", out="f"),
        node("Transpose", "f", out="g", perm=[0, 3, 1, 2]),
        node("Conv", "g", "u"),
    ]
    found = same(
        model(nodes, constants={"w": numbers(8, 6, 1, 1), "v": numbers(8, 7), "b": numbers(7), "u": numbers(2, 7, 3, 3)})
    )
    assert kinds(found) == ["Conv2d", "Permute", "Linear", "ReLU", "Permute", "Conv2d"]


def test_a_dense_layer_over_an_image_joins_and_parts_the_batch() -> None:
    """Tensordot: shapes gathered and multiplied, rows of all places of all images, a matrix, and the shape again."""
    nodes = [
        node("Shape", "x", out="s"),
        node("Reshape", "x", "rows", out="r"),
        node("MatMul", "r", "w", out="d"),
        node("Slice", "s", "zero", "three", out="front"),
        node("Concat", "front", "width", out="after", axis=0),
        node("Reshape", "d", "after", out="back"),
        node("Add", "back", "b", out="sum"),
        node("Relu", "sum"),
    ]
    constants = {"rows": i64(-1, 10), "w": numbers(10, 4), "zero": i64(0), "three": i64(3), "width": i64(4), "b": numbers(4)}
    found = same(model(nodes, constants=constants))
    assert "Linear" in kinds(found) and found.network(torch.zeros(2, *IMAGE)).shape == (2, 6, 12, 4)


def test_weights_may_be_nodes_and_be_turned_cast_or_multiplied_on_the_way() -> None:
    nodes = [
        const("raw", numbers(3, 3, 6, 4)),
        node("Transpose", "raw", out="w", perm=[3, 2, 0, 1]),
        const("half", numbers(4).astype(np.float16)),
        node("Cast", "half", out="b", to=TensorProto.FLOAT),
        node("Conv", "x", "w", "b", out="c"),
        node("Identity", "g", out="g2"),
        node("Unsqueeze", "g2", "axes", out="g3"),
        node("Sqrt", "g3", out="g4"),
        node("Mul", "c", "g4", out="d"),
        node("Flatten", "d", out="f"),
        node("ConstantOfShape", "shape", out="ones", value=numpy_helper.from_array(np.asarray([0.5], np.float32))),
        node("MatMul", "f", "ones"),
    ]
    found = same(model(nodes, constants={"g": np.abs(numbers(4)), "axes": i64(1, 2), "shape": i64(320, 3)}))
    assert kinds(found) == ["Conv2d", "Scale", "Flatten", "Linear"]


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_shapes_told_in_sums_fold_away(batch: Any) -> None:
    """view(x.size(0), -1) and a channel shuffle as torch writes them."""
    nodes = [
        node("Shape", "x", out="s"),
        node("Gather", "s", "i0", out="n", axis=0),
        node("Gather", "s", "i1", out="c", axis=0),
        node("Div", "c", "two", out="h"),
        node("Cast", "h", out="hf", to=TensorProto.FLOAT),
        node("Floor", "hf", out="hg"),
        node("Cast", "hg", out="hi", to=TensorProto.INT64),
        *(node("Unsqueeze", name, "zero", out=f"{name}u") for name in ("n", "hi", "two")),
        node("Slice", "s", "from2", "to4", out="tail"),
        node("Concat", "nu", "twou", "hiu", "tail", out="deal", axis=0),
        node("Reshape", "x", "deal", out="d"),
        node("Transpose", "d", out="t", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "t", "s", out="shuffled"),
        node("Concat", "nu", "rest", out="flat", axis=0),
        node("Reshape", "shuffled", "flat"),
    ]
    constants = {
        "i0": np.int64(0),
        "i1": np.int64(1),
        "two": np.int64(2),
        "zero": i64(0),
        "from2": i64(2),
        "to4": i64(4),
        "rest": i64(-1),
    }
    found = same(model(nodes, constants=constants, batch=batch), batch=3 if batch == "n" else batch)
    assert kinds(found) == ["ChannelShuffle", "Flatten"]
    assert found.network(torch.zeros(5, *IMAGE)).shape == (5, 720)
    assert bool(found.notes) == (batch != "n")


def test_a_file_for_one_image_that_says_any_batch_is_read_with_a_note() -> None:
    nodes = [node("Reshape", "x", "flat", out="r"), node("Gemm", "r", "w")]
    body = model(nodes, constants={"flat": i64(1, -1), "w": numbers(720, 3)})
    found = read(body)
    assert kinds(found) == ["Flatten", "Linear"] and "one image at a time" in found.notes[0]
    assert found.network(torch.zeros(3, *IMAGE)).shape == (3, 3)


def test_an_image_is_resized_to_the_sides_of_another() -> None:
    """A feature pyramid: the sizes come from the shape of the larger image."""
    nodes = [
        node("MaxPool", "x", out="small", kernel_shape=[2, 2], strides=[2, 2]),
        node("Shape", "x", out="s"),
        node("Shape", "small", out="t"),
        node("Slice", "s", "two", "four", out="sides"),
        node("Slice", "t", "zero", "two", out="front"),
        node("Concat", "front", "sides", out="sizes", axis=0),
        node(
            "Resize",
            "small",
            "",
            "",
            "sizes",
            out="large",
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        node("Concat", "x", "large", axis=1),
    ]
    found = same(model(nodes, constants={"two": i64(2), "four": i64(4), "zero": i64(0)}))
    assert kinds(found) == ["MaxPool2d", "Upsample", "cat"]


def test_split_becomes_slices_of_what_is_read() -> None:
    nodes = [
        node("Split", "x", "parts", out=["a", "b", "c"], axis=1),
        node("Relu", "c", out="d"),
        node("Concat", "d", "a", axis=1),
    ]
    assert kinds(same(model(nodes, constants={"parts": i64(1, 2, 3)}))) == ["Slice", "Slice", "ReLU", "cat"]
    equal = [node("Split", "x", out=["a", "b"], axis=1, num_outputs=2), node("Mul", "a", "b")]
    assert kinds(same(model(equal, opset=18))) == ["Slice", "Slice", "mul"]
    old = [node("Split", "x", out=["a", "b"], axis=-3, split=[2, 4]), node("Concat", "b", "a", axis=-3)]
    assert kinds(same(model(old, opset=11))) == ["Slice", "Slice", "cat"]


def test_an_attention_gate_is_a_product_with_one_number_a_channel() -> None:
    nodes = [
        node("ReduceMean", "x", out="p", axes=[2, 3]),
        node("Conv", "p", "w", "b", out="q"),
        node("HardSigmoid", "q", out="g", alpha=1 / 6, beta=0.5),
        node("Mul", "g", "x"),
    ]
    found = same(model(nodes, constants={"w": numbers(6, 6, 1, 1), "b": numbers(6)}))
    assert kinds(found) == ["AdaptiveAvgPool2d", "Conv2d", "Hardsigmoid", "mul"]


def test_fixed_numbers_in_front_count_too() -> None:
    nodes = [
        node("Sub", "one", "x", out="a"),
        node("Div", "many", "e", out="b"),
        node("Mul", "half", "b", out="c"),
        node("Sub", "many", "c"),
    ]
    nodes.insert(1, node("Exp", "a", out="e"))
    found = same(model(nodes, constants={"one": np.float32(1), "many": numbers(6, 1, 1), "half": np.float32(0.5)}))
    assert set(kinds(found)) <= {"Affine", "Pointwise", "Scale", "Shift", "Sigmoid"}


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11, 12, 13, 15, 18, 21, 23])
def test_one_network_in_every_opset_is_read_alike(opset: int) -> None:
    """Moved between opsets by onnx itself: attributes become inputs, defaults change. Old files list weights as inputs."""
    nodes = [
        node("Conv", "x", "w", "b", out="c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c", "s", "t", "m", "v", out="n"),
        node("Relu", "n", out="r"),
        node("MaxPool", "r", out="p", kernel_shape=[3, 3], strides=[2, 2]),
        node("Flatten", "p", out="f", axis=1),
        node("Gemm", "f", "u", "z", out="g", transB=1),
        node("Softmax", "g", axis=1),
    ]
    constants = {
        "w": numbers(4, 6, 3, 3),
        "b": numbers(4),
        "s": numbers(4),
        "t": numbers(4),
        "m": numbers(4),
        "v": np.abs(numbers(4)),
        "u": numbers(3, 80),
        "z": numbers(3),
    }
    made = onnx.load_from_string(model(nodes, constants=constants, opset=7))
    made.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3]))
    made.graph.input.extend(
        onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape) for name, array in constants.items()
    )
    body = made if opset == 7 else version_converter.convert_version(made, opset)
    found = same(body.SerializeToString())
    assert kinds(found) == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "Flatten", "Linear", "Softmax"]
    assert isinstance(found.network.get_submodule(layers(found)[1]), nn.BatchNorm2d)


def test_what_initialisers_are_called_names_the_layers() -> None:
    names = [
        "layer1.0.conv1.weight",
        "layer1.0.bn1.weight",
        "layer1.0.bn1.bias",
        "layer1.0.bn1.running_mean",
        "layer1.0.bn1.running_var",
        "layer1.0.weight",
        "forward.weight",
    ]
    nodes = [
        node("Conv", "x", names[0], out="a"),
        node("BatchNormalization", "a", *names[1:5], out="b"),
        node("Conv", "b", names[5], out="c"),
        node("Conv", "c", names[6]),
    ]
    constants = dict(
        zip(
            names,
            [numbers(6, 6, 1, 1), *(np.abs(numbers(6)) for _ in range(4)), numbers(6, 6, 1, 1), numbers(6, 6, 1, 1)],
            strict=True,
        )
    )
    found = same(model(nodes, constants=constants))
    assert layers(found) == ["layer1.0.conv1", "layer1.0.bn1", "layer1.0_1", "forward_layer"]


def test_odd_names_become_legal_ones() -> None:
    nodes = [
        node("Relu", "x", out="a", name="../../etc/passwd"),
        node("Tanh", "a", out="b", name="__class__"),
        node("Abs", "b", out="c", name="<script>"),
        node("Exp", "c", out="d", name="import"),
        node("Neg", "d", name="x" * 500),
    ]
    found = same(model(nodes))
    assert len(layers(found)) == 5 and all(len(name) <= 200 for name in layers(found))


def test_double_precision_is_read_as_single() -> None:
    body = model([node("MatMul", "x", "w")], constants={"w": numbers(10, 6).astype(np.float64)}, dtype=TensorProto.DOUBLE)
    assert read(body).parity.max_relative < 1e-5
