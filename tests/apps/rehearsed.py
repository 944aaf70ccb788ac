"""What a network's training was found to need, and a rehearsal as the desk leaves it."""

from __future__ import annotations

from typing import Any

from apps.catalog import rehearsals
from apps.catalog.models import Rehearsal
from worker import budgets
from worker.training.fitted import Needs, Step
from worker.training.local.plan import Want
from worker.training.memory.demand import Demand

MB = 1_000_000


def want(name: str, fixed_mb: int, per_sample_mb: int) -> Want:
    return Want(name, Demand(((fixed_mb * MB, per_sample_mb * MB),)), fixed_mb * MB, 1)


NEEDS = Needs(budgets.VERSION, "sgd", "half", {
    "training.backprop": Step((want("a training step of the whole network", 90, 10),)),
    "training.checkpointing": Step((want("a training step of the whole network", 90, 5),)),
    "training.local": Step(why="The network cannot be parted."),
    "training.neuroflux": Step((want("conv", 10, 10), want("fc", 10, 1)))}).as_json()


def settled(needs: dict[str, Any] = NEEDS) -> Rehearsal:
    """As the desk leaves it."""
    job = rehearsals.jobs.claim()
    assert job
    rehearsals.settle(job, needs)
    return job
