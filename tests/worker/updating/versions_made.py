"""Other versions of a network's file."""

from __future__ import annotations

import numpy as np

from worker.updating.places import places, put


def moved(body: bytes, part: float, seed: int = 0) -> bytes:
    """The same network with some of its weights, and all of its other numbers, a little different."""
    chance, state = np.random.default_rng(seed), {}
    for place in places(body):
        if place.type == "F32":
            numbers = place.of(body).view(np.float32).copy()
            which = chance.random(numbers.size) < part if place.is_weight else np.ones(numbers.size, bool)
            numbers[which] += 0.125
            state[place.name] = numbers
    return put(body, state)
