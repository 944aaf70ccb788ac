"""Which ways of training fit into a memory budget, told before any of them is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import fx

from worker import budgets
from worker.dnn.shapes import Shape
from worker.dnn.units import NoUnits, units
from worker.training import checkpointed, fitted, wants
from worker.training.fitted import BACKPROP, CHECKPOINTING, LOCAL, NEUROFLUX, Fit, Needs, Step
from worker.training.local.heads import Head
from worker.training.local.plan import Budget, Want
from worker.training.settings import Settings

__all__ = ["Fit", "fits", "rehearsed"]
Rehearsal = Callable[[], Sequence[Want]]


def fits(network: fx.GraphModule, in_shape: Shape, budget: Budget, settings: Settings, head: Head) -> Iterator[Fit]:
    """Back-propagation, with checkpoints, classic local learning, NeuroFlux with these exits."""
    return fitted.fits(rehearsed(network, in_shape, settings, head), budget)


def rehearsed(network: fx.GraphModule, in_shape: Shape, settings: Settings, head: Head) -> Needs:
    """What a step of each way needs, whatever the budget is."""
    ways: dict[str, Rehearsal] = {
        BACKPROP: lambda: [wants.of_whole(network, in_shape, settings)],
        CHECKPOINTING: lambda: [wants.of_whole(network, in_shape, settings, checkpointed.way(in_shape))],
        LOCAL: lambda: wants.of_units(units(network, in_shape), "256", settings),
        NEUROFLUX: lambda: wants.of_units(units(network, in_shape), head, settings)}
    return Needs(budgets.VERSION, settings.optimiser, head, {method: _step(way) for method, way in ways.items()})


def _step(rehearsal: Rehearsal) -> Step:
    try:
        return Step(tuple(rehearsal()))
    except NoUnits as wrong:
        return Step(why=str(wrong))
