"""What files spell as several nodes is read as the one layer that it is."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import NodeProto

from tests.worker.dnn.onnx.graphs import IMAGE, kinds, model, node, numbers, same

C = {
    name: np.float32(value)
    for name, value in {
        "half": 0.5,
        "one": 1,
        "two": 2,
        "three": 3,
        "six": 6,
        "zero": 0,
        "sixth": 1 / 6,
        "root2": 2**0.5,
        "cube": 0.044715,
        "rootpi": (2 / np.pi) ** 0.5,
        "slope": 0.1,
        "eps": 1e-5,
        "inverse": 2**-0.5,
    }.items()
}


def chain(*steps: tuple[str, ...]) -> list[NodeProto]:
    """Each step is (operator, inputs ...); its result is called after its place: r0, r1, and y for the last."""
    return [node(op, *inputs, out="y" if place == len(steps) - 1 else f"r{place}") for place, (op, *inputs) in enumerate(steps)]


SPELLINGS: dict[str, tuple[str, list[NodeProto]]] = {
    "silu": ("SiLU", chain(("Sigmoid", "x"), ("Mul", "x", "r0"))),
    "silu the other way round": ("SiLU", chain(("Sigmoid", "x"), ("Mul", "r0", "x"))),
    "silu as a quotient": ("SiLU", chain(("Neg", "x"), ("Exp", "r0"), ("Add", "r1", "one"), ("Div", "x", "r2"))),
    "mish": ("Mish", chain(("Softplus", "x"), ("Tanh", "r0"), ("Mul", "x", "r1"))),
    "mish by exponents": ("Mish", chain(("Exp", "x"), ("Add", "r0", "one"), ("Log", "r1"), ("Tanh", "r2"), ("Mul", "x", "r3"))),
    "hard swish": (
        "Hardswish",
        chain(("Add", "x", "three"), ("Clip", "r0", "zero", "six"), ("Mul", "x", "r1"), ("Div", "r2", "six")),
    ),
    "hard swish by a sixth": (
        "Hardswish",
        chain(("Add", "x", "three"), ("Clip", "r0", "zero", "six"), ("Mul", "r1", "sixth"), ("Mul", "r2", "x")),
    ),
    "hard sigmoid": ("Hardsigmoid", chain(("Add", "three", "x"), ("Clip", "r0", "zero", "six"), ("Div", "r1", "six"))),
    "gelu by erf": (
        "GELU",
        chain(("Div", "x", "root2"), ("Erf", "r0"), ("Add", "r1", "one"), ("Mul", "x", "r2"), ("Mul", "r3", "half")),
    ),
    "gelu with the half first": (
        "GELU",
        chain(("Mul", "x", "half"), ("Mul", "x", "inverse"), ("Erf", "r1"), ("Add", "one", "r2"), ("Mul", "r0", "r3")),
    ),
    "gelu by tanh": (
        "GELU",
        chain(
            ("Pow", "x", "three"),
            ("Mul", "r0", "cube"),
            ("Add", "x", "r1"),
            ("Mul", "r2", "rootpi"),
            ("Tanh", "r3"),
            ("Add", "r4", "one"),
            ("Mul", "x", "r5"),
            ("Mul", "r6", "half"),
        ),
    ),
    "gelu by products": (
        "GELU",
        chain(
            ("Mul", "x", "x"),
            ("Mul", "x", "r0"),
            ("Mul", "cube", "r1"),
            ("Add", "x", "r2"),
            ("Mul", "rootpi", "r3"),
            ("Tanh", "r4"),
            ("Add", "r5", "one"),
            ("Mul", "half", "x"),
            ("Mul", "r6", "r7"),
        ),
    ),
    "leaky relu": ("LeakyReLU", chain(("Mul", "x", "slope"), ("Max", "x", "r0"))),
    "relu": ("ReLU", chain(("Max", "x", "zero"))),
    "relu6": ("ReLU6", chain(("Max", "x", "zero"), ("Min", "r0", "six"))),
    "softplus": ("Softplus", chain(("Exp", "x"), ("Add", "r0", "one"), ("Log", "r1"))),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_activation_in_its_spellings_is_one_layer(spelling: str) -> None:
    kind, nodes = SPELLINGS[spelling]
    assert kinds(same(model(nodes, constants=C))) == [kind]


def test_a_gate_that_is_no_activation_keeps_its_steps() -> None:
    nodes = chain(("Mul", "x", "two"), ("Sigmoid", "r0"), ("Mul", "x", "r1"))
    assert kinds(same(model(nodes, constants=C))) == ["Affine", "Sigmoid", "mul"]


def test_what_others_read_of_a_spelling_stays() -> None:
    nodes = chain(("Sigmoid", "x"), ("Mul", "x", "r0"), ("Add", "r1", "r0"))
    assert sorted(kinds(same(model(nodes)))) == ["SiLU", "Sigmoid", "add"]


@pytest.mark.parametrize("squares", [("Pow", "r1", "two"), ("Mul", "r1", "r1")], ids=["power", "product"])
def test_layer_norm_in_steps_is_one_layer(squares: tuple[str, ...]) -> None:
    nodes = [node("ReduceMean", "x", out="r0", axes=[-1]), *chain(("Identity", "x"), ("Sub", "x", "r0"), squares)[1:2]]
    nodes[1].output[0] = "r1"
    nodes += [
        node(*squares, out="r2"),
        node("ReduceMean", "r2", out="r3", axes=[-1]),
        node("Add", "r3", "eps", out="r4"),
        node("Sqrt", "r4", out="r5"),
        node("Div", "r1", "r5", out="r6"),
        node("Mul", "r6", "g", out="r7"),
        node("Add", "r7", "b"),
    ]
    found = same(model(nodes, constants={**C, "g": numbers(10), "b": numbers(10, seed=1)}))
    assert kinds(found) == ["LayerNorm"]


@pytest.mark.parametrize("last", ["r2", "y"], ids=["with factors", "without"])
def test_group_norm_in_steps_is_one_layer(last: str) -> None:
    nodes = [
        node("Reshape", "x", "deal", out="r0"),
        node("InstanceNormalization", "r0", "ones", "zeros", out="r1"),
        node("Shape", "x", out="shape"),
        node("Reshape", "r1", "shape", out=last),
    ]
    nodes += [node("Mul", "r2", "g", out="r3"), node("Add", "r3", "b")] if last == "r2" else []
    constants = {
        "deal": np.asarray([0, 3, -1]),
        "ones": np.ones(3, np.float32),
        "zeros": np.zeros(3, np.float32),
        "g": numbers(6, 1, 1),
        "b": numbers(6, 1, 1, seed=1),
    }
    assert kinds(same(model(nodes, constants=constants))) == ["GroupNorm"]


@pytest.mark.parametrize("shape", [[0, 2, 3, 12, 10], [-1, 2, 3, 12, 10]])
def test_a_channel_shuffle_is_one_layer(shape: list[int]) -> None:
    nodes = [
        node("Reshape", "x", "s", out="r0"),
        node("Transpose", "r0", out="r1", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "r1", "t"),
    ]
    assert kinds(same(model(nodes, constants={"s": np.asarray(shape), "t": np.asarray([-1, *IMAGE])}))) == ["ChannelShuffle"]


@pytest.mark.parametrize("pool", ["GlobalAveragePool", "ReduceMean", "mean"])
def test_a_global_pool_in_its_spellings_is_the_pool_and_a_flatten(pool: str) -> None:
    nodes = {
        "GlobalAveragePool": [node("GlobalAveragePool", "x", out="r0"), node("Flatten", "r0")],
        "ReduceMean": [node("ReduceMean", "x", axes=[2, 3], keepdims=0)],
        "mean": [node("ReduceMean", "x", out="r0", axes=[-1, -2]), node("Squeeze", "r0", "a")],
    }[pool]
    assert kinds(same(model(nodes, constants={"a": np.asarray([2, 3])}))) == ["AdaptiveAvgPool2d", "Flatten"]


def test_a_bias_added_behind_is_the_layers_own() -> None:
    nodes = [
        node("Conv", "x", "w", out="r0"),
        node("Add", "r0", "b", out="r1"),
        node("Flatten", "r1", out="r2"),
        node("MatMul", "r2", "v", out="r3"),
        node("Add", "c", "r3"),
    ]
    found = same(
        model(nodes, constants={"w": numbers(4, 6, 3, 3), "b": numbers(1, 4, 1, 1), "v": numbers(320, 5), "c": numbers(5)})
    )
    assert kinds(found) == ["Conv2d", "Flatten", "Linear"]
    assert found.network.get_submodule("conv_0").bias is not None


def test_batch_norm_as_a_product_and_a_sum_stays_scale_and_shift() -> None:
    nodes = [node("Conv", "x", "w", out="r0"), node("Mul", "r0", "s", out="r1"), node("Add", "r1", "b")]
    found = same(model(nodes, constants={"w": numbers(4, 6, 3, 3), "s": numbers(4, 1, 1), "b": numbers(4, 1, 1)}))
    assert kinds(found) == ["Conv2d", "Scale", "Shift"]


def test_even_zeros_around_an_image_are_the_convolutions_padding() -> None:
    nodes = [node("Pad", "x", "p", out="r0"), node("Conv", "r0", "w", strides=[2, 2])]
    found = same(model(nodes, constants={"w": numbers(4, 6, 3, 3), "p": np.asarray([0, 0, 1, 2, 0, 0, 1, 2])}))
    assert kinds(found) == ["Conv2d"]


def test_axes_turned_and_turned_back_are_left_alone() -> None:
    nodes = [
        node("Transpose", "x", out="r0", perm=[0, 2, 3, 1]),
        node("Transpose", "r0", out="r1", perm=[0, 3, 1, 2]),
        node("Relu", "r1"),
    ]
    assert kinds(same(model(nodes))) == ["ReLU"]


@pytest.mark.parametrize("norm", ["ReduceL2", "ReduceL1", "ReduceSumSquare"])
def test_weights_that_are_made_of_a_norm_are_one_convolution(norm: str) -> None:
    """Weight norm, as torch's older exporter leaves it in the file."""
    nodes = [node(norm, "v", out="norm", axes=[1, 2, 3], keepdims=1), node("Div", "v", "norm", out="unit"),
             node("Mul", "unit", "g", out="w"), node("Conv", "x", "w")]
    constants = {"v": numbers(4, 6, 3, 3), "g": numbers(4, 1, 1, 1, seed=1)}
    assert kinds(same(model(nodes, constants=constants, opset=13))) == ["Conv2d"]
