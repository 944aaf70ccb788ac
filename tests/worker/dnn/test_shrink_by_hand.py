"""Cases of the shrink pass small enough to work out on paper."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.worker.dnn import zoo
from worker.dnn.form import trace
from worker.dnn.surgery import LayerCollapse, apply_masks, shrink


def three_convolutions() -> torch.fx.GraphModule:
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 2, 3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )
    return trace(layers).eval()


def ones(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: torch.ones_like(tensor) for name, tensor in network.named_parameters() if tensor.ndim > 1}


def test_a_dead_filter_goes_with_its_bias_and_its_readers_columns() -> None:
    network = three_convolutions()
    masks = ones(network)
    masks["2.weight"][[1, 4]] = 0
    shrunk = shrink(network, masks)
    assert shrunk.kept["2"].tolist() == [0, 2, 3, 5]
    assert zoo.parameters(shrunk.network) == (4 * 27 + 4) + (4 * 4 * 9 + 4) + (2 * 4 * 9 + 2)
    assert torch.equal(shrunk.network.get_submodule("4").weight, network.get_submodule("4").weight[:, [0, 2, 3, 5]])


def test_a_channel_nobody_reads_goes_and_so_do_those_only_it_read() -> None:
    network = three_convolutions()
    masks = ones(network)
    masks["4.weight"][:, 3:] = 0
    masks["2.weight"][:3, 1] = 0
    shrunk = shrink(network, masks)
    assert shrunk.kept["2"].tolist() == [0, 1, 2]
    assert shrunk.kept["0"].tolist() == [0, 2, 3]


def test_a_filter_that_reads_only_dead_channels_is_dead() -> None:
    network = three_convolutions()
    masks = ones(network)
    masks["0.weight"][0] = 0
    masks["2.weight"][5, 1:] = 0
    shrunk = shrink(network, masks)
    assert shrunk.kept["2"].tolist() == [0, 1, 2, 3, 4]


def test_mask_affine_silences_bias_and_batch_norm_of_a_dead_filter() -> None:
    network = zoo.network("Chain")
    masks = {"0.0.weight": torch.ones(8, 3, 3, 3)}
    masks["0.0.weight"][2] = 0
    masked = apply_masks(network, masks)
    quiet = [masked.get_submodule("0.0").bias, masked.get_submodule("0.1").weight, masked.get_submodule("0.1").bias]
    assert all(tensor[2] == 0 and (tensor != 0).sum() == 7 for tensor in quiet)


def test_exact_keeps_a_constant_that_zero_padding_keeps_from_being_folded() -> None:
    network = three_convolutions()
    with torch.no_grad():
        network.get_submodule("0").bias.fill_(1.0)
    masks = ones(network)
    masks["0.weight"][0] = 0
    shrunk = shrink(network, masks, policy="exact")
    assert shrunk.kept["0"].tolist() == [0, 1, 2, 3]
    assert shrunk.reasons == {"0": "1 dead channels stay: 1 a constant other than zero that cannot be folded."}


def test_exact_folds_a_constant_into_a_reader_without_padding() -> None:
    network = three_convolutions()
    first, last = network.get_submodule("2"), network.get_submodule("4")
    with torch.no_grad():
        first.bias.fill_(2.0)
    masks = ones(network)
    masks["2.weight"][0] = 0
    shrunk = shrink(network, masks, policy="exact")
    assert shrunk.kept["2"].tolist() == [1, 2, 3, 4, 5]
    expected = last.bias + 2.0 * last.weight[:, 0].sum((1, 2))
    assert torch.allclose(shrunk.network.get_submodule("4").bias, expected, atol=1e-6)


def test_a_dead_residual_branch_is_taken_out() -> None:
    network = zoo.network("Residual")
    masks = {"3.two.0.weight": torch.zeros(9, 9, 3, 3)}
    shrunk = shrink(network, masks)
    names = {name for name, _ in shrunk.network.named_modules()}
    assert not any(name.startswith(("3.one.", "3.two.")) for name in names)
    assert shrunk.kept["3.one.0"].tolist() == shrunk.kept["3.two.0"].tolist() == []
    assert torch.allclose(shrunk.network(zoo.images()), apply_masks(network, masks)(zoo.images()), atol=1e-10)


def test_a_layer_that_dies_wholly_is_a_collapse() -> None:
    network = three_convolutions()
    with pytest.raises(LayerCollapse, match="Every channel of 2 is dead"):
        shrink(network, {"2.weight": torch.zeros(6, 4, 3, 3)})


def test_a_residual_channel_goes_only_when_every_producer_agrees() -> None:
    network = zoo.network("Residual")
    masks = {name: torch.ones(6, 3 if name.startswith("0") else 6, 3, 3) for name in ("0.0.weight", "1.two.0.weight")}
    masks["0.0.weight"][1] = 0
    shrunk = shrink(network, masks)
    assert shrunk.kept["0.0"].tolist() == [0, 1, 2, 3, 4, 5]
    assert "shared with other layers" in shrunk.reasons["0.0"]
    masks["1.two.0.weight"][1] = 0
    shrunk = shrink(network, masks)
    assert shrunk.kept["0.0"].tolist() == shrunk.kept["1.two.0"].tolist() == [0, 2, 3, 4, 5]


def test_channels_of_a_group_norm_stay() -> None:
    network = zoo.network("Grouped")
    masks = {"3.weight": torch.ones(8, 6, 3, 3)}
    masks["3.weight"][0] = 0
    assert shrink(network, masks, policy="exact").kept["3"].tolist() == list(range(8))


def test_widths_are_rounded_up_with_dead_channels() -> None:
    network = three_convolutions()
    masks = ones(network)
    masks["2.weight"][[1, 2, 4]] = 0
    shrunk = shrink(network, masks, round_to=4)
    assert shrunk.kept["2"].tolist() == [0, 1, 3, 5]
    assert "asked width" in shrunk.reasons["2"]
    assert torch.allclose(shrunk.network(zoo.images(2, torch.float32)),
                          apply_masks(network, masks)(zoo.images(2, torch.float32)), atol=1e-6)


def test_at_least_so_many_channels_stay() -> None:
    network = three_convolutions()
    masks = ones(network)
    masks["2.weight"][1:] = 0
    assert len(shrink(network, masks, min_channels=3).kept["2"]) == 3


def test_a_mask_that_fits_nothing_is_refused_by_name() -> None:
    network = three_convolutions()
    with pytest.raises(ValueError, match="no parameter of that name"):
        shrink(network, {"9.weight": torch.ones(1)})
    with pytest.raises(ValueError, match=r"mask for 0.weight has shape \[1\]"):
        shrink(network, {"0.weight": torch.ones(1)})
