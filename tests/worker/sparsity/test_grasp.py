"""GraSP's score: weight times what a step along the gradient makes of the gradient."""

from __future__ import annotations

import pytest
import torch
from torch import fx

from tests.worker.sparsity.networks import Batch, chain, images, same_masks, smooth, total
from worker.sparsity.gradients import bent, gradient, grasp, scoring, weights_of
from worker.sparsity.masks import prunable


def by_difference(network: fx.GraphModule, batch: Batch, temperature: float) -> list[torch.Tensor]:
    """(g(w + step * g) - g(w - step * g)) / (2 * step)."""
    weights = weights_of(network, prunable(network))
    with scoring(network):
        along = gradient(network, weights, batch, temperature)
        step = 1e-4 / float(torch.stack([part.norm() for part in along]).norm())
        sides = []
        for way in (step, -2 * step):
            with torch.no_grad():
                torch._foreach_add_(weights, along, alpha=way)
            sides.append(gradient(network, weights, batch, temperature))
        with torch.no_grad():
            torch._foreach_add_(weights, along, alpha=step)
    return [(up - down) / (2 * step) for up, down in zip(*sides, strict=True)]


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 200.0])
def test_the_hessian_times_the_gradient_is_the_difference_of_two_gradients(norm: bool, temperature: float) -> None:
    network, batch = smooth(norm=norm), images()
    with scoring(network):
        found = bent(network, weights_of(network, prunable(network)), [batch], temperature)
    for ours, theirs in zip(found, by_difference(network, batch, temperature), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4 * float(theirs.abs().max()))


def test_the_score_is_weight_times_that_with_its_sign() -> None:
    network, batch = smooth(), images()
    names = prunable(network)
    with scoring(network):
        raw = [part * weight.detach() for part, weight in
               zip(bent(network, weights_of(network, names), [batch]), names.values(), strict=True)]
    whole = abs(float(sum(part.sum() for part in raw))) + 1e-10
    for ours, theirs in zip(grasp(network, names, [batch]).values(), raw, strict=True):
        assert torch.allclose(ours, theirs / whole, rtol=1e-12)
    assert any(bool((score < 0).any()) for score in grasp(network, names, [batch]).values())


def test_the_absolute_score_is_its_size() -> None:
    network, names = smooth(), prunable(smooth())
    signed, sizes = (grasp(network, names, [images()], absolute=way) for way in (False, True))
    assert same_masks({name: score.abs() for name, score in signed.items()}, sizes)


def test_the_scores_add_up_to_one_or_minus_one() -> None:
    network = smooth()
    assert abs(total(grasp(network, prunable(network), [images()], temperature=1.0))) == pytest.approx(1, abs=1e-6)


def test_several_batches_bend_the_gradient_of_all_as_one_would() -> None:
    network, (some, labels) = smooth(), images()
    weights = weights_of(network, prunable(network))
    parts = [(some[:7], labels[:7]), (some[7:], labels[7:])]
    with scoring(network):
        whole, split = bent(network, weights, [(some, labels)]), bent(network, weights, parts)
    for one, other in zip(whole, split, strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-15)


def test_it_scores_a_network_of_rectifiers_pools_and_batch_norm_and_leaves_it_alone() -> None:
    network = chain(bias=True).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    scores = grasp(network, prunable(network), [images()])
    assert all(bool(score.isfinite().all()) and bool(score.any()) for score in scores.values())
    assert same_masks(before, network.state_dict()) and network.training
