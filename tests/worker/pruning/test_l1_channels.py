"""Pruning to a share of the channels: the widths asked for, the reasons where they are not, and a network that trains."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import fx, nn

from worker import menu
from worker.context import Context
from worker.dnn import architectures, files
from worker.dnn.cost import cost
from worker.dnn.form import trace
from worker.events import Event, Finished, Log, Metric, VariantMade
from worker.executor import execute
from worker.flags import resolve
from worker.pruning.channels import Rules, narrowed, prune
from worker.pruning.pruned import Pruned

SHAPE = (3, 32, 32)


def pruned(network: fx.GraphModule, rules: Rules) -> tuple[Pruned, list[Event]]:
    said: list[Event] = []
    steps = prune(network, rules)
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return end.value, said


def test_every_layer_keeps_its_share_and_the_last_one_says_why_it_does_not() -> None:
    found, said = pruned(architectures.build("resnet20", 10, SHAPE, seed=1), Rules(0.5))
    shares = dict(found.density)
    assert shares.pop("fc") == 1 and set(shares.values()) == {0.5}
    assert cost(found.network, SHAPE).params < 272_474 / 3.5
    texts = [event.message for event in said if isinstance(event, Log)]
    assert texts[0].startswith("21 of 22 layers are narrower now; together they keep 402 of 794")
    assert any(text.startswith("fc: 10 of 10") for text in texts)


def test_widths_are_multiples_and_no_less_than_asked() -> None:
    found, _ = pruned(architectures.build("vgg11", 10, SHAPE, seed=1), Rules(0.3, round_to=8, min_channels=24))
    widths = [layer.out_channels for layer in found.network.modules() if hasattr(layer, "out_channels")]
    assert min(widths) >= 24 and all(width % 8 == 0 for width in widths)


def test_nothing_to_remove_is_said() -> None:
    found, _ = pruned(architectures.build("lenet5", 10, SHAPE, seed=1), Rules(0.9, round_to=64))
    assert found.untouched and found.network.get_submodule("conv1").out_channels == 6


@pytest.mark.parametrize("name", ["vgg11", "resnet20", "mobilenet_v2", "densenet121"])
def test_by_the_second_norm_the_channels_with_the_largest_squares_stay(name: str) -> None:
    network = architectures.build(name, 10, SHAPE, seed=1, width=0.25)
    one, two = (pruned(network, Rules(0.5, norm=norm))[0] for norm in ("l1", "l2"))
    assert one.density == two.density
    first = next(name for name, share in two.density.items() if share == 0.5)
    assert two.network.eval()(torch.zeros(1, *SHAPE)).shape == (1, 10)
    if name == "vgg11":  # nothing else makes these channels
        weight = network.get_submodule(first).weight.detach()
        kept = weight.square().flatten(1).sum(1).argsort(descending=True)[: len(weight) // 2].sort().values
        assert torch.equal(two.network.get_submodule(first).weight, weight[kept])
        assert not torch.equal(one.network.get_submodule(first).weight, two.network.get_submodule(first).weight) or len(kept) < 9


@pytest.mark.parametrize("asked", [10_000, 60_000, 150_000])
def test_the_share_can_be_found_from_the_parameters(asked: int) -> None:
    network = architectures.build("resnet20", 10, SHAPE, seed=1)
    found, said = pruned(network, Rules(0.5, params=asked))
    got = cost(found.network, SHAPE).params
    shares = {share for name, share in found.density.items() if name != "fc"}
    others = [cost(narrowed(network, Rules(share)).network, SHAPE).params for share in (number / 64 for number in range(1, 65))]
    assert abs(got - asked) == min(abs(other - asked) for other in others)
    assert max(shares) - min(shares) < 1 / 16
    assert any(isinstance(event, Log) and f"{got:,} parameters; {asked:,} were asked for" in event.message for event in said)


def test_more_parameters_than_there_are_leave_the_network_as_it_is() -> None:
    found, _ = pruned(architectures.build("lenet5", 10, SHAPE, seed=1), Rules(0.5, params=10**9))
    assert found.untouched and set(found.density.values()) == {1}


class Foreign(nn.Module):
    """What an uploaded network may hold: a residual sum, a depthwise layer, a gate, a shuffle, norms of three kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.SiLU())
        self.deep = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.GroupNorm(4, 16), nn.Mish(),
                                  nn.Conv2d(16, 16, 1))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 4, 1), nn.ReLU(), nn.Conv2d(4, 16, 1), nn.Sigmoid())
        self.up = nn.Sequential(nn.ConvTranspose2d(16, 12, 2, 2), nn.InstanceNorm2d(12, affine=True), nn.ReLU())
        self.mixed = nn.Sequential(nn.ChannelShuffle(2), nn.Conv2d(12, 16, 3, 2, 1, groups=2), nn.PixelShuffle(2),
                                   nn.MaxPool2d(2))
        self.last = nn.Sequential(nn.Flatten(), nn.Linear(4 * 8 * 8, 20), nn.PReLU(20), nn.Linear(20, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        x = x + self.deep(x)
        return self.last(self.mixed(self.up(x * self.gate(x))))


def test_a_network_from_elsewhere_is_pruned_trained_and_exported(tmp_path: Path) -> None:
    torch.manual_seed(2)
    given = tmp_path / "given.safetensors"
    files.save(trace(Foreign()), given, in_shape=(1, 8, 8), classes=10, name="foreign")
    recipe = menu.get("pruning.l1_channels")
    params = recipe.params.model_validate({"model": str(given), "dataset": "digits", "channels": 0.5, "epochs": 1})
    events = list(execute(recipe, params, Context(tmp_path, inputs=resolve(params), seed=params.seed)))
    assert isinstance(events[-1], Finished), events[-1]
    told = events[-1].summary
    assert told["params_after"] < 0.75 * told["params_before"] and told["accuracy_after"] is not None
    made = [event for event in events if isinstance(event, VariantMade)][-1]
    assert made.onnx and (tmp_path / made.onnx).is_file() and files.load(tmp_path / made.file).trained
    kept = {event.labels["layer"]: event.value for event in events if isinstance(event, Metric) and event.name == "density"}
    assert kept["gate.1"] == 0.5 and kept["last.3"] == 1
    why = [event.message for event in events if isinstance(event, Log)]
    assert kept["first.0"] == 1 and any(text.startswith("first.0: 16 of 16") and "GroupNorm" in text for text in why), why
