"""Which ways of training fit into a memory budget, told before any of them is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import fx

from worker.dnn.shapes import Shape
from worker.dnn.units import NoUnits, units
from worker.training import checkpointed, wants
from worker.training.local.heads import Head
from worker.training.local.plan import Budget, Infeasible, Plan, one_sweep, planned, whole
from worker.training.settings import Settings


@dataclass(frozen=True)
class Fit:
    """Of one recipe. `batch`: images a step, the smallest of its blocks'; `needed_bytes`: the budget that would do, where this
    one does not. Everything is predicted: nothing was trained."""

    method: str
    plan: Plan | None = None
    needed_bytes: int | None = None
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        blocks = self.plan.blocks if self.plan else ()
        return {"fits": self.plan is not None, "batch": min((block.batch for block in blocks), default=None),
                "predicted_bytes": self.plan.predicted_bytes if self.plan else None,
                "blocks": [{"first": block.first, "last": block.last, "batch": block.batch,
                            "predicted_bytes": block.predicted_bytes} for block in blocks],
                "needed_bytes": self.needed_bytes, "why_not": self.why or None}


def fits(network: fx.GraphModule, in_shape: Shape, budget: Budget, settings: Settings, head: Head) -> Iterator[Fit]:
    """Back-propagation, with checkpoints, classic local learning, NeuroFlux with these exits."""
    yield _fit("training.backprop", lambda: whole(wants.of_whole(network, in_shape, settings), budget))
    yield _fit("training.checkpointing",
               lambda: whole(wants.of_whole(network, in_shape, settings, checkpointed.way(in_shape)), budget))
    yield _fit("training.local", lambda: one_sweep(wants.of_units(units(network, in_shape), "256", settings), budget))
    yield _fit("training.neuroflux", lambda: planned(wants.of_units(units(network, in_shape), head, settings), budget))


def _fit(method: str, plan: Callable[[], Plan]) -> Fit:
    try:
        return Fit(method, plan())
    except Infeasible as wrong:
        return Fit(method, needed_bytes=wrong.needed_bytes, why=str(wrong))
    except NoUnits as wrong:
        return Fit(method, why=str(wrong))
