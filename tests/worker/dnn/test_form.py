"""Any network made of the white list becomes the internal form, and that form is data."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.form import from_spec, to_spec, trace


@pytest.mark.parametrize("name", zoo.ALL)
def test_the_form_answers_like_the_module(name: str) -> None:
    torch.manual_seed(1)
    module = zoo.ALL[name]().double().eval()
    assert torch.equal(trace(module)(zoo.images()), module(zoo.images()))


@pytest.mark.parametrize("name", zoo.ALL)
def test_a_network_is_rebuilt_from_json_alone(name: str) -> None:
    network = zoo.network(name)
    spec = to_spec(network)
    again = from_spec(json.loads(json.dumps(spec)))
    again.load_state_dict(network.float().state_dict())
    assert to_spec(again) == spec
    assert torch.equal(again(zoo.images(dtype=torch.float32)), network(zoo.images(dtype=torch.float32)))


class Odd(nn.Module):
    """Functions in all the ways people write them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.add = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1)
        self.fc = nn.Linear(4 * 9, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv(x))
        x = self.relu(x + x)
        x += self.add(x)
        x = nn.functional.relu(torch.add(x, x).mul(x), inplace=True)
        x = nn.functional.max_pool2d(x, 2, stride=2)
        x = nn.functional.avg_pool2d(x, kernel_size=2).sub(nn.functional.adaptive_avg_pool2d(x, (3, 3)))
        x = nn.functional.dropout(x, 0.5, self.training)
        return self.fc(torch.sigmoid(x.view(x.size(0), -1)))


def test_functions_become_layers_and_names_stay_apart() -> None:
    module = Odd().double().eval()
    network = trace(module)
    assert torch.equal(network(zoo.images()), module(zoo.images()))
    assert {entry["op"] for entry in to_spec(network)["nodes"]} == {"input", "layer", "function", "output"}
    again = from_spec(to_spec(network)).double()
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(zoo.images()), module(zoo.images()))
    assert to_spec(again) == to_spec(network)


class Overwriting(nn.Module):
    """What was overwritten is read again, as in some residual networks."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.relu = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.one(x)
        z = self.two(self.relu(x)) + x
        z = z.sub_(x)
        return nn.functional.relu(z, inplace=True) + z


def test_a_tensor_overwritten_in_place_is_read_as_overwritten() -> None:
    module = Overwriting().double()
    network = trace(module)
    again = from_spec(to_spec(network)).double()
    again.load_state_dict(network.state_dict())
    assert torch.equal(network(zoo.images()), module(zoo.images()))
    assert torch.equal(again(zoo.images()), module(zoo.images()))
    assert module.relu.inplace and not network.get_submodule("relu").inplace


class Weird(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


class Twice(Weird):
    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.inner(x))


class Other(Weird):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft(x).real


class Scalar(Weird):
    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x * float("nan"))


@pytest.mark.parametrize(("module", "told"), [
    (Weird(nn.LSTM(3, 3)), "inner is a LSTM"),
    (Weird(nn.Conv2d(3, 3, 3, padding="same")), r"inner \(Conv2d\) has arguments"),
    (Weird(nn.AvgPool2d(2, divisor_override=3)), r"inner \(AvgPool2d\) has arguments"),
    (Weird(nn.Softplus(beta=2)), r"inner \(Softplus\) has arguments"),
    (Weird(nn.LayerNorm(3, bias=False)), r"inner \(LayerNorm\) has arguments"),
    (Weird(nn.Upsample(scale_factor=2, recompute_scale_factor=True)), r"inner \(Upsample\) has arguments"),
    (Twice(nn.Conv2d(3, 3, 3)), "inner is called more than once"),
    (Other(nn.ReLU()), "is not something this portal knows"),
    (Scalar(nn.ReLU()), "works on something else than tensors"),
])
def test_everything_else_is_refused_with_its_name(module: nn.Module, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        trace(module)


def changed(**fields: Any) -> dict[str, Any]:
    """The spec of a small network with something changed in its first layer."""
    spec = copy.deepcopy(to_spec(trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))))
    spec["nodes"][1].update(fields)
    return spec


CONV = changed()["nodes"][1]["arguments"]


@pytest.mark.parametrize(("spec", "told"), [
    ({}, "version"),
    ({"version": 1, "nodes": []}, "one input and one output"),
    ({"version": 1, "nodes": [{}]}, "described by name"),
    (changed(kind="LSTM"), "is a LSTM"),
    (changed(op="call_method"), "op 'call_method'"),
    (changed(op="function", kind="system", name="a"), "function 'system'"),
    (changed(name="a b"), "letters, digits"),
    (changed(name="__class__"), "letters, digits"),
    (changed(name="forward"), "torch keeps for itself"),
    (changed(name="_parameters"), "torch keeps for itself"),
    (changed(name="1"), "same name"),
    (changed(name="1.x"), "lies inside another layer"),
    (changed(inputs=["nobody"]), "does not stand before it"),
    (changed(inputs=["1"]), "does not stand before it"),
    (changed(inputs=[]), "wrong number of inputs"),
    (changed(arguments={}), "arguments this portal does not know"),
    *((changed(arguments=CONV | {field: value}), "arguments this portal does not know")
      for field in CONV for value in (1 << 40, -1, 1.5, "zero", [], [1, 2, 3], {}, None)),
    (changed(name=7), "wrong type"),
])
def test_a_spec_off_the_white_list_is_refused_in_one_sentence(spec: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told) as refusal:
        from_spec(spec)
    assert str(refusal.value).endswith(".") and len(str(refusal.value)) < 200


def test_a_huge_layer_takes_no_memory_before_its_tensors_are_seen() -> None:
    spec = changed()
    spec["nodes"][1]["arguments"] |= {"in_channels": 1 << 20, "out_channels": 1 << 20}
    assert from_spec(spec, device="meta").get_submodule("0").weight.is_meta


@pytest.mark.parametrize("name", ["self", "torch", "device", "import", "None", "_0", "inf", "x"])
def test_no_name_breaks_the_generated_code(name: str) -> None:
    try:
        network = from_spec(changed(name=name) | {"nodes": _renamed(name)})
    except ValueError:
        return
    assert network(torch.zeros(1, 3, 4, 4)).shape == (1, 4, 2, 2)


def _renamed(name: str) -> list[dict[str, Any]]:
    nodes = changed(name=name)["nodes"]
    nodes[2]["inputs"] = [name]
    return nodes


def test_an_architecture_traces_to_itself() -> None:
    network = architectures.build("resnet20", seed=0)
    assert to_spec(trace(network)) == to_spec(network)
