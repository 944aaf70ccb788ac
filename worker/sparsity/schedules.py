"""How much is left after each round of pruning; the last round is always exactly what was asked."""

from __future__ import annotations

from typing import Literal

Schedule = Literal["exponential", "linear"]


def one_shot(density: float) -> list[float]:
    return [density]


def exponential(density: float, rounds: int) -> list[float]:
    """Every round removes the same part of what is left."""
    return [density ** (k / rounds) for k in range(1, rounds)] + [density]


def linear(density: float, rounds: int) -> list[float]:
    """Every round removes the same number of weights."""
    return [1 - (1 - density) * k / rounds for k in range(1, rounds)] + [density]


def falling(schedule: Schedule, density: float, rounds: int) -> list[float]:
    return {"exponential": exponential, "linear": linear}[schedule](density, rounds)
