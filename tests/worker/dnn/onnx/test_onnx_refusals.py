"""What is not read is refused in one sentence that names it; nothing else is ever raised, whatever the bytes."""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import NodeProto, TensorProto, helper, numpy_helper

from tests.worker.dnn.onnx.graphs import IMAGE, model, node, numbers, same
from worker.dnn.ingest.onnx import SizeUnknown, comparing, read
from worker.firstlook import Unfit


def refused(body: bytes, in_shape: Any = None) -> str:
    """The sentence."""
    with pytest.raises(Unfit) as caught:
        read(body, in_shape)
    told = str(caught.value)
    assert told.endswith(".") and "\n" not in told and len(told) <= 300 and "Error" not in told
    return told


def i64(*values: int) -> np.ndarray:
    return np.asarray(values, np.int64)


def graph_of(name: str) -> dict[str, Any]:
    inner = helper.make_graph([node("Relu", "x", out="z")], name, [], [helper.make_tensor_value_info("z", 1, None)])
    return {"then_branch": inner, "else_branch": inner}


OPERATORS: list[tuple[str, list[NodeProto], dict[str, Any]]] = [
    (
        "LSTM (node rnn, domain ai.onnx) is of a recurrent",
        [node("LSTM", "x", "w", "w", name="rnn", hidden_size=3)],
        {"w": numbers(1)},
    ),
    ("If (node fork, domain ai.onnx) decides", [node("If", "c", name="fork", **graph_of("g"))], {"c": np.asarray(True)}),
    (
        "QuantizeLinear (node q, domain ai.onnx) is of a quantised",
        [node("QuantizeLinear", "x", "s", name="q")],
        {"s": np.float32(1)},
    ),
    ("SequenceConstruct (node seq, domain ai.onnx) works on sequences", [node("SequenceConstruct", "x", name="seq")], {}),
    (
        "FusedConv (node f, domain com.microsoft) is not among",
        [node("FusedConv", "x", "w", name="f", domain="com.microsoft")],
        {"w": numbers(4, 6, 3, 3)},
    ),
    ("Einsum (node e, domain ai.onnx) is not among", [node("Einsum", "x", "x", name="e", equation="nchw,nchw->nchw")], {}),
    ("NonMaxSuppression (node without a name, domain", [node("NonMaxSuppression", "x", "x")], {}),
    ("(Softmax) moves numbers between the samples", [node("Softmax", "x", axis=0, name="s")], {}),
    ("(Concat) moves numbers between", [node("Concat", "x", "x", axis=0)], {}),
    ("(Transpose) moves numbers between", [node("Transpose", "x", perm=[1, 0, 2, 3])], {}),
    ("(ReduceMean) moves numbers between", [node("ReduceMean", "x")], {}),
    ("(Gather) takes single samples", [node("Gather", "x", "i", axis=0)], {"i": np.int64(0)}),
    ("(Slice) takes single samples", [node("Slice", "x", "a", "b", "z")], {"a": i64(1), "b": i64(2), "z": i64(0)}),
    (
        "reads an axis backwards",
        [node("Slice", "x", "a", "b", "c", "d")],
        {"a": i64(-1), "b": i64(-9), "c": i64(1), "d": i64(-1)},
    ),
    ("(Conv) computes its input 2 from the images", [node("Conv", "x", "x")], {}),
    (
        "works on 3 axes",
        [node("Unsqueeze", "x", "a", out="u"), node("Conv", "u", "w")],
        {"a": i64(4), "w": numbers(4, 6, 1, 1, 1)},
    ),
    (
        "places pixels (linear, asymmetric)",
        [node("Resize", "x", "", "s", mode="linear", coordinate_transformation_mode="asymmetric")],
        {"s": np.asarray([1, 1, 2, 2], np.float32)},
    ),
    ("gives 2 results", [node("MaxPool", "x", out=["y", "i"], kernel_shape=[2, 2])], {}),
    (
        "normalises as in training",
        [node("BatchNormalization", "x", "s", "s", "s", "s", training_mode=1, out=["y", "a", "b"])],
        {"s": numbers(6)},
    ),
    ("reads 'nowhere', which nothing before it gives", [node("Relu", "nowhere")], {}),
    ("does not depend on its input", [node("Identity", "c")], {"c": numbers(1, 6)}),
    ("fixed numbers; at most", [node("ConstantOfShape", "s", out="c"), node("Add", "x", "c")], {"s": i64(10**10)}),
    (
        "fixed numbers; at most",
        [node("Expand", "s", "t", out="c"), node("Add", "x", "c")],
        {"s": i64(1), "t": i64(1 << 20, 1 << 20)},
    ),
    ("more than", [node("Pad", "x", "p")], {"p": i64(0, 0, 1 << 15, 1 << 15, 0, 0, 0, 0)}),
    ("has weights for 3 channels", [node("Conv", "x", "w")], {"w": numbers(4, 3, 3, 3)}),
    ("too small", [node("MaxPool", "x", kernel_shape=[40, 40])], {}),
    ("is already", [node("Relu", "x"), node("Tanh", "x")], {}),
]


@pytest.mark.parametrize(("told", "nodes", "constants"), OPERATORS, ids=[told[:40] for told, *_ in OPERATORS])
def test_what_is_not_read_is_named(told: str, nodes: list[NodeProto], constants: dict[str, Any]) -> None:
    assert told.replace("is already", "there is already") in refused(model(nodes, constants=constants))


def edited(change: Any) -> bytes:
    made = onnx.load_from_string(model([node("Conv", "x", "w", name="c")], constants={"w": numbers(4, 6, 3, 3)}))
    change(made)
    return bytes(made.SerializeToString())


def outside(made: onnx.ModelProto) -> None:
    tensor = made.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    tensor.ClearField("raw_data")


def outside_in_a_constant(made: onnx.ModelProto) -> None:
    tensor = TensorProto(data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    made.graph.node.insert(0, node("Constant", out="k", value=tensor))


CHANGES: dict[str, Any] = {
    "stand in another file": outside,
    "'' stand in another file": outside_in_a_constant,
    "opset 6; opsets 7 to": lambda made: setattr(made.opset_import[0], "version", 6),
    "opset 99; opsets 7 to": lambda made: setattr(made.opset_import[0], "version", 99),
    "2 outputs (y, x)": lambda made: made.graph.output.append(made.graph.input[0]),
    "2 inputs (x, z)": lambda made: made.graph.input.append(helper.make_tensor_value_info("z", 1, [1])),
    "has no inputs": lambda made: made.graph.ClearField("input"),
    "float32": lambda made: made.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.UINT8, ["n", 6, 12, 10])),
    "functions or a training of its own": lambda made: made.functions.append(onnx.FunctionProto(name="f", domain="d")),
    "two tensors named 'w'": lambda made: made.graph.initializer.append(made.graph.initializer[0]),
    "sparse tensors": lambda made: made.graph.sparse_initializer.append(onnx.SparseTensorProto()),
    "should hold 216,000,000 numbers": lambda made: made.graph.initializer[0].dims.__setitem__(0, 4_000_000),
    "of a type that is not read": lambda made: setattr(made.graph.initializer[0], "data_type", TensorProto.STRING),
    "cut off or is no ONNX file": lambda made: made.ClearField("graph"),
    "has 6 axes": lambda made: made.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", 1, [1, 2, 3, 4, 5, 6])),
    "larger than 65,536": lambda made: made.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", 1, ["n", 6, 1 << 20, 12])),
}


@pytest.mark.parametrize("told", CHANGES)
def test_what_a_file_may_not_be_is_said(told: str) -> None:
    assert told in refused(edited(CHANGES[told]))


@pytest.mark.parametrize(
    "body", [b"", b"\x00", b"<!doctype html>", b"\x08\x07", b"\x08\x07\x3a\xff\xff\xff\xff\x0f", bytes(range(256)) * 40]
)
def test_bytes_that_are_no_onnx_file_are_refused(body: bytes) -> None:
    assert "cut off or is no ONNX file" in refused(body)


def test_images_of_a_size_left_open_are_asked_for() -> None:
    body = model([node("Conv", "x", "w")], (6, "h", "w"), {"w": numbers(4, 6, 3, 3)})
    with pytest.raises(SizeUnknown, match=r"images of 6x\?x\?") as caught:
        read(body)
    assert caught.value.channels == 6
    assert read(body, (6, 9, 8)).in_shape == (6, 9, 8)
    with pytest.raises(SizeUnknown, match="3x9x8 was asked for"):
        read(body, (3, 9, 8))
    same(body, (6, 9, 8))


def test_answers_that_differ_are_refused_with_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    real = comparing.answers_of_file
    monkeypatch.setattr(comparing, "answers_of_file", lambda body, images: real(body, images) * np.float32(1.01))
    assert "by 1.0e-02 of its largest number" in refused(model([node("Relu", "x")]))


def test_a_batch_that_is_fixed_and_large_is_refused_before_it_is_run() -> None:
    assert "exactly 60,000 images at a time" in refused(model([node("Relu", "x")], (3, 64, 64), batch=60_000))


def test_weights_that_many_layers_share_do_not_fill_the_memory() -> None:
    nodes = [
        node("MatMul", "x" if place == 0 else f"r{place - 1}", "w", out="y" if place == 199 else f"r{place}")
        for place in range(200)
    ]
    assert "though the file has" in refused(model(nodes, (400,), {"w": numbers(400, 400) / 20}))


def test_a_long_file_is_read_in_a_time_that_grows_with_it() -> None:
    def seconds(count: int) -> float:
        nodes = [node(("Relu", "Tanh")[place % 2], f"r{place - 1}" if place else "x", out=f"r{place}") for place in range(count)]
        body = model([*nodes, node("Abs", f"r{count - 1}")], (4,))
        begun = time.thread_time()
        read(body)
        return time.thread_time() - begun

    seconds(50)
    # What other tests left, objects and threads, costs nothing here.
    gc.collect()
    gc.freeze()
    try:
        assert min(seconds(2000) for _ in range(2)) < 40 * max(seconds(200), 0.05)
    finally:
        gc.unfreeze()


def test_more_layers_than_are_taken_are_refused() -> None:
    nodes = [
        node("Relu", f"r{place - 1}" if place else "x", out=f"r{place}" if place < 10_100 else "y") for place in range(10_101)
    ]
    assert "more than 5000 layers" in refused(model(nodes, (4,)))


VICTIM = model(
    [
        node("Constant", out="k", value=numpy_helper.from_array(np.asarray([0, -1]))),
        node("Conv", "x", "w", out="a", pads=[1, 1, 1, 1]),
        node("Relu", "a", out="b"),
        node("MaxPool", "b", out="c", kernel_shape=[2, 2], strides=[2, 2]),
        node("Reshape", "c", "k", out="d"),
        node("Gemm", "d", "u", out="e"),
        node("Slice", "e", "s", "t", "s1", out="f"),
        node("Softmax", "f", axis=1),
    ],
    IMAGE,
    {"w": numbers(4, 6, 3, 3), "u": numbers(120, 4), "s": i64(0), "t": i64(3), "s1": i64(1)},
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, len(VICTIM) - 1), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 9))
def test_changed_bytes_are_read_or_refused_and_never_worse(changes: list[tuple[int, int]], cut: int) -> None:
    body = bytearray(VICTIM)
    for place, value in changes:
        # Weights are most of the file; a change there says nothing, so it falls on the graph.
        body[place % 700 if place % 3 else -1 - place % 120] = value
    try:
        read(bytes(body[: len(body) - (cut == 9) * 50]))
    except Unfit as error:
        assert str(error).endswith(".")
