"""Training under a mask: pruned weights and their gradients are put back to zero, whatever momentum and decay did."""

from __future__ import annotations

import copy

import torch
from torch import fx

from worker.dnn.surgery import Policy, apply_masks
from worker.sparsity.masks import Masks, by_parameter

POLICY: Policy = "mask_affine"


class Masking:
    """Holds a network's pruned weights, and their gradients where there are any, at zero; `hold` goes to the training loop.

    A filter that is empty altogether takes its bias and batch-norm affine along: else the channel would be a constant,
    and a constant cannot be removed exactly before a padded convolution.
    """

    def __init__(self, network: fx.GraphModule, masks: Masks, policy: Policy = POLICY) -> None:
        living = _living(network, masks, policy)
        # The parameters, not their data: a network that moves to another device or layout gets new data.
        self._weights: list[torch.Tensor] = [weight for name, weight in network.named_parameters() if name in living]
        self._masks: list[torch.Tensor] = [living[name] for name, _ in network.named_parameters() if name in living]
        self.hold()

    @torch.no_grad()
    def hold(self) -> None:
        pairs = zip(self._masks, self._weights, strict=True)
        self._masks = [mask if _lies_like(mask, weight) else torch.empty_like(weight).copy_(mask)
                       for mask, weight in pairs]
        torch._foreach_mul_(self._weights, self._masks)
        graded = [(weight.grad, mask) for weight, mask in zip(self._weights, self._masks, strict=True) if weight.grad is not None]
        if graded:
            torch._foreach_mul_([grad for grad, _ in graded], [mask for _, mask in graded])


def _lies_like(mask: torch.Tensor, weight: torch.Tensor) -> bool:
    return mask.device == weight.device and mask.stride() == weight.stride()


def _living(network: fx.GraphModule, masks: Masks, policy: Policy) -> dict[str, torch.Tensor]:
    """Which entries of which parameters live: what is left of a network of ones once it is masked."""
    ones = copy.deepcopy(network).cpu()
    with torch.no_grad():
        for weight in ones.parameters():
            weight.fill_(1.0)
    masked = apply_masks(ones, by_parameter(masks), policy)
    return {name: weight.detach() for name, weight in masked.named_parameters() if not bool(weight.all())}
