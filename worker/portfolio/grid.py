"""Which levels of a search are worth offering: those nearest to compressions 1, 2, 4, 8 and so on, and the last."""

from __future__ import annotations

import math
from collections.abc import Sequence


def nearest(densities: Sequence[float]) -> list[int]:
    """Levels in order. A level's compression is one over its density; near is meant by ratio."""
    reached = [-math.log2(density) for density in densities]
    powers = range(math.floor(reached[-1] + 0.5) + 1)
    found = {min(range(len(reached)), key=lambda level: abs(reached[level] - power)) for power in powers}
    return sorted(found | {len(densities) - 1})
