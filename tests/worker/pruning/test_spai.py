"""Structured pruning at initialisation: it fits the budget within one channel, in every architecture, and collapses nowhere."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import fx

from worker import datasets
from worker.context import DatasetInput
from worker.datasets import Data
from worker.dnn import architectures
from worker.dnn.cost import cost
from worker.events import Event, Log
from worker.pruning.pruned import Pruned
from worker.pruning.spai import Rules, prune
from worker.pruning.weighing import Criterion, weighing

SHAPE = (3, 32, 32)


@pytest.fixture(scope="module")
def data() -> Data:
    return datasets.load(DatasetInput(name="digits32"))


def pruned(network: fx.GraphModule, data: Data, criterion: Criterion = "magnitude", **rules: Any) -> tuple[Pruned, list[Event]]:
    said: list[Event] = []
    asked = Rules(**({"left": 0.25} | rules))
    steps = prune(copy.deepcopy(network), asked, weighing(criterion, data, per_class=2, seed=1))
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return end.value, said


def narrow(name: str, **more: Any) -> fx.GraphModule:
    return architectures.build(name, **({"seed": 1, "width": 0.25} | more))


@pytest.mark.parametrize("name", architectures.names())
def test_any_architecture_fits_into_a_quarter_of_its_parameters(name: str, data: Data) -> None:
    network = narrow(name) if name != "lenet5" else architectures.build(name, 10, SHAPE, seed=1)
    found, said = pruned(network, data)
    before, after = cost(network, SHAPE).params, cost(found.network, SHAPE).params
    assert after <= 0.25 * before or any(isinstance(each, Log) and each.level == "warning" for each in said)
    assert after > 0.22 * before
    assert found.network.eval()(torch.zeros(2, *SHAPE)).shape == (2, 10)
    assert all(share > 0 for share in found.density.values())


@pytest.mark.parametrize("criterion", ["magnitude", "snip", "synflow"])
@pytest.mark.parametrize("of", ["params", "macs"])
def test_one_more_channel_would_be_too_many(criterion: Criterion, of: str, data: Data) -> None:
    network = narrow("vgg11")
    found, _ = pruned(network, data, criterion, of=of, rounds=3)
    before, after = (getattr(cost(each, SHAPE), of) for each in (network, found.network))
    assert after <= before // 4
    # No channel of this network carries more than this part of what is left.
    widest = max(layer.macs if of == "macs" else layer.params for layer in cost(found.network, SHAPE).layers)
    assert after > before // 4 - 0.2 * widest


def test_rounds_end_where_they_should_and_score_anew(data: Data) -> None:
    network = narrow("vgg11")
    once, often = (pruned(network, data, "synflow", rounds=rounds)[0] for rounds in (1, 8))
    assert once.density != often.density
    assert cost(often.network, SHAPE).params <= cost(network, SHAPE).params // 4


def test_no_layer_collapses_however_little_is_asked_for(data: Data) -> None:
    found, said = pruned(narrow("vgg11"), data, left=1e-4, min_channels=2)
    widths = {layer.out_channels for layer in found.network.modules() if hasattr(layer, "out_channels")}
    assert widths == {2}
    assert any(isinstance(each, Log) and "No fewer parameters are possible" in each.message for each in said)


def test_widths_are_multiples_when_asked(data: Data) -> None:
    found, _ = pruned(narrow("vgg11"), data, round_to=4)
    assert all(layer.out_channels % 4 == 0 for layer in found.network.modules() if hasattr(layer, "out_channels"))


def test_what_is_kept_has_the_weights_it_had(data: Data) -> None:
    network = narrow("vgg11")
    found, _ = pruned(network, data)
    first = next(name for name, layer in network.named_modules() if hasattr(layer, "out_channels"))
    rows = {tuple(row.flatten().tolist()) for row in network.get_submodule(first).weight.detach()}
    assert all(tuple(row.flatten().tolist()) in rows for row in found.network.get_submodule(first).weight.detach())
    assert not found.redrawn


def test_magnitude_without_its_price_keeps_the_channels_with_the_largest_sums(data: Data) -> None:
    network = narrow("vgg11")
    names = [name for name, layer in network.named_modules() if hasattr(layer, "out_channels")]
    with torch.no_grad():
        network.get_submodule(names[0]).weight[3:].mul_(1e-6)
        network.get_submodule(names[0]).weight[:3].mul_(1e6)
    found, _ = pruned(network, data, rank="by_score")
    assert torch.equal(found.network.get_submodule(names[0]).weight, network.get_submodule(names[0]).weight[:3])


def test_shuffled_it_is_as_wide_everywhere_but_keeps_others(data: Data) -> None:
    network = narrow("resnet20", width=1.0)
    plain, mixed = (pruned(network, data, control=control)[0] for control in ("none", "shuffle"))
    assert plain.density == mixed.density
    assert any(not torch.equal(one, other) for one, other in
               zip(plain.network.parameters(), mixed.network.parameters(), strict=True))


def test_inverted_it_has_other_widths(data: Data) -> None:
    network = narrow("vgg11")
    plain, worst = (pruned(network, data, control=control)[0] for control in ("none", "invert"))
    assert plain.density != worst.density


def test_reinitialised_it_has_the_shape_and_no_weight_of_the_other(data: Data) -> None:
    network = narrow("vgg11")
    plain, fresh = (pruned(network, data, control=control)[0] for control in ("none", "reinitialise"))
    assert plain.density == fresh.density and fresh.redrawn
    pairs = zip(plain.network.named_parameters(), fresh.network.named_parameters(), strict=True)
    assert all(not torch.equal(one, other) for (_, one), (_, other) in pairs if one.ndim == 4)


def test_only_snip_looks_at_images_and_says_how_many(data: Data) -> None:
    network, images = narrow("vgg11"), len(data.parts["train"])
    assert pruned(network, data, "synflow", rounds=2)[0].spent == 0
    assert pruned(network, data, "snip", rounds=2)[0].spent == pytest.approx(2 * 20 / images)
    blind: list[Criterion] = ["magnitude", "synflow"]
    assert all(weighing(criterion, data, per_class=2, seed=1).batches is None for criterion in blind)


def test_the_same_seed_gives_the_same_network(data: Data) -> None:
    one, two = (pruned(narrow("mobilenet_v2"), data, "snip")[0].network.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
