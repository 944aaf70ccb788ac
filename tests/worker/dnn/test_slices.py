"""Head and tail of a cut answer together exactly as the whole does, and each is a network of the house."""

from __future__ import annotations

import json
from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import nn

from tests.worker.dnn import zoo
from worker.dnn import architectures, cost, layers
from worker.dnn.describe import describe
from worker.dnn.export import to_onnx
from worker.dnn.files import load, save
from worker.dnn.form import from_spec, to_spec, trace
from worker.dnn.shapes import output_shape
from worker.dnn.slices import split


@pytest.mark.parametrize("name", ["lenet5", "vgg11", "resnet20", "mobilenet_v2", "densenet121", "googlenet", "shufflenet_v2"])
def test_at_every_cut_the_halves_answer_as_the_whole(name: str) -> None:
    network, images = architectures.build(name, 10, (3, 32, 32), seed=1).eval(), torch.rand(2, 3, 32, 32)
    whole, total = network(images), cost.cost(network, (3, 32, 32))
    cuts = [cut for cut in describe(network, (3, 32, 32)).cuts if cut.after != total.layers[-1].name]
    assert len(cuts) > 3
    for cut in cuts[:: max(1, len(cuts) // 12)]:
        head, tail = split(network, (3, 32, 32), cut.after)
        assert tail.in_shape == output_shape(head.network, head.in_shape) and head.in_shape == (3, 32, 32)
        parts = [cost.cost(*part) for part in (head, tail)]
        assert (parts[0].macs, sum(part.params for part in parts)) == (cut.head_macs, total.params)
        assert torch.equal(tail.network(head.network(images)), whole)


@pytest.mark.parametrize("name", ["lenet5", "resnet20"])
def test_each_half_is_written_read_and_run_by_itself(name: str, tmp_path: Path) -> None:
    network, images = architectures.build(name, 10, (3, 32, 32), seed=1).eval(), torch.rand(3, 3, 32, 32)
    cuts = describe(network, (3, 32, 32)).cuts
    halves, answer = split(network, (3, 32, 32), cuts[len(cuts) // 2].after), images.numpy()
    again = images
    for half, file in zip(halves, ("head", "tail"), strict=True):
        assert to_spec(from_spec(json.loads(json.dumps(to_spec(half.network))))) == to_spec(half.network)
        assert to_onnx(half.network, half.in_shape, tmp_path / f"{file}.onnx").max_relative < 1e-5
        session = onnxruntime.InferenceSession(tmp_path / f"{file}.onnx", providers=["CPUExecutionProvider"])
        (answer,) = session.run(None, {"input": answer})
        classes = output_shape(half.network, half.in_shape)[0]
        save(half.network, tmp_path / file, in_shape=half.in_shape, classes=classes, name=file)
        again = load(tmp_path / file).network(again)
    assert torch.equal(again, network(images))
    assert torch.allclose(torch.from_numpy(answer), network(images), atol=1e-5)


def test_halves_share_the_tensors_of_the_whole_and_keep_their_names() -> None:
    network = architectures.build("lenet5", seed=1)
    head, tail = split(network, (3, 32, 32), "relu1")
    whole = network.state_dict(keep_vars=True)
    parts = head.network.state_dict(keep_vars=True) | tail.network.state_dict(keep_vars=True)
    assert parts.keys() == whole.keys() and all(parts[name] is whole[name] for name in whole)


class Odd(nn.Module):
    """A result that nobody reads, names that a tail's input may not take, one result read twice by one node."""

    def __init__(self) -> None:
        super().__init__()
        self.x, self.x_1, self.twice, self.unread = nn.ReLU(), nn.Tanh(), layers.Affine(2.0), nn.Sigmoid()

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        first = self.x(given)
        self.unread(first)
        second = self.twice(first)
        return self.x_1(second * second)


def test_names_and_results_that_nobody_reads_are_no_hindrance() -> None:
    network, images = trace(Odd()), torch.randn(2, 3, 4, 4)
    for after in ("x", "twice", "mul"):
        head, tail = split(network, (3, 4, 4), after)
        assert torch.equal(tail.network(head.network(images)), network(images))
        assert from_spec(to_spec(tail.network))(head.network(images)).equal(network(images))


@pytest.mark.parametrize(("after", "told"), [
    ("1.one.0", "parts 2 results, 1.one.0, 0.2; a slice takes one"), ("nowhere", "no layer 'nowhere'"),
    ("6", "its tail would be empty"), ("input_1", "no layer 'input_1'"),
])
def test_other_cuts_are_refused_with_what_crosses(after: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        split(zoo.network("Residual"), zoo.IN_SHAPE, after)


def test_a_cut_across_many_results_names_the_first_of_them() -> None:
    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ways = nn.ModuleList(nn.ReLU() for _ in range(9))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            results = [x]
            for way in self.ways:
                results.append(way(results[-1]))
            return torch.cat(results, 1)

    with pytest.raises(ValueError, match=r"parts 10 results, x, ways\.0, .* ways\.4 and 4 more; a slice takes one"):
        split(trace(Dense()), (3, 4, 4), "ways.8")


def test_a_result_that_nobody_reads_is_no_place_for_a_cut() -> None:
    with pytest.raises(ValueError, match="Nothing of the network reads the result of unread"):
        split(keeping_unread(), (3, 4, 4), "unread")


def keeping_unread() -> torch.fx.GraphModule:
    """`trace` sweeps away what nobody reads; a description from elsewhere may still have it."""
    graph = torch.fx.Graph()
    given = graph.placeholder("x")
    graph.call_module("unread", (given,))
    graph.output(graph.call_module("last", (graph.call_module("first", (given,)),)))
    return torch.fx.GraphModule({"unread": nn.Sigmoid(), "first": nn.ReLU(), "last": nn.Tanh()}, graph)
