"""Half of the channels, please: the ones with the least weight go, and what stays against the wish says why."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, fx, nn

from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.form import trace
from worker.dnn.surgery import prune_channels


class Residual(nn.Module):
    """Two layers make each channel of the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.way, self.last = nn.Conv2d(1, 4, 1, bias=False), nn.Conv2d(4, 4, 1, bias=False), nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.last(x + self.way(x))


def line(*sizes: float) -> fx.GraphModule:
    """A layer whose filters have the given sizes, and one that reads it."""
    network = trace(nn.Sequential(nn.Conv2d(1, len(sizes), 1, bias=False), nn.ReLU(), nn.Conv2d(len(sizes), 2, 1)))
    with torch.no_grad():
        network.get_submodule("0").weight.copy_(torch.tensor(sizes).view(-1, 1, 1, 1))
    return network.eval()


def test_the_largest_stay_in_the_order_they_have() -> None:
    shrunk = prune_channels(line(1.0, -5.0, 2.0, 3.0), 0.5)
    assert shrunk.kept["0"].tolist() == [1, 3]
    assert shrunk.network.get_submodule("2").weight.shape == (2, 2, 1, 1)


def test_on_a_tie_the_lower_one_stays() -> None:
    assert prune_channels(line(1.0, 1.0, -1.0, 1.0), 0.5).kept["0"].tolist() == [0, 1]


@pytest.mark.parametrize(("keep", "width"), [(1.0, 10), (0.7, 7), (0.55, 5), (0.1, 1), (0.01, 1)])
def test_widths_are_rounded_down_to_no_less_than_one(keep: float, width: int) -> None:
    assert len(prune_channels(line(*map(float, range(10))), keep).kept["0"]) == width


def test_widths_are_multiples_when_asked() -> None:
    sizes = list(map(float, range(10)))
    shrunk = prune_channels(line(*sizes), 0.5, round_to=4)
    assert shrunk.kept["0"].tolist() == list(range(2, 10))
    assert shrunk.reasons["0"] == "8 of 10 channels stay: so that nothing is narrower than asked."
    assert shrunk.kept["0"].tolist() == prune_channels(line(*sizes), 0.1, min_channels=8).kept["0"].tolist()


def test_layers_that_make_the_same_channels_are_weighed_together() -> None:
    network = trace(Residual())
    with torch.no_grad():
        network.get_submodule("stem").weight.copy_(torch.tensor([9.0, 1.0, 4.0, 0.0]).view(4, 1, 1, 1))
        way = network.get_submodule("way").weight.zero_()
        way[:, 0] = torch.tensor([0.0, 9.0, 5.0, 3.0]).view(4, 1, 1)  # in all: 9, 10, 9, 3
    shrunk = prune_channels(network, 0.5)
    assert shrunk.kept["stem"].tolist() == shrunk.kept["way"].tolist() == [0, 1]


def test_what_holds_channels_is_named() -> None:
    network = trace(nn.Sequential(nn.Conv2d(2, 6, 1), nn.GroupNorm(3, 6), nn.Conv2d(6, 8, 1, groups=2), nn.Conv2d(8, 5, 1)))
    assert prune_channels(network, 0.5).reasons == {
        "0": "6 of 6 channels stay: GroupNorm 1 needs them all.",
        "3": "5 of 5 channels stay: the network's output needs them all.",
    }


def test_a_part_of_a_layer_may_be_held() -> None:
    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.last = nn.Conv2d(2, 4, 1), nn.Conv2d(2, 8, 1), nn.Conv2d(8, 2, 1)
            self.norm = nn.GroupNorm(1, 4)

        def forward(self, x: Tensor) -> Tensor:
            one = self.one(x)
            return self.last(torch.cat([one, self.norm(one)], 1) + self.two(x))

    assert prune_channels(trace(Joined()), 0.5).reasons["two"] == "8 of 8 channels stay: GroupNorm norm needs them all."


def test_groups_keep_the_same_number_each() -> None:
    network = trace(nn.Sequential(nn.Conv2d(2, 8, 1), nn.Conv2d(8, 4, 1, groups=2), nn.Conv2d(4, 2, 1)))
    with torch.no_grad():
        network.get_submodule("0").weight.copy_(torch.arange(16.0).view(8, 2, 1, 1))
    shrunk = prune_channels(network, 0.5)
    assert shrunk.kept["0"].tolist() == [2, 3, 6, 7]  # the best of each group, not the best of all
    middle = shrunk.network.get_submodule("1")
    assert (middle.groups, middle.in_channels, middle.out_channels) == (2, 4, 2)


@pytest.mark.parametrize("keep", [0.0, -0.5, 1.01, float("nan")])
def test_an_impossible_part_is_refused(keep: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        prune_channels(line(1.0, 2.0), keep)


def test_the_same_network_is_cut_in_the_same_way_and_left_untouched() -> None:
    network = architectures.build("shufflenet_v2", seed=3, width=0.5).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    one, other = prune_channels(network, 0.5), prune_channels(network, 0.5)
    assert all(torch.equal(kept, other.kept[name]) for name, kept in one.kept.items())
    with torch.no_grad():
        for tensor in one.network.parameters():
            tensor.add_(1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("name", ["shufflenet_v2", "resnext50", "convnext_tiny", "mobilenet_v3_small"])
def test_a_network_cut_twice_still_answers(name: str) -> None:
    network = architectures.build(name, seed=3, width=0.5).eval()
    twice = prune_channels(prune_channels(network, 0.6).network, 0.6)
    assert twice.network(zoo.images(2, torch.float32, (3, 32, 32))).shape == (2, 10)


def test_every_layer_that_keeps_more_than_asked_says_why() -> None:
    for name in architectures.names():
        network = architectures.build(name, seed=3, width=0.5).eval()
        shrunk = prune_channels(network, 0.5)
        for layer, kept in shrunk.kept.items():
            width = network.get_submodule(layer).weight.shape[0]
            assert (layer in shrunk.reasons) == (len(kept) > max(1, width // 2)), (name, layer)
