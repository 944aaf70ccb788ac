"""Every operator that is read, in the forms it is written in, answers as in ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.worker.dnn.onnx.graphs import IMAGE, ROW, SIGNAL, model, node, numbers, same

Case = tuple[str, dict[str, Any], dict[str, Any], tuple[int, ...], int]


def case(
    op: str, constants: dict[str, Any] | None = None, shape: tuple[int, ...] = IMAGE, opset: int = 17, **attributes: Any
) -> Case:
    return op, attributes, constants or {}, shape, opset


def i64(*values: int) -> np.ndarray:
    return np.asarray(values, np.int64)


def f32(*values: float) -> np.ndarray:
    return np.asarray(values, np.float32)


W = {"w": numbers(4, 6, 3, 3)}
CONVOLUTIONS = [
    case("Conv", W),
    case("Conv", {**W, "b": numbers(4)}, pads=[1, 1, 1, 1], strides=[2, 1]),
    case("Conv", W, pads=[0, 1, 2, 1]),
    case("Conv", W, pads=[0, 0, 1, 1], strides=[2, 2]),
    case("Conv", W, auto_pad="SAME_UPPER", strides=[2, 2]),
    case("Conv", W, auto_pad="SAME_LOWER", strides=[2, 2]),
    case("Conv", W, auto_pad="SAME_UPPER"),
    case("Conv", W, auto_pad="VALID", kernel_shape=[3, 3]),
    case("Conv", W, dilations=[2, 3], pads=[2, 3, 2, 3]),
    case("Conv", {"w": numbers(6, 1, 3, 3)}, group=6),
    case("Conv", {"w": numbers(9, 2, 3, 1)}, group=3, pads=[1, 0, 1, 0]),
    case("Conv", W, opset=7),
    case("Conv", W, opset=22),
    case("Conv", {"w": numbers(4, 6, 2, 2)}, auto_pad="SAME_LOWER"),
    case("Conv", {"w": numbers(4, 6, 5)}, SIGNAL, strides=[2], pads=[2, 2]),
    case("Conv", {"w": numbers(4, 6, 4)}, SIGNAL, pads=[1, 2]),
    case("Conv", {"w": numbers(6, 1, 4)}, SIGNAL, group=6, auto_pad="SAME_UPPER", strides=[3]),
    case("ConvTranspose", {"w": numbers(6, 4, 3, 3)}),
    case("ConvTranspose", {"w": numbers(6, 4, 3, 3), "b": numbers(4)}, strides=[2, 2]),
    case("ConvTranspose", {"w": numbers(6, 4, 4, 4)}, strides=[2, 2], pads=[1, 1, 1, 1]),
    case("ConvTranspose", {"w": numbers(6, 4, 3, 3)}, strides=[2, 2], pads=[0, 0, 1, 1]),
    case("ConvTranspose", {"w": numbers(6, 4, 3, 3)}, strides=[2, 2], pads=[1, 0, 1, 1], output_padding=[1, 1]),
    case("ConvTranspose", {"w": numbers(6, 2, 3, 3)}, group=3, dilations=[2, 2]),
    case("ConvTranspose", {"w": numbers(6, 4, 3, 3)}, strides=[2, 2], output_shape=[24, 20]),
    case("ConvTranspose", {"w": numbers(6, 4, 3, 3)}, strides=[2, 2], auto_pad="SAME_UPPER"),
    case("ConvTranspose", {"w": numbers(6, 4, 4)}, SIGNAL, strides=[2], pads=[1, 1]),
]
LINEAR = [
    case("Gemm", {"w": numbers(6, 5)}, ROW),
    case("Gemm", {"w": numbers(5, 6), "c": numbers(5)}, ROW, transB=1),
    case("Gemm", {"w": numbers(5, 6), "c": numbers(1, 5)}, ROW, transB=1, alpha=0.5, beta=2.0),
    case("Gemm", {"w": numbers(6, 5), "c": f32(0.7)}, ROW, beta=0.5),
    case("Gemm", {"w": numbers(6, 5), "c": np.float32(0.7)}, ROW),
    case("Gemm", {"w": numbers(5, 6), "c": numbers(5)}, ROW, opset=7, transB=1),
    case("Gemm", {"w": numbers(5, 6), "c": numbers(5)}, ROW, opset=9, transB=1),
    case("MatMul", {"w": numbers(6, 5)}, ROW),
    case("MatMul", {"w": numbers(10, 5)}, IMAGE),
    case("MatMul", {"w": numbers(20, 3)}, SIGNAL),
    case("MatMul", {"w": numbers(1, 10, 5)}, (6, 10)),
]
NORMS = [
    case(
        "BatchNormalization",
        {"s": numbers(6), "b": numbers(6), "m": numbers(6), "v": np.abs(numbers(6)) + 0.5},
        shape,
        opset,
        epsilon=1e-3,
    )
    for shape, opset in ((IMAGE, 17), (SIGNAL, 15), (ROW, 14), (IMAGE, 9), (IMAGE, 7))
] + [
    case(
        "BatchNormalization",
        {"s": numbers(6), "b": numbers(6), "m": numbers(6), "v": np.abs(numbers(6)) + 0.5},
        IMAGE,
        7,
        spatial=1,
    ),
    case("InstanceNormalization", {"s": numbers(6), "b": numbers(6)}),
    case("InstanceNormalization", {"s": numbers(6), "b": numbers(6)}, SIGNAL),
    case("InstanceNormalization", {"s": numbers(6), "b": numbers(6)}, (6, 1, 1)),
    case("GroupNormalization", {"s": numbers(3), "b": numbers(3)}, opset=18, num_groups=3),
    case("GroupNormalization", {"s": numbers(6), "b": numbers(6)}, opset=21, num_groups=3, epsilon=1e-3),
    case("LayerNormalization", {"s": numbers(10), "b": numbers(10)}),
    case("LayerNormalization", {"s": numbers(12, 10)}, axis=-2),
    case("LayerNormalization", {"s": numbers(6, 12, 10), "b": numbers(6, 12, 10)}, axis=1, epsilon=1e-3),
    case("LRN", size=3),
    case("LRN", size=5, alpha=0.01, beta=0.5, bias=2.0),
]
ACTIVATIONS = [
    *(
        case(op)
        for op in (
            "Relu",
            "LeakyRelu",
            "Elu",
            "Celu",
            "Selu",
            "Sigmoid",
            "Tanh",
            "Softplus",
            "Softsign",
            "HardSigmoid",
            "HardSwish",
            "Identity",
            "Abs",
            "Neg",
            "Exp",
            "Reciprocal",
            "Erf",
            "Floor",
            "Ceil",
            "Round",
            "Sign",
            "Sin",
            "Cos",
        )
    ),
    case("LeakyRelu", alpha=0.2),
    case("Elu", alpha=0.3),
    case("Celu", alpha=2.0),
    case("Selu", alpha=1.5, gamma=2.0),
    case("HardSigmoid", alpha=1 / 6, beta=0.5),
    case("HardSigmoid", alpha=0.25, beta=0.4),
    case("Mish", opset=18),
    case("Gelu", opset=20),
    case("Gelu", opset=20, approximate="tanh"),
    case("PRelu", {"s": f32(0.3)}),
    case("PRelu", {"s": numbers(6, 1, 1)}),
    case("PRelu", {"s": numbers(1, 6, 1, 1)}),
    case("PRelu", {"s": numbers(6, 12, 10)}),
    case("PRelu", {"s": numbers(10)}),
    case("PRelu", {"s": numbers(6, 1, 1)}, opset=7),
    case("PRelu", {"s": numbers(6, 1)}, SIGNAL),
    case("Clip", opset=7, min=0.0, max=6.0),
    case("Clip", opset=10, min=-0.5),
    case("Clip", {"l": np.float32(0), "m": np.float32(6)}),
    case("Clip", {"l": np.float32(-0.3)}, opset=11),
    case("Clip", {"l": np.float32(0)}),
    case("Clip"),
    case("Softmax"),
    case("Softmax", axis=1),
    case("Softmax", axis=-2, opset=13),
    case("Softmax", opset=11),
    case("Softmax", opset=11, axis=2),
    case("Softmax", opset=9, axis=3),
    case("Softmax", shape=(6, 1, 1), opset=8),
    case("Softmax", shape=(1, 7, 1), opset=8),
    case("LogSoftmax"),
    case("LogSoftmax", opset=12, axis=1),
    case("LogSoftmax", shape=ROW, opset=7),
    case("Dropout"),
    case("Dropout", opset=7, ratio=0.3),
    case("Dropout", {"r": np.float32(0.2)}),
    case("Dropout", opset=10),
    case("Cast", to=1),
]
POOLS = [
    *(
        case(op, kernel_shape=[3, 3], **more)
        for op in ("MaxPool", "AveragePool")
        for more in (
            {},
            {"strides": [2, 2]},
            {"strides": [2, 2], "pads": [1, 1, 1, 1]},
            {"strides": [2, 2], "ceil_mode": 1},
            {"strides": [2, 3], "pads": [0, 1, 1, 1]},
            {"strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
            {"strides": [3, 3], "pads": [0, 0, 1, 1], "ceil_mode": 1},
            {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
            {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
            {"auto_pad": "SAME_UPPER"},
            {"auto_pad": "VALID", "strides": [2, 2]},
            {"pads": [2, 2, 2, 2]},
            {"pads": [2, 0, 0, 2]},
        )
    ),
    *(
        case("AveragePool", kernel_shape=[3, 3], count_include_pad=1, opset=opset, **more)
        for opset in (10, 17, 19)
        for more in (
            {"pads": [1, 1, 1, 1]},
            {"strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
            {"strides": [2, 2], "pads": [0, 1, 1, 0]},
        )
    ),
    case("AveragePool", opset=7, kernel_shape=[2, 2], strides=[2, 2]),
    case("MaxPool", opset=7, kernel_shape=[2, 3], strides=[2, 2]),
    case("AveragePool", kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
    case("AveragePool", kernel_shape=[2, 2], auto_pad="SAME_LOWER"),
    case("AveragePool", kernel_shape=[4, 4], strides=[3, 3], auto_pad="SAME_UPPER"),
    case("AveragePool", kernel_shape=[5, 5], strides=[4, 4], pads=[4, 3, 3, 4]),
    case("MaxPool", kernel_shape=[2, 2], dilations=[2, 3], strides=[2, 1]),
    case("MaxPool", kernel_shape=[12, 10]),
    case("AveragePool", kernel_shape=[12, 10]),
    case("MaxPool", shape=SIGNAL, kernel_shape=[3], strides=[2], pads=[1, 1]),
    case("MaxPool", shape=SIGNAL, kernel_shape=[3], strides=[2], pads=[0, 1]),
    case("AveragePool", shape=SIGNAL, kernel_shape=[3], strides=[2], pads=[1, 1]),
    case("AveragePool", shape=SIGNAL, kernel_shape=[3], strides=[2], ceil_mode=1),
    case("AveragePool", shape=SIGNAL, kernel_shape=[4], strides=[2], auto_pad="SAME_UPPER"),
    case("LpPool", kernel_shape=[3, 3], p=2),
    case("LpPool", kernel_shape=[2, 2], strides=[2, 2], p=3, pads=[1, 1, 1, 1]),
    case("LpPool", kernel_shape=[2, 2], p=1),
    *(case(op, shape=shape) for shape in (IMAGE, SIGNAL) for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")),
]
ARITHMETIC = [
    *(
        case(op, {"c": constant})
        for op in ("Add", "Sub", "Mul", "Div")
        for constant in (
            np.float32(0.7),
            f32(0.7),
            f32(0.7).reshape(1, 1, 1, 1),
            numbers(6, 1, 1),
            numbers(1, 6, 1, 1),
            numbers(10),
            numbers(6, 12, 10),
            np.full((6, 1, 1), 0.5, np.float32),
        )
    ),
    *(case(op, {"c": np.float32(0.4)}) for op in ("Max", "Min", "Sum")),
    case("Sum", {"c": numbers(6, 1, 1), "d": numbers(10)}),
    case("Mean", {"c": numbers(6, 1, 1), "d": np.float32(0.4)}),
    case("Pow", {"c": np.float32(2)}),
    case("Pow", {"c": f32(3)}, opset=7),
    case("Max", opset=8),
    case("Pow", {"c": np.float32(1)}),
    case("Add", {"c": np.float32(0)}),
    case("Pow", {"c": i64(2)}, opset=13),
]
SHAPES = [
    case("Reshape", {"s": i64(0, -1)}),
    case("Reshape", {"s": i64(-1, 720)}),
    case("Reshape", {"s": i64(0, 2, 3, 12, 10)}),
    case("Reshape", {"s": i64(0, 0, -1)}),
    case("Reshape", {"s": i64(-1, 6, 12, 10)}),
    case("Reshape", {"s": i64(0, 0, 0, 5, 2)}),
    case("Reshape", {"s": i64(0, 72, 10)}),
    case("Flatten"),
    case("Flatten", axis=1, opset=7),
    case("Flatten", axis=-3, opset=13),
    case("Flatten", shape=ROW),
    case("Transpose", perm=[0, 2, 3, 1]),
    case("Transpose", perm=[0, 1, 3, 2]),
    case("Transpose", perm=[0, 1, 2, 3]),
    case("Squeeze", {"a": i64(2)}, (6, 1, 10)),
    case("Squeeze", shape=(6, 1, 1)),
    case("Squeeze", shape=(6, 1, 10), opset=11, axes=[2]),
    case("Squeeze", {"a": i64(-1, -2)}, (6, 1, 1)),
    case("Unsqueeze", {"a": i64(1)}),
    case("Unsqueeze", {"a": i64(2, 3)}, ROW),
    case("Unsqueeze", shape=ROW, opset=11, axes=[2, 3]),
    case("Unsqueeze", {"a": i64(-1)}, SIGNAL),
    case("DepthToSpace", shape=(8, 3, 4), blocksize=2),
    case("DepthToSpace", shape=(8, 3, 4), blocksize=2, mode="CRD"),
    case("SpaceToDepth", blocksize=2),
    case("Slice", {"s": i64(1), "e": i64(5), "a": i64(1)}),
    case("Slice", {"s": i64(1, 2), "e": i64(99, -1), "a": i64(-2, -1), "t": i64(2, 3)}),
    case("Slice", opset=9, starts=[0, 1], ends=[9223372036854775807, 4], axes=[0, 1]),
    case("Slice", opset=7, starts=[0, 2], ends=[9999, 3]),
    case("Slice", {"s": i64(-3), "e": i64(2**31 - 1), "a": i64(3)}),
    case("Slice", {"s": np.asarray([0], np.int32), "e": np.asarray([4], np.int32)[:], "a": np.asarray([2], np.int32)}),
    case("Gather", {"i": np.asarray(2, np.int64)}, axis=1),
    case("Gather", {"i": i64(2, 1, 0)}, axis=1),
    case("Gather", {"i": i64(1, 3, 5)}, axis=-1),
    case("Gather", {"i": i64(0, 1, 2, 5, -1)}, axis=2),
    case("Gather", {"i": np.asarray(-1, np.int64)}, axis=3),
    case("Pad", {"p": i64(0, 0, 1, 2, 0, 0, 3, 0)}),
    case("Pad", {"p": i64(0, 1, 0, 0, 0, 2, 0, 0), "v": np.float32(0.5)}),
    case("Pad", opset=7, pads=[0, 0, 1, 1, 0, 0, 1, 1], value=2.0),
    case("Pad", {"p": i64(0, 0, 1, 2, 0, 0, 3, 0)}, mode="reflect"),
    case("Pad", {"p": i64(0, 0, 1, 2, 0, 0, 3, 0)}, mode="edge"),
    case("Pad", {"p": i64(0, 0, -1, 2, 0, 0, 0, -3)}),
    case("Pad", {"p": i64(1, 1), "v": np.float32(0), "a": i64(3)}, opset=18),
    case("Pad", {"p": i64(0, 0, 2, 0, 0, 1)}, SIGNAL, mode="reflect"),
    case("Expand", {"s": i64(1, 6, 12, 10)}),
    case("Expand", {"s": i64(1, 1, 5, 7)}, (6, 1, 1)),
    case("Expand", {"s": i64(4, 1, 1)}, (1, 3, 3)),
    case("Tile", {"t": i64(1, 2, 1, 3)}),
    *(
        case(op, opset=opset, keepdims=keeps, **axes)
        for op in ("ReduceMean", "ReduceMax", "ReduceSum", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare")
        for keeps in (0, 1)
        for opset, axes in ((11, {"axes": [2, 3]}), (12, {"axes": [-3]}))
    ),
    case("ReduceSum", {"a": i64(2, 3)}, opset=13),
    case("ReduceMean", {"a": i64(-1, -2)}, opset=18, keepdims=0),
    case("ReduceMax", {"a": i64(1)}, opset=18),
    case("ReduceMean", opset=18, noop_with_empty_axes=1),
]
SIZES = [
    case("Upsample", opset=7, scales=[1.0, 1.0, 2.0, 3.0], mode="nearest"),
    case("Upsample", {"s": f32(1, 1, 2, 2)}, opset=9),
    case("Resize", {"s": f32(1, 1, 2, 2)}, opset=10),
    case(
        "Resize",
        {"r": f32(), "s": f32(1, 1, 2, 2)},
        opset=11,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    ),
    case("Resize", {"r": f32(), "s": f32(1, 1, 2, 3)}),
    case("Resize", {"r": f32(), "s": f32(1, 1, 0.5, 0.5)}, coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    case("Resize", {"r": f32(), "s": f32(1, 1, 2, 2)}, mode="linear"),
    case("Resize", {"r": f32(), "s": f32(1, 1, 1.7, 0.6)}, mode="linear"),
    case("Resize", {"r": f32(), "s": f32(1, 1, 2, 2)}, mode="linear", coordinate_transformation_mode="align_corners"),
    case("Resize", {"r": f32(), "s": f32(1, 1, 2, 2)}, mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    case("Resize", {"r": f32(), "s": f32(1, 1, 2, 2)}, mode="cubic"),
    case("Resize", {"r": f32(), "s": f32(1, 1, 1.5, 2.5)}, mode="cubic", coordinate_transformation_mode="align_corners"),
    case("Resize", {"r": f32(), "s": f32(1, 1, 2)}, SIGNAL, mode="linear"),
    case("Resize", {"r": f32(), "s": f32(1, 1, 3)}, SIGNAL, mode="nearest"),
    case("Resize", {"r": f32(), "s": f32(2, 3)}, opset=18, axes=[2, 3], mode="linear"),
    case("Resize", {"r": f32(), "s": f32(1, 1, 1, 1)}),
    case(
        "Resize", {"r": f32(), "s": f32(1, 1, 2, 2)}, coordinate_transformation_mode="tf_half_pixel_for_nn", nearest_mode="floor"
    ),
]
CASES = [*CONVOLUTIONS, *LINEAR, *NORMS, *ACTIVATIONS, *POOLS, *ARITHMETIC, *SHAPES, *SIZES]


@pytest.mark.parametrize(
    ("op", "attributes", "constants", "shape", "opset"),
    CASES,
    ids=[f"{number}-{each[0]}-{each[4]}" for number, each in enumerate(CASES)],
)
def test_it_answers_as_in_onnx_runtime(
    op: str, attributes: dict[str, Any], constants: dict[str, Any], shape: tuple[int, ...], opset: int
) -> None:
    same(model([node(op, "x", *constants, **attributes)], shape, constants, opset=opset))
