"""SNIP's score is how much the loss feels a connection go."""

from __future__ import annotations

import pytest
import torch
from torch import fx
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from tests.worker.sparsity.networks import Batch, chain, images, same_masks, total
from worker.sparsity.gradients import scoring, snip
from worker.sparsity.masks import prunable
from worker.sparsity.selection import select


def felt(network: fx.GraphModule, batch: Batch) -> dict[str, torch.Tensor]:
    """|dL/dc| of masks c of ones, by autograd on the masks themselves."""
    weights = prunable(network)
    gates = {name: torch.ones_like(weight, requires_grad=True) for name, weight in weights.items()}
    with scoring(network):
        gradients = torch.autograd.grad(loss(network, batch, gates), list(gates.values()))
    return {name: gradient.abs() for name, gradient in zip(gates, gradients, strict=True)}


def loss(network: fx.GraphModule, batch: Batch, gates: dict[str, torch.Tensor]) -> torch.Tensor:
    weights = prunable(network)
    masked = {f"{name}.weight": weights[name].detach() * gate for name, gate in gates.items()}
    return cross_entropy(functional_call(network, masked, (batch[0],)), batch[1])


def test_it_is_the_size_of_the_gradient_by_a_mask_on_the_weights() -> None:
    network, batch = chain(bias=True), images()
    expected, found = felt(network, batch), snip(network, prunable(network), [batch])
    whole = total(expected)
    assert all(torch.allclose(found[name], score / whole, rtol=1e-6, atol=0) for name, score in expected.items())


@pytest.mark.parametrize(("layer", "place"), [("0", 3), ("4", 100), ("9", 17)])
def test_a_connection_that_fades_a_little_changes_the_loss_by_as_much(layer: str, place: int) -> None:
    network, batch, step = chain(bias=True), images(), 1e-5
    gate = torch.ones_like(prunable(network)[layer])
    sides = []
    for sign in (1, -1):
        gate.view(-1)[place] = 1 + sign * step
        with scoring(network), torch.no_grad():
            sides.append(float(loss(network, batch, {layer: gate})))
    share = float(snip(network, prunable(network), [batch])[layer].view(-1)[place])
    assert abs(sides[0] - sides[1]) / (2 * step) == pytest.approx(share * total(felt(network, batch)), rel=1e-3)


def test_the_scores_add_up_to_one() -> None:
    network = chain()
    assert total(snip(network, prunable(network), [images()])) == pytest.approx(1, abs=1e-12)


def test_a_loss_twice_as_large_leaves_the_scores_as_they_are() -> None:
    network = chain(norm=False)
    once, twice = (snip(network, prunable(network), [images()] * times) for times in (1, 2))
    assert same_masks(once, twice)


def test_batches_of_unequal_size_score_as_the_images_together_where_no_layer_looks_at_the_batch() -> None:
    network, (some, labels) = chain(norm=False), images()
    parts = [(some[:9], labels[:9]), (some[9:], labels[9:])]
    whole, split = snip(network, prunable(network), [(some, labels)]), snip(network, prunable(network), parts)
    assert all(torch.allclose(whole[name], split[name], rtol=1e-9) for name in whole)


def test_scores_added_up_by_batch_never_cancel_and_are_the_same_on_one() -> None:
    network, (some, labels) = chain(norm=False), images()
    opposed = [(some, labels), (some, (labels + 1) % 4)]
    one = opposed[:1]
    assert same_masks(snip(network, prunable(network), one), snip(network, prunable(network), one, per_batch=True))
    together, each = (snip(network, prunable(network), opposed, per_batch=way) for way in (False, True))
    first, second = (snip(network, prunable(network), [batch]) for batch in opposed)
    sizes = [float(sum(part.sum() for part in felt(network, batch).values())) for batch in opposed]
    expected = {name: first[name] * sizes[0] + second[name] * sizes[1] for name in first}
    assert all(torch.allclose(each[name], expected[name] / sum(sizes), rtol=1e-9) for name in each)
    assert not all(torch.allclose(together[name], each[name], rtol=1e-3) for name in each)


def test_scoring_leaves_the_network_as_it_was_even_when_it_breaks() -> None:
    network = chain().train()
    network.get_submodule("2").eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    snip(network, prunable(network), [images()])
    with pytest.raises(RuntimeError):
        snip(network, prunable(network), [images(), (torch.zeros(3, 9, 6, 6, dtype=torch.float64), torch.zeros(3).long())])
    assert same_masks(before, network.state_dict())
    assert network.training and not network.get_submodule("2").training and network.get_submodule("1").training


def test_batch_norm_works_with_the_statistics_of_the_scored_images() -> None:
    network, strange = chain(), chain()
    strange.get_submodule("1").running_mean.fill_(50.0)
    assert same_masks(snip(network, prunable(network), [images()]), snip(strange, prunable(strange), [images()]))


def test_the_best_are_kept() -> None:
    network = chain()
    scores = snip(network, prunable(network), [images()])
    masks = select(scores, density=0.2)
    kept, gone = (torch.cat([score[masks[name] == way] for name, score in scores.items()]) for way in (True, False))
    assert kept.min() >= gone.max()
