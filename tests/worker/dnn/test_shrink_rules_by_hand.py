"""One rule at a time, in networks small enough to be worked out on paper: which channels stay, and which weights they keep."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn

from tests.worker.dnn import zoo
from worker.dnn import layers
from worker.dnn.form import trace
from worker.dnn.surgery import LayerCollapse, apply_masks, keep_channels, prune_channels, shrink


class Line(nn.Sequential):
    """Two channels in; what lies between two convolutions is what a test is about."""

    def __init__(self, width: int, *between: nn.Module, reads: int | None = None) -> None:
        super().__init__(nn.Conv2d(2, width, 1), *between, nn.Conv2d(reads or width, 2, 1))


class Two(nn.Module):
    """A convolution whose result goes two ways that meet again."""

    def __init__(self, way: nn.Module, meet: Any, width: int = 4) -> None:
        super().__init__()
        self.stem, self.way, self.last, self.meet = nn.Conv2d(2, width, 1), way, nn.Conv2d(width, 2, 1), meet

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.last(self.meet(x, self.way(x)))


def made(module: nn.Module) -> fx.GraphModule:
    torch.manual_seed(0)
    return zoo.lived_in(trace(module).double())


def uneven(layer: nn.Module) -> nn.Module:
    for tensor in layer.parameters():
        nn.init.uniform_(tensor)
    return layer


def dead(network: fx.GraphModule, **filters: list[int]) -> dict[str, Tensor]:
    """Masks that kill whole filters of the named layers."""
    masks = {}
    for name, gone in filters.items():
        layer = name.removeprefix("l").replace("_", ".")
        weight = network.get_submodule(layer).weight
        masks[f"{layer}.weight"] = torch.ones_like(weight)
        turned = isinstance(network.get_submodule(layer), nn.ConvTranspose2d)
        masks[f"{layer}.weight"][(slice(None), gone) if turned else gone] = 0
    return masks


def pictures(size: int = 4) -> Tensor:
    return zoo.images(3, shape=(2, size, size))


def same(network: fx.GraphModule, masks: dict[str, Tensor], **knobs: Any) -> Any:
    """Shrunk, after a look at its answers."""
    shrunk = shrink(network, masks, **knobs)
    expected = apply_masks(network, masks, knobs.get("policy", "mask_affine"))(pictures())
    assert torch.allclose(shrunk.network(pictures()), expected, rtol=1e-9, atol=1e-10)
    return shrunk


def kept(shrunk: Any, layer: str) -> list[int]:
    return shrunk.kept[layer].tolist()  # type: ignore[no-any-return]


def test_a_groups_channels_go_in_the_same_number_from_every_group() -> None:
    network = made(Line(4, nn.Conv2d(4, 4, 1, groups=2)))
    assert kept(same(network, dead(network, l0=[1])), "0") == [0, 1, 2, 3]
    shrunk = same(network, dead(network, l0=[1, 2]))
    middle = shrunk.network.get_submodule("1")
    assert kept(shrunk, "0") == [0, 3] and (middle.groups, middle.in_channels, middle.out_channels) == (2, 2, 4)
    weight = network.get_submodule("1").weight
    assert torch.equal(middle.weight[:, 0], torch.cat([weight[:2, 0], weight[2:, 1]]))


def test_a_whole_group_goes_alone() -> None:
    network = made(Line(6, nn.Conv2d(6, 3, 1, groups=3), reads=3))
    masks = dead(network, l0=[2, 3], l1=[1])
    middle = same(network, masks).network.get_submodule("1")
    assert (middle.groups, middle.in_channels, middle.out_channels) == (2, 4, 2)
    assert torch.equal(middle.weight, network.get_submodule("1").weight[[0, 2]])


def test_a_depthwise_filter_with_two_outputs_takes_both_along() -> None:
    network = made(Line(3, nn.Conv2d(3, 6, 1, groups=3), reads=6))
    shrunk = same(network, dead(network, l0=[1]))
    middle = shrunk.network.get_submodule("1")
    assert (middle.groups, middle.in_channels, middle.out_channels) == (2, 2, 4)
    assert torch.equal(shrunk.network.get_submodule("2").weight, network.get_submodule("2").weight[:, [0, 1, 4, 5]])


def test_a_transposed_convolution_has_its_inputs_first() -> None:
    network = made(Line(4, nn.ConvTranspose2d(4, 3, 2, 2), nn.ReLU(), reads=3))
    shrunk = same(network, dead(network, l0=[0], l1=[2]))
    middle = shrunk.network.get_submodule("1")
    assert torch.equal(middle.weight, network.get_submodule("1").weight[1:, :2])
    assert torch.equal(middle.bias, network.get_submodule("1").bias[:2])


def test_a_transposed_convolution_in_groups_keeps_the_same_number_of_each() -> None:
    network = made(Line(4, nn.ConvTranspose2d(4, 4, 1, groups=2)))
    middle = same(network, dead(network, l0=[0, 3])).network.get_submodule("1")
    assert (middle.groups, middle.in_channels, middle.out_channels) == (2, 2, 4)
    assert torch.equal(middle.weight, network.get_submodule("1").weight[[1, 2]])


class Split(nn.Module):
    """Six channels, two of which go through a convolution before all are joined the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head, self.tail = nn.Conv2d(2, 6, 1), layers.Slice(1, 0, 2), layers.Slice(1, 2, None)
        self.inner, self.last = nn.Conv2d(2, 2, 1), nn.Conv2d(6, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.last(torch.cat([self.tail(x), self.inner(self.head(x))], 1))


def test_a_slice_begins_and_ends_where_its_channels_now_lie() -> None:
    network = made(Split())
    shrunk = same(network, dead(network, stem=[1, 3]))
    head, tail = shrunk.network.get_submodule("head"), shrunk.network.get_submodule("tail")
    assert (head.start, head.stop, tail.start, tail.stop) == (0, 1, 1, None)
    assert torch.equal(shrunk.network.get_submodule("inner").weight, network.get_submodule("inner").weight[:, :1])
    assert torch.equal(shrunk.network.get_submodule("last").weight, network.get_submodule("last").weight[:, [0, 2, 3, 4, 5]])


def test_no_slice_is_left_without_channels() -> None:
    network = made(Split())
    assert kept(same(network, dead(network, stem=[0, 1])), "stem") == [0, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="slice head would be left without channels"):
        keep_channels(network, {"stem": torch.arange(2, 6)})


def test_a_slice_of_every_other_channel_needs_them_all() -> None:
    network = made(Line(4, layers.Slice(1, 0, None, 2), reads=2))
    shrunk = same(network, dead(network, l0=[0]))
    assert shrunk.reasons["0"] == "1 dead channels stay: 1 needed whole by Slice 1."


def test_a_shuffle_takes_the_same_number_from_each_group_and_its_reader_the_columns_in_the_new_order() -> None:
    network = made(Line(6, nn.ChannelShuffle(2)))  # places 0 3 1 4 2 5
    assert len(kept(same(network, dead(network, l0=[0])), "0")) == 6
    shrunk = same(network, dead(network, l0=[0, 5]))  # 1 2 | 3 4, dealt: 1 3 2 4, which the reader saw at 2 1 4 3
    assert kept(shrunk, "0") == [1, 2, 3, 4] and shrunk.network.get_submodule("1").groups == 2
    assert torch.equal(shrunk.network.get_submodule("2").weight, network.get_submodule("2").weight[:, [2, 1, 4, 3]])


def test_numbers_for_each_channel_follow_a_shuffle() -> None:
    network = made(Line(6, nn.ChannelShuffle(2), nn.BatchNorm2d(6), nn.Conv2d(6, 6, 1, groups=6)))
    shrunk = same(network, dead(network, l0=[0, 5]))
    assert torch.equal(shrunk.network.get_submodule("2").running_mean, network.get_submodule("2").running_mean[[2, 1, 4, 3]])
    assert torch.equal(shrunk.network.get_submodule("3").weight, network.get_submodule("3").weight[[2, 1, 4, 3]])


def test_a_whole_group_of_a_shuffle_goes_alone() -> None:
    network = made(Line(6, nn.ChannelShuffle(3)))  # 0 1 | 2 3 | 4 5
    shrunk = same(network, dead(network, l0=[2, 3]))
    assert kept(shrunk, "0") == [0, 1, 4, 5] and shrunk.network.get_submodule("1").groups == 2


class Halves(nn.Module):
    """A shuffle whose result is cut in two: 0 4 1 5 and 2 6 3 7."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deal, self.head = nn.Conv2d(2, 8, 1), nn.ChannelShuffle(2), layers.Slice(1, 0, 4)
        self.tail, self.one, self.other = layers.Slice(1, 4, 8), nn.Conv2d(4, 2, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.deal(self.stem(x))
        return self.one(self.head(x)) + self.other(self.tail(x))


def test_a_shuffle_that_is_cut_in_two_is_even_on_both_sides() -> None:
    network = made(Halves())
    assert kept(same(network, dead(network, stem=[0, 7])), "stem") == list(range(8))  # even in all, not in each half
    shrunk = same(network, dead(network, stem=[0, 5]))
    assert kept(shrunk, "stem") == [1, 2, 3, 4, 6, 7]
    assert (shrunk.network.get_submodule("head").stop, shrunk.network.get_submodule("tail").start) == (2, 2)


@pytest.mark.parametrize("gate", [
    [nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 1), nn.Sigmoid()],
    [layers.Mean((2, 3)), nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 4), nn.Sigmoid(), layers.Reshape((-1, 1, 1))],
    [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 4), nn.Hardsigmoid(),
     layers.Reshape((4, 1, 1))],
])
def test_a_gate_goes_with_the_channel_that_it_scales(gate: list[nn.Module]) -> None:
    network = made(Two(nn.Sequential(*gate), torch.mul))
    shrunk = same(network, dead(network, stem=[1]))
    names = [name for name, layer in network.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    assert kept(shrunk, "stem") == kept(shrunk, names[-1 if names[-1] != "last" else -2]) == [0, 2, 3]
    outer = shrunk.network.get_submodule("way.1" if "way.1" in shrunk.kept else "way.2")
    assert outer.weight.shape[1] == 3


def test_a_gate_that_is_dead_is_a_constant_that_is_not_zero() -> None:
    """sigmoid(0) = 0.5: its image is halved, not gone."""
    network = made(Two(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), nn.Sigmoid()), torch.mul))
    assert kept(same(network, dead(network, way_1=[2])), "stem") == [0, 1, 2, 3]
    assert kept(same(network, dead(network, way_1=[2], stem=[2])), "stem") == [0, 1, 3]


@pytest.mark.parametrize(("meet", "goes"), [
    (torch.add, True), (torch.sub, True), (torch.maximum, True), (torch.minimum, True), (torch.mul, True)])
def test_two_dead_channels_that_meet_go_together(meet: Any, goes: bool) -> None:
    network = made(Two(nn.Conv2d(4, 4, 1), meet))
    shrunk = same(network, dead(network, stem=[3], way=[3]))
    assert (kept(shrunk, "stem") == kept(shrunk, "way") == [0, 1, 2]) is goes


def test_a_channel_divided_by_a_dead_one_stays() -> None:
    network = made(Two(nn.Sequential(nn.Conv2d(4, 4, 1), layers.Affine(1.0, 9.0)), torch.div))
    assert kept(same(network, dead(network, way_0=[1])), "stem") == [0, 1, 2, 3]
    assert kept(same(network, dead(network, way_0=[1], stem=[1])), "stem") == [0, 2, 3]  # 0 / 9


def test_a_dead_branch_that_is_subtracted_is_taken_out() -> None:
    network = made(Two(nn.Conv2d(4, 4, 3, padding=1), torch.sub))
    shrunk = same(network, dead(network, way=[0, 1, 2, 3]))
    assert not any(node.target is torch.sub for node in shrunk.network.graph.nodes) and kept(shrunk, "way") == []


def test_a_dead_branch_of_another_size_stays_for_its_shape() -> None:
    """1x1 spread over 4x4: without the sum the answer would be 1x1."""
    class Spread(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other, self.pool = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1), nn.AdaptiveAvgPool2d(1)

        def forward(self, x: Tensor) -> Tensor:
            return self.pool(self.one(x)) + self.other(x)

    network = made(Spread())
    assert same(network, dead(network, other=[0, 1])).network(pictures()).shape == (3, 2, 4, 4)


def test_channels_last_are_channels_all_the_same() -> None:
    """As in ConvNeXt: the wide inside of an island goes, what the LayerNorm reads stays."""
    inner = nn.Sequential(
        layers.Permute((0, 2, 3, 1)), nn.LayerNorm(4), nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4), layers.Permute((0, 3, 1, 2)))
    network = made(Two(inner, torch.add))
    shrunk = same(network, dead(network, way_2=[0, 5, 6], stem=[1]))
    assert kept(shrunk, "way.2") == [1, 2, 3, 4, 7] and kept(shrunk, "stem") == [0, 1, 2, 3]
    assert torch.equal(shrunk.network.get_submodule("way.4").weight, network.get_submodule("way.4").weight[:, [1, 2, 3, 4, 7]])
    assert prune_channels(network, 0.5).reasons["stem"] == "4 of 4 channels stay: LayerNorm way.1 needs them all."


def test_an_image_flattened_channels_last_loses_every_third_column() -> None:
    network = made(nn.Sequential(nn.Conv2d(2, 3, 1), layers.Permute((0, 2, 3, 1)), nn.Flatten(), nn.Linear(48, 2)))
    shrunk = same(network, dead(network, l0=[1]))
    columns = [place for place in range(48) if place % 3 != 1]
    assert torch.equal(shrunk.network.get_submodule("3").weight, network.get_submodule("3").weight[:, columns])


def test_a_row_that_becomes_an_image_goes_in_blocks() -> None:
    network = made(nn.Sequential(
        nn.Conv2d(2, 3, 1), layers.Mean((2, 3)), nn.Linear(3, 12), layers.Reshape((3, 2, 2)), nn.Conv2d(3, 2, 1)))
    assert len(kept(same(network, dead(network, l2=[4, 5, 6])), "2")) == 12
    shrunk = same(network, dead(network, l2=[4, 5, 6, 7]))
    assert kept(shrunk, "2") == [0, 1, 2, 3, 8, 9, 10, 11] and shrunk.network.get_submodule("3").shape == (2, 2, 2)


def test_pixels_are_shuffled_out_of_whole_blocks() -> None:
    network = made(Line(8, nn.PixelShuffle(2), reads=2))
    assert len(kept(same(network, dead(network, l0=[0, 1, 2])), "0")) == 8
    assert kept(same(network, dead(network, l0=[0, 1, 2, 3])), "0") == [4, 5, 6, 7]


def test_pixels_are_unshuffled_into_blocks() -> None:
    network = made(Line(3, nn.PixelUnshuffle(2), reads=12))
    shrunk = same(network, dead(network, l0=[1]))
    columns = [0, 1, 2, 3, 8, 9, 10, 11]
    assert torch.equal(shrunk.network.get_submodule("2").weight, network.get_submodule("2").weight[:, columns])


@pytest.mark.parametrize("layer", [
    uneven(layers.Scale((4, 1, 1))), uneven(layers.Shift((4, 1, 1))), uneven(layers.Scale((4, 4, 4))),
    uneven(layers.Shift((4, 4, 4)))])
def test_a_constant_is_cut_along_with_its_channels(layer: nn.Module) -> None:
    network = made(Line(4, layer))
    shrunk = same(network, dead(network, l0=[0, 2]))
    old, new = (next(each.get_submodule("1").parameters()) for each in (network, shrunk.network))
    assert torch.equal(new, old[[1, 3]]) and shrunk.network.get_submodule("1").shape == tuple(new.shape)


def test_padding_of_the_channels_is_counted_anew() -> None:
    """Two channels of zeros before, one after, as in the shortcuts of the first residual networks; the last is in use."""
    class Shortcut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.pad = nn.Conv2d(2, 3, 1), layers.Pad((2, 0, 0), (1, 0, 0))
            self.way, self.last = nn.Conv2d(3, 6, 1), nn.Conv2d(6, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            return self.last(self.pad(x) + self.way(x))

    network = made(Shortcut())
    shrunk = same(network, dead(network, way=[0, 1, 3], stem=[1]))
    assert shrunk.network.get_submodule("pad").before == (0, 0, 0) and shrunk.network.get_submodule("pad").after == (1, 0, 0)
    assert kept(shrunk, "way") == [2, 4, 5] and kept(shrunk, "stem") == [0, 2]


@pytest.mark.parametrize("layer", [
    nn.LocalResponseNorm(3), nn.GroupNorm(2, 4), nn.Softmax(1), nn.LogSoftmax(1), layers.Mean((1,), True), layers.Max((1,), True),
    layers.Sum((1,), True)])
def test_what_looks_across_channels_holds_them_and_is_named(layer: nn.Module) -> None:
    network = made(Line(4, layer, reads=1 if isinstance(layer, layers.Mean | layers.Max | layers.Sum) else 4))
    shrunk = same(network, dead(network, l0=[1]))
    assert shrunk.reasons["0"] == f"1 dead channels stay: 1 needed whole by {type(layer).__name__} 1."


@pytest.mark.parametrize(
    "layer", [nn.InstanceNorm2d(4), nn.InstanceNorm2d(4, affine=True), nn.GroupNorm(4, 4), nn.BatchNorm2d(4)])
def test_what_looks_at_each_channel_alone_lets_it_go(layer: nn.Module) -> None:
    network = made(Line(4, layer))
    shrunk = same(network, dead(network, l0=[1]))
    assert kept(shrunk, "0") == [0, 2, 3]
    assert all(tensor.shape == (3,) for tensor in shrunk.network.get_submodule("1").parameters())


@pytest.mark.parametrize(("layer", "value"), [
    (nn.Sigmoid(), 0.5), (nn.Softplus(), 0.6931471805599453), (layers.Affine(2.0, 3.0), 3.0), (layers.Clamp(0.25, 1.0), 0.25),
    (layers.Pointwise("cos"), 1.0), (nn.Hardsigmoid(), 0.5)])
def test_the_constant_that_an_activation_makes_of_zero_is_folded_into_the_reader(layer: nn.Module, value: float) -> None:
    network = made(Line(3, layer))
    with torch.no_grad():
        network.get_submodule("0").bias[1] = 0
    shrunk = same(network, dead(network, l0=[1]), policy="exact")
    last = network.get_submodule("2")
    assert kept(shrunk, "0") == [0, 2]
    assert torch.allclose(shrunk.network.get_submodule("2").bias, last.bias + value * last.weight[:, 1, 0, 0])


@pytest.mark.parametrize("layer", [
    layers.Pad((0, 1, 1), (0, 0, 0)), nn.AvgPool2d(3, 1, 1), nn.ConvTranspose2d(3, 3, 3, 2, groups=3),
    uneven(layers.Shift((4, 4))), layers.Sum((2, 3), True), nn.LPPool2d(2, 2, 2)])
def test_a_constant_that_is_not_one_any_more_stays(layer: nn.Module) -> None:
    network = made(Line(3, layer))
    assert kept(same(network, dead(network, l0=[1]), policy="exact"), "0") == [0, 1, 2]


def test_a_signal_is_cut_like_an_image() -> None:
    network = made(nn.Sequential(
        nn.Conv2d(2, 4, 1), nn.Flatten(2), nn.Conv1d(4, 3, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(),
        nn.Linear(21, 2)))
    shrunk = same(network, dead(network, l0=[2], l2=[0]))
    assert torch.equal(shrunk.network.get_submodule("2").weight, network.get_submodule("2").weight[1:, [0, 1, 3]])
    assert torch.equal(shrunk.network.get_submodule("7").weight, network.get_submodule("7").weight[:, 7:])


def test_matrices_that_are_multiplied_hold_their_channels() -> None:
    network = made(Two(nn.Conv2d(4, 4, 1), torch.matmul))
    assert same(network, dead(network, stem=[0])).reasons["stem"].endswith("needed whole by matmul matmul.")


def test_joined_along_the_height_channels_are_coupled() -> None:
    network = made(Two(nn.Conv2d(4, 4, 1), lambda one, other: torch.cat([one, other], 2)))
    assert kept(same(network, dead(network, stem=[0])), "stem") == [0, 1, 2, 3]
    assert kept(same(network, dead(network, stem=[0], way=[0])), "way") == [1, 2, 3]


def test_an_answer_that_is_all_constant_is_a_collapse_behind_a_gate_as_well() -> None:
    network = made(Two(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), nn.Sigmoid()), torch.mul))
    with pytest.raises(LayerCollapse, match="Every channel of stem is dead"):
        shrink(network, dead(network, stem=[0, 1, 2, 3]))
