"""What a setting of offloading points is worth: the time it saves or costs each client (FedAdapt, 2022)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.federated.adapt.bench import Floats

Seconds = Sequence[float] | Floats


def rewards(seconds: Seconds, baseline: Seconds) -> Floats:
    """[clients] in (-1, 1), 0 where nothing changed: 1 - T/b of who is faster than its baseline b without offloading, b/T - 1 of
    who is not. Twice as fast is worth as much as twice as slow costs. Both in seconds per iteration, above 0."""
    now, before = np.asarray(seconds, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    return np.where(now < before, 1 - now / before, before / now - 1)


def reward(seconds: Seconds, baseline: Seconds) -> float:
    """Of all clients together."""
    return float(rewards(seconds, baseline).sum())


def done(seconds: Seconds, baseline: Seconds) -> bool:
    """Whether an episode ends: the slowest client of the round is no faster than the slowest was without offloading."""
    return bool(np.max(seconds) >= np.max(baseline))
