"""A network told as data: hand-counted costs, what lives beside each layer, cuts; and every architecture of the house."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, fx, nn

from tests.quiet import cpu_s
from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.cost import cost, living_bytes
from worker.dnn.describe import describe
from worker.dnn.export.parity import Parity
from worker.dnn.form import trace
from worker.dnn.shapes import shapes
from worker.dnn.spec import from_spec
from worker.structure import Structure

FOUR = 4  # bytes of a float32


def columns(told: Structure, *names: str) -> dict[str, Any]:
    return {layer.name: tuple(getattr(layer, name) for name in names) for layer in told.layers}


def test_a_chain_by_hand() -> None:
    layers = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                           nn.Linear(16, 2))
    told = describe(trace(layers), (1, 4, 4))
    assert columns(told, "op", "params", "macs", "activation_bytes", "living_bytes", "out_shape", "inputs") == {
        "0": ("Conv2d", 40, 16 * 36, 256, 64 + 256, (4, 4, 4), ("input_1",)),
        "1": ("BatchNorm2d", 8, 0, 256, 512, (4, 4, 4), ("0",)),
        "2": ("ReLU", 0, 0, 256, 512, (4, 4, 4), ("1",)),
        "3": ("MaxPool2d", 0, 0, 64, 256 + 64, (4, 2, 2), ("2",)),
        "4": ("Flatten", 0, 0, 0, 64, (16,), ("3",)),  # lies in the memory of what it reads
        "5": ("Linear", 34, 32, 8, 64 + 8, (2,), ("4",))}
    assert (told.in_shape, told.out_shape, told.input.name, told.answer) == ((1, 4, 4), (2,), "input_1", "5")
    assert (told.params, told.macs, told.activation_bytes) == (82, 16 * 36 + 32, 512)
    assert [(cut.after, cut.bytes, cut.head_macs) for cut in told.cuts] == [
        ("0", 256, 576), ("1", 256, 576), ("2", 256, 576), ("3", 64, 576), ("4", 64, 576)]
    assert told.layers[0].arguments["kernel_size"] == [3, 3] and told.layers[0].arguments["bias"] is True
    assert [(layer.x, layer.y) for layer in told.layers] == [(0, place) for place in range(1, 7)]


class Around(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.two, self.last = (nn.Conv2d(2, 2, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.last(self.two(self.one(x)) + x)


def test_a_shortcut_by_hand() -> None:
    """A result of 2x5x5 takes 200 bytes; the shortcut's lives until it is added."""
    told = describe(trace(Around()), (2, 5, 5))
    assert columns(told, "living_bytes") == {"stem": (400,), "one": (400,), "two": (600,), "add": (600,), "last": (400,)}
    assert [(cut.after, cut.tensors, cut.head_macs) for cut in told.cuts] == [
        ("stem", ("stem",), 100), ("add", ("add",), 300)]
    wider = describe(trace(Around()), (2, 5, 5), most_tensors=2)
    assert [(cut.after, cut.bytes) for cut in wider.cuts] == [("stem", 200), ("one", 400), ("two", 400), ("add", 200)]
    assert told.layers[3].inputs == ("two", "stem") and told.layers[3].op == "add" and told.layers[3].arguments == {}


class Joined(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.last = nn.Conv2d(1, 1, 1), nn.Conv2d(2, 1, 1), nn.Conv2d(3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x, self.one(x)], 1)
        return self.last(torch.cat([x, self.two(x)], 1))


def test_concatenations_by_hand() -> None:
    """A channel of 5x5 takes 100 bytes."""
    told = describe(trace(Joined()), (1, 5, 5))
    assert columns(told, "activation_bytes", "living_bytes") == {
        "one": (100, 200), "cat": (200, 400), "two": (100, 300), "cat_1": (300, 600), "last": (100, 400)}
    assert told.layers[1].arguments == {"dim": 1}
    assert [(cut.after, cut.bytes) for cut in told.cuts] == [("cat", 200), ("cat_1", 300)]


class Bowl(nn.Module):
    """Two levels down and up again, as in a U-Net."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 4, 1), nn.Conv2d(4, 4, 1)
        self.down, self.down_again, self.up, self.up_again = nn.MaxPool2d(2), nn.MaxPool2d(2), nn.Upsample(scale_factor=2.0), (
            nn.Upsample(scale_factor=2.0))
        self.d, self.e = nn.Conv2d(8, 2, 1), nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.a(x)
        b = self.b(self.down(a))
        d = self.d(torch.cat([self.up(self.c(self.down_again(b))), b], 1))
        return self.e(torch.cat([self.up_again(d), a], 1))


def test_a_network_that_goes_down_and_up_by_hand() -> None:
    """At 4x4: a channel takes 64 bytes above, 16 below, 4 at the bottom. `a` lives nearly all the time."""
    told = describe(trace(Bowl()), (1, 4, 4))
    a, b = 2 * 64, 4 * 16
    assert columns(told, "living_bytes") == {name: (size,) for name, size in {
        "a": 64 + a, "down": a + 32, "b": a + 32 + b, "down_again": a + b + 16, "c": a + b + 16 + 16, "up": a + b + 16 + 64,
        "cat": a + b + 64 + 128, "d": a + 128 + 32, "up_again": a + 32 + 128, "cat_1": a + 128 + 256, "e": 256 + 64}.items()}
    assert told.activation_bytes == a + 128 + 256
    assert [cut.after for cut in told.cuts] == ["a", "cat_1"]
    assert {cut.after: cut.tensors for cut in describe(trace(Bowl()), (1, 4, 4), most_tensors=3).cuts}["c"] == ("a", "b", "c")


@st.composite
def networks(draw: st.DrawFn) -> fx.GraphModule:
    """Rectifiers, views and sums of earlier results, all of the same shape."""
    nodes = [{"name": "x", "op": "input", "kind": "", "arguments": {}, "inputs": []}]
    for place in range(draw(st.integers(1, 14))):
        names = st.sampled_from([str(node["name"]) for node in nodes])
        kind = draw(st.sampled_from(["ReLU", "Identity", "add"]))
        inputs = [draw(names) for _ in range(2 if kind == "add" else 1)]
        nodes.append({"name": f"n{place}", "op": "function" if kind == "add" else "layer", "kind": kind, "arguments": {},
                      "inputs": inputs})
    nodes.append({"name": "answer", "op": "output", "kind": "", "arguments": {}, "inputs": [nodes[-1]["name"]]})
    return from_spec({"version": 1, "nodes": nodes}, device="meta")


def lives(network: fx.GraphModule, at: int) -> int:
    """How many results live while node `at` runs, asked one by one: made, and its memory read now or later."""
    nodes = list(network.graph.nodes)
    memory = {}
    for node in nodes:
        layer = network.get_submodule(node.target) if node.op == "call_module" else None
        is_view = node.op == "output" or isinstance(layer, nn.Identity)
        memory[node] = memory[node.all_input_nodes[0]] if is_view else node
    living = set()
    for node in nodes[:at + 1]:
        read = [place for place, other in enumerate(nodes) if any(memory[each] is memory[node] for each in other.all_input_nodes)]
        if node is nodes[at] or max(read, default=-1) >= at:
            living.add(memory[node])
    return len(living)


@settings(max_examples=120, deadline=None)
@given(networks())
def test_what_lives_is_what_asking_for_every_result_finds(network: fx.GraphModule) -> None:
    swept = living_bytes(network, shapes(network, (1, 1, 1)))
    assert [size // FOUR for size in swept.values()] == [lives(network, at) for at in range(len(swept))]


@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture_is_told_as_it_is_counted_and_soon(name: str) -> None:
    network = architectures.outline(name, in_shape=(3, 224, 224))
    assert cpu_s(lambda: describe(network, (3, 224, 224)), 3) < 3
    told = describe(network, (3, 224, 224))
    total = cost(network, (3, 224, 224))
    assert (told.params, told.macs, told.activation_bytes) == (total.params, total.macs, total.activation_bytes)
    assert max(layer.living_bytes for layer in told.layers) == told.activation_bytes
    assert sum(layer.params for layer in told.layers) == zoo.parameters(network)
    assert told.cuts and all(cut.head_macs <= told.macs for cut in told.cuts)
    assert Structure.model_validate_json(told.model_dump_json()) == told


@pytest.mark.parametrize("name", zoo.ALL)
def test_behind_every_cut_the_tail_needs_nothing_else(name: str) -> None:
    """The rest of the network runs on the crossing result alone."""
    network = zoo.network(name)
    told = describe(network, zoo.IN_SHAPE)
    kept: dict[str, Tensor] = {}

    class Watch(fx.Interpreter):
        def run_node(self, node: fx.Node) -> Any:
            result = super().run_node(node)
            kept[str(node.target) if node.op == "call_module" else node.name] = result
            return result

    answer = Watch(network).run(zoo.images())
    for cut in told.cuts:
        assert kept[cut.tensors[0]][0].numel() * FOUR == cut.bytes
        again = fx.Interpreter(network, garbage_collect_values=False)
        again.env = {node: kept[cut.tensors[0]] for node in network.graph.nodes
                     if cut.tensors[0] in (node.name, str(node.target)) and node.op != "output"}
        place = next(index for index, node in enumerate(network.graph.nodes) if node in again.env)
        for node in list(network.graph.nodes)[place + 1:]:
            again.env[node] = again.run_node(node)
        assert torch.equal(again.env[list(network.graph.nodes)[-1]], answer)


def test_parity_is_told_as_it_was_found() -> None:
    told = describe(zoo.network("Chain"), zoo.IN_SHAPE, parity=Parity(1e-6, float("nan")))
    assert told.parity is not None and (told.parity.max_abs, told.parity.max_relative) == (1e-6, None)
    assert describe(zoo.network("Chain"), zoo.IN_SHAPE).parity is None


def test_a_shape_that_does_not_fit_is_refused_by_layer() -> None:
    with pytest.raises(ValueError, match=r"0\.0 expects 3 channels but is given 4"):
        describe(zoo.network("Chain"), (4, 12, 12))
