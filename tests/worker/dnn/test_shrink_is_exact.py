"""A compact network answers like the masked one it comes from."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.surgery import Policy, apply_masks, shrink

LIMITS = {torch.float32: 1e-5, torch.float64: 1e-10}


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("policy", ["mask_affine", "exact"])
@pytest.mark.parametrize("name", zoo.ALL)
def test_a_shrunk_network_answers_like_the_masked_one(name: str, policy: Policy, dtype: torch.dtype) -> None:
    network = zoo.network(name, dtype=dtype)
    masks, images = zoo.filter_masks(network), zoo.images(dtype=dtype)
    masked, compact = apply_masks(network, masks, policy), shrink(network, masks, policy=policy).network
    expected, got = masked(images).detach(), compact(images).detach()
    assert (expected - got).abs().max() <= LIMITS[dtype] * max(1.0, float(expected.abs().max()))
    assert zoo.parameters(compact) < zoo.parameters(network)


@pytest.mark.parametrize("policy", ["mask_affine", "exact"])
@pytest.mark.parametrize("name", architectures.names())
def test_so_does_an_architecture_of_the_house(name: str, policy: Policy) -> None:
    network = zoo.lived_in(architectures.build(name, seed=2, width=0.25).double())
    masks, images = zoo.filter_masks(network), zoo.images(2, shape=(3, 32, 32))
    compact = shrink(network, masks, policy=policy).network
    expected = apply_masks(network, masks, policy)(images).detach()
    assert (compact(images).detach() - expected).abs().max() <= 1e-10 * max(1.0, float(expected.abs().max()))
    assert zoo.parameters(compact) < zoo.parameters(network)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(zoo.ALL)), seed=st.integers(0, 10_000), dead=st.sampled_from([0.0, 0.1, 0.5, 0.8, 0.95]),
    density=st.sampled_from([0.05, 0.3, 1.0]), policy=st.sampled_from(["mask_affine", "exact"]),
    round_to=st.sampled_from([1, 4]),
)
def test_whatever_the_mask(
    name: str, seed: int, dead: float, density: float, policy: Policy, round_to: int
) -> None:
    network = zoo.network(name, seed=seed)
    masks = zoo.filter_masks(network, dead=dead, density=density, seed=seed)
    try:
        compact = shrink(network, masks, policy=policy, round_to=round_to).network
    except ValueError as collapse:
        assert "nothing of the input reaches the output" in str(collapse)
        answers = apply_masks(network, masks, policy)(zoo.images())
        assert torch.allclose(answers, answers[:1].expand_as(answers), atol=1e-10)
        return
    expected = apply_masks(network, masks, policy)(zoo.images())
    assert torch.allclose(compact(zoo.images()), expected, rtol=1e-9, atol=1e-10)


def test_dropping_constants_is_not_exact_and_so_the_tests_above_can_fail() -> None:
    network = zoo.network("Chain")
    masks = zoo.filter_masks(network)
    dropped = shrink(network, masks, policy="drop").network
    assert (dropped(zoo.images()) - apply_masks(network, masks, "drop")(zoo.images())).abs().max() > 1e-3


@pytest.mark.parametrize("name", zoo.ALL)
def test_the_original_is_left_untouched(name: str) -> None:
    network = zoo.network(name)
    before = copy.deepcopy(network.state_dict())
    compact = shrink(network, zoo.filter_masks(network)).network
    with torch.no_grad():
        for tensor in (*compact.parameters(), *compact.buffers()):
            tensor.add_(1)
    after = network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
