"""What a comparison ends with: the shared words of a summary, for the dense network and the pruned one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from worker.context import Checkpoints
from worker.profiling.latency import HEADLINE, Timings
from worker.profiling.variants import Variant
from worker.pruning.keeping import NAME
from worker.pruning.pruned import Pruned
from worker.pruning.recalibration import Effect
from worker.pruning.terms import Terms
from worker.pruning.verdict import Outcome, sentence
from worker.training.accuracy import Score
from worker.training.loop import Trained

DENSE = "dense"


@dataclass
class Side:
    """One of the two networks on its way through the run."""

    written: Variant
    trained: Trained | None = None
    score: Score | None = None


@dataclass(frozen=True)
class Costs:
    """Of pruning, the warm-up counted in: without it the method would have had nothing to judge."""

    warm_up_seconds: float
    prune_seconds: float
    epochs: float

    @classmethod
    def of(cls, warm_up: Trained | None, pruned: Pruned, seconds: float, checkpoints: Checkpoints) -> Costs:
        first, epochs = (warm_up.seconds, warm_up.epochs) if warm_up else (0.0, 0)
        took = pruned.seconds if pruned.seconds is not None else _remembered(seconds, checkpoints)
        return cls(first, first + took, epochs + pruned.spent)


def _remembered(seconds: float, checkpoints: Checkpoints) -> float:
    """The seconds of the attempt that pruned first: the ones after it only do again what it did."""
    known = checkpoints.last(NAME)
    if known is None:
        checkpoints.save(NAME, 0, b"", {"seconds": seconds})
    return float(known[2]["seconds"]) if known else seconds


def outcome(
    before: Side, after: Side, timings: Timings, pruned: Pruned, terms: Terms, costs: Costs | None = None,
    effect: Effect | None = None,
) -> Outcome:
    timed = timings[HEADLINE]
    return Outcome(before.written.facts.params, after.written.facts.params, timed[DENSE], timed[after.written.name],
                   zeros=pruned.zeros, score_before=before.score, score_after=after.score, untouched=pruned.untouched,
                   compact=terms.compact, fine_tuned=after.trained is not None, effect=effect,
                   spent=costs.epochs if costs else 0.0)


def summary(
    before: Side, after: Side, timings: Timings, pruned: Pruned, terms: Terms, costs: Costs, effect: Effect | None,
) -> dict[str, Any]:
    found = outcome(before, after, timings, pruned, terms, costs, effect)
    return {
        **_sizes(before, after, pruned, terms),
        **_pair("latency_ms", found.timing_before.p50_ms, found.timing_after.p50_ms),
        "latency_engine": HEADLINE, "latency_badge": _badge(found),
        **_pair("accuracy", _accuracy(before.score), _accuracy(after.score)),
        "accuracy_pruned": _accuracy(effect.before) if effect else None,
        "accuracy_recalibrated": _accuracy(effect.after) if effect else None,
        "test_images": after.score.n if after.score else None,
        **_costs(costs, after.trained),
        "variants": [_described(side, timings) for side in (before, after)],
        "verdict": sentence(found),
    }


def _sizes(before: Side, after: Side, pruned: Pruned, terms: Terms) -> dict[str, Any]:
    """`density` and `mask_compression` speak of the prunable weights, `spatial_compression` of what is stored and computed."""
    one, two = before.written.facts, after.written.facts
    left = None if pruned.zeros is None else 1 - pruned.zeros
    return {
        **_pair("params", one.params, two.params), **_pair("macs", one.macs, two.macs),
        **_pair("size_bytes", one.size_bytes, two.size_bytes),
        **_pair("nonzero_params", _nonzero(before.written), _nonzero(after.written)),
        "sparsity": pruned.zeros, "density": left, "mask_compression": 1 / left if left else None,
        "spatial_compression": one.params / two.params, "bytes_compression": one.size_bytes / two.size_bytes,
        "compact": terms.compact if pruned.masks else None,
    }


def _nonzero(variant: Variant) -> int:
    """Parameters without the weights that are zero; a bias that is zero was not pruned."""
    weights = [weight.detach() for weight in variant.network.parameters() if weight.dim() > 1]
    return variant.facts.params - sum(weight.numel() - int(torch.count_nonzero(weight)) for weight in weights)


def _costs(costs: Costs, trained: Trained | None) -> dict[str, Any]:
    """What pruning took has the warm-up in it, in seconds as in epochs; `warm_up_seconds` tells how much of it that was."""
    seconds, epochs = (trained.seconds, trained.epochs - trained.skipped) if trained else (0.0, 0)
    return {
        "warm_up_seconds": round(costs.warm_up_seconds, 3), "prune_seconds": round(costs.prune_seconds, 4),
        "train_seconds": round(seconds, 3), "prune_epoch_equivalents": round(costs.epochs, 4),
        "epoch_equivalents": round(costs.epochs + epochs, 4),
    }


def _pair(word: str, before: float | None, after: float | None) -> dict[str, Any]:
    return {f"{word}_before": before, f"{word}_after": after}


def _accuracy(score: Score | None) -> float | None:
    return score.accuracy if score else None


def _badge(found: Outcome) -> str:
    quiet = found.timing_before.badge == found.timing_after.badge == "stable"
    return "stable" if quiet else "noisy"


def _described(side: Side, timings: Timings) -> dict[str, Any]:
    measured = {"latency_ms": timings[HEADLINE][side.written.name].p50_ms, "accuracy": _accuracy(side.score)}
    return side.written.as_summary() | measured
