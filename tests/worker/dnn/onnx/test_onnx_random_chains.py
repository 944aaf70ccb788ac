"""Operators in any order, with residual sums, branches and shapes told in sums, are read as ONNX Runtime runs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import NodeProto

from tests.worker.dnn.onnx.graphs import model, node, same
from worker.dnn.form import from_spec, to_spec


@dataclass
class Draft:
    """A graph that grows; `shapes` are samples' (channels, height, width)."""

    generator: np.random.Generator
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=lambda: {"x": (4, 9, 8)})

    def add(self, op: str, inputs: list[str], shape: tuple[int, ...], **attributes: Any) -> str:
        name = f"r{len(self.nodes)}"
        self.nodes.append(node(op, *inputs, out=name, **attributes))
        self.shapes[name] = shape
        return name

    def number(self, array: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def weights(self, *shape: int) -> str:
        return self.number((self.generator.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[1:])))).astype(np.float32))

    def whole(self, *values: int) -> str:
        return self.number(np.asarray(values, np.int64))


def conv(draft: Draft, x: str, pick: int) -> str:
    c, h, w = draft.shapes[x]
    after, kernel, stride, groups = 2 + pick % 5, 1 + pick % 3, 1 + pick % 2, c if pick % 4 == 0 else 1
    after = c if groups > 1 else after
    pads = [pick % 2, (pick // 2) % 2, (pick // 4) % 2, (pick // 8) % 2]
    full = [side + before + behind for side, before, behind in zip((h, w), pads[:2], pads[2:], strict=True)]
    size = [(side - kernel) // stride + 1 for side in full]
    if min(size) < 1:
        return x
    inputs = [x, draft.weights(after, c // groups, kernel, kernel), *([draft.weights(after)] if pick % 3 else [])]
    return draft.add("Conv", inputs, (after, *size), pads=pads, strides=[stride, stride], group=groups)


def norm(draft: Draft, x: str, pick: int) -> str:
    c = draft.shapes[x][0]
    positive = draft.number(np.abs(draft.generator.standard_normal(c)).astype(np.float32) + 0.5)
    if pick % 3 == 0:
        return draft.add("InstanceNormalization", [x, draft.weights(c), draft.weights(c)], draft.shapes[x], epsilon=0.1)
    return draft.add("BatchNormalization", [x, positive, draft.weights(c), draft.weights(c), positive], draft.shapes[x])


def activation(draft: Draft, x: str, pick: int) -> str:
    plain = ("Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Softplus", "Elu", "Neg", "Abs", "HardSigmoid")
    return draft.add(plain[pick % len(plain)], [x], draft.shapes[x])


def gate(draft: Draft, x: str, pick: int) -> str:
    shape = draft.shapes[x]
    pooled = draft.add("GlobalAveragePool", [x], (shape[0], 1, 1))
    inside = conv(draft, pooled, 12 * pick + 1) if pick % 2 else pooled
    inside = pooled if draft.shapes[inside] != (shape[0], 1, 1) else inside
    return draft.add("Mul", [x, draft.add("Sigmoid", [inside], (shape[0], 1, 1))], shape)


def pool(draft: Draft, x: str, pick: int) -> str:
    c, h, w = draft.shapes[x]
    if min(h, w) < 2:
        return x
    return draft.add(("MaxPool", "AveragePool")[pick % 2], [x], (c, -(-h // 2), -(-w // 2)), kernel_shape=[2, 2], strides=[2, 2],
                     auto_pad=("SAME_UPPER", "SAME_LOWER")[pick // 2 % 2])


def arithmetic(draft: Draft, x: str, pick: int) -> str:
    c, h, w = shape = draft.shapes[x]
    sides = [(), (1,), (c, 1, 1), (1, c, 1, 1), (w,), (c, h, w)][pick % 6]
    inputs = [x, draft.number((draft.generator.uniform(0.5, 1.5, sides)).astype(np.float32))]
    return draft.add(("Add", "Sub", "Mul")[pick // 6 % 3], inputs if pick % 2 else inputs[::-1], shape)


def joined(draft: Draft, x: str, pick: int) -> str:
    c, h, w = draft.shapes[x]
    fitting = [name for name, shape in draft.shapes.items() if shape[1:] == (h, w) and shape[0] + c < 40]
    other = fitting[pick % len(fitting)] if fitting else x
    return draft.add("Concat", [x, other], (c + draft.shapes[other][0], h, w), axis=1) if fitting else x


def residual(draft: Draft, x: str, pick: int) -> str:
    fitting = [name for name, shape in draft.shapes.items() if shape == draft.shapes[x]]
    return draft.add(("Add", "Sub", "Max")[pick % 3], [x, fitting[pick % len(fitting)]], draft.shapes[x])


def cut(draft: Draft, x: str, pick: int) -> str:
    c, h, w = draft.shapes[x]
    start, step = pick % c, 1 + pick % 2
    places = len(range(start, c, step))
    return draft.add("Slice", [x, draft.whole(start), draft.whole(2**40), draft.whole(-3), draft.whole(step)], (places, h, w))


def shuffled(draft: Draft, x: str, pick: int) -> str:
    c, h, w = shape = draft.shapes[x]
    if c % 2:
        return x
    told = draft.add("Shape", [x], (4,))
    del draft.shapes[told]
    dealt = draft.add("Reshape", [x, draft.whole(0, 2, -1, h, w)], shape)
    turned = draft.add("Transpose", [dealt], shape, perm=[0, 2, 1, 3, 4] if pick % 2 else [0, 1, 2, 4, 3])
    del draft.shapes[dealt], draft.shapes[turned]
    return draft.add("Reshape", [turned, told], shape)


def turned(draft: Draft, x: str, pick: int) -> str:
    c, h, w = draft.shapes[x]
    last = draft.add("Transpose", [x], (h, w, c), perm=[0, 2, 3, 1])
    after = 1 + pick % 6
    dense = draft.add("MatMul", [last, draft.weights(c, after)], (h, w, after))
    del draft.shapes[last], draft.shapes[dense]
    return draft.add("Transpose", [dense], (after, h, w), perm=[0, 3, 1, 2])


STEPS = (conv, conv, norm, activation, activation, gate, pool, arithmetic, joined, residual, cut, shuffled, turned)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 47)), min_size=1, max_size=12), st.integers(0, 3))
def test_a_random_network_is_read_as_the_same_function(steps: list[tuple[Any, int]], head: int) -> None:
    draft, x = Draft(np.random.default_rng(0)), "x"
    for step, pick in steps:
        x = step(draft, x, pick)
    shape = draft.shapes[x]
    if head:
        x = draft.add("Flatten", [x], (int(np.prod(shape)),))
        x = draft.add("Gemm", [x, draft.weights(int(np.prod(shape)), 5), draft.weights(5)], (5,))
    draft.nodes.append(node("Identity", x))
    if x == "x":
        return
    found = same(model(draft.nodes, (4, 9, 8), draft.constants))
    assert to_spec(from_spec(to_spec(found.network))) == to_spec(found.network)
