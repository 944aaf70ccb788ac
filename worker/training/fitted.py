"""From what steps of training need to what a budget has room for: arithmetic alone, so that an answer takes milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from worker import budgets
from worker.budgets import Fitted, FittedWay
from worker.training.local.plan import Budget, Infeasible, Plan, Want, one_sweep, planned, whole

BACKPROP, CHECKPOINTING = "training.backprop", "training.checkpointing"
LOCAL, NEUROFLUX = "training.local", "training.neuroflux"


@dataclass(frozen=True)
class Step:
    """A step of one way of training: what it needs, unit by unit where units learn alone; or why it cannot be taken."""

    wants: tuple[Want, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Needs:
    """Of one network. They do not depend on the budget, so they are rehearsed once and kept: as `as_json` says them."""

    version: int
    optimiser: str
    exits: str
    steps: dict[str, Step]

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = _NEEDS.dump_python(self, mode="json")
        return found


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


PLANNERS: Mapping[str, Callable[[Sequence[Want], Budget], Plan]] = {
    BACKPROP: lambda wants, budget: whole(wants[0], budget), CHECKPOINTING: lambda wants, budget: whole(wants[0], budget),
    LOCAL: one_sweep, NEUROFLUX: planned}
_NEEDS = TypeAdapter(Needs)


def fitted(needs: Needs, budget: Budget) -> Fitted:
    """The answer, way by way."""
    methods = {each.method: FittedWay.model_validate(each.as_json()) for each in fits(needs, budget)}
    return Fitted(budget_bytes=budget.bytes, usable_bytes=budget.usable, exits=needs.exits, optimiser=needs.optimiser,
                  methods=methods)


def fit(method: str, step: Step, budget: Budget) -> Fit:
    """Whether the budget has room for it."""
    if step.why:
        return Fit(method, why=step.why)
    try:
        return Fit(method, PLANNERS[method](step.wants, budget))
    except Infeasible as wrong:
        return Fit(method, needed_bytes=wrong.needed_bytes, why=str(wrong))


def answer(needs: dict[str, Any], budget_bytes: int) -> Fitted:
    """The answer to a question as JSON: `needs` as they were kept. ValueError where another version kept them."""
    read = _NEEDS.validate_python(needs)
    if read.version != budgets.VERSION:
        raise ValueError(f"These needs were kept by version {read.version} of the prediction; this is {budgets.VERSION}.")
    return fitted(read, Budget(budget_bytes))


def fits(needs: Needs, budget: Budget) -> Iterator[Fit]:
    """The same with the plans themselves; in an order of ours, whatever became of it where the needs were kept."""
    return (fit(method, needs.steps[method], budget) for method in PLANNERS if method in needs.steps)
