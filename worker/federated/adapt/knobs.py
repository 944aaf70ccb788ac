"""The numbers of the agent and of its training, as published (config.py of qub-blesson/FedAdapt, 25f4ba0), but for one.

What is measured here is of the simulated five-device lab of the tests.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Knobs:
    """`spread`: standard deviation of an action, kept for `steady_updates` and then multiplied by `spread_decay` after each.

    The published bonus of 0.01 for entropy is no knob: where the spread is not learned, entropy is a constant without gradient.
    """

    updates: int = 50
    steps_an_update: int = 10
    steps_an_episode: int = 100
    epochs_an_update: int = 50
    rate: float = 3e-4
    betas: tuple[float, float] = (0.9, 0.999)
    discount: float = 0.0
    clip: float = 0.2
    value_weight: float = 0.5
    spread: float = 0.5
    steady_updates: int = 20
    spread_decay: float = 0.9
    hidden: tuple[int, int] = (64, 32)
    relative_times: bool = False
    bandwidth_seen: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """The returns of one step alone have no spread to be divided by."""
        if self.steps_an_update < 2:
            raise ValueError(f"An update rests on at least 2 steps; got {self.steps_an_update}.")

    def spread_after(self, updates: int) -> float:
        """The standard deviation of an action once so many updates are made."""
        return self.spread * self.spread_decay ** max(0, updates - self.steady_updates)

# What was published. It discounts rewards to come although no round changes what another takes: so an action is praised for all
# that follows it, and the place of a step within its update drowns what the step did.
PUBLISHED = Knobs(discount=0.9)
