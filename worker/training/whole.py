"""Train a whole network and keep it: the run of plain back-propagation."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

from torch import fx

from worker import budgets
from worker.context import Context
from worker.datasets import Data
from worker.dnn.shapes import Shape
from worker.events import Event, Log
from worker.profiling.opening import Start, opened
from worker.profiling.phases import Phases
from worker.profiling.variants import Variant, write
from worker.training.accuracy import Score, commonest, compared, guessing, judged
from worker.training.hardware import settle
from worker.training.limits import Limits, Way, kept_to
from worker.training.local.plan import Budget
from worker.training.local.plan import whole as plan_whole
from worker.training.loop import Trained, train
from worker.training.memory.demand import MB
from worker.training.settings import Settings
from worker.training.wants import of_whole
from worker.wording import counted

NAME = "trained"
Work = Generator[Event, None, dict[str, Any]]


@dataclass(frozen=True)
class Limit:
    """A memory budget, where there is one; and how the network is run in training, where not plainly."""

    budget: Budget | None = None
    way_of: Callable[[Shape], Way] | None = None


def whole(settings: Settings, *, start: Start, context: Context, limit: Limit | None = None) -> Work:
    """Train and keep. `limit` makes the batch the largest up to `settings.batch_size` that the budget has room for;
    worker.training.local.plan.Infeasible where one sample has none."""
    settle(threads=context.threads, seed=context.seed)
    phases = Phases()
    given = yield from opened(context, start)
    data, network = given.data, given.network
    before = (yield from judged(network, data, "given")) if given.trained else None
    yield phases.end("open")
    limits, asked = None, min(settings.batch_size, len(data.parts["train"]))
    if limit:
        settings, limits = yield from _limited(network, data, settings, limit)
        yield from limits.foretold()
        yield phases.end("plan")
    trained = yield from train(network, data, settings, variant=NAME, checkpoints=context.checkpoints, limits=limits,
                               is_clocked=True)
    yield phases.end("train")
    # Without an epoch too: what was given and what came out stand side by side, so both are tested on the same images.
    after = (yield from judged(network, data, NAME)) if settings.epochs or given.trained else None
    made = yield from write(network, NAME, in_shape=data.in_shape, classes=data.classes, folder=context.workdir,
                            trained=given.trained or settings.epochs > 0)
    yield made.said()
    yield phases.end("test and save")
    found = _summary(made, trained, before, after, data) | {"measured_memory_bytes": trained.peak_bytes or None}
    return found if limits is None else found | {
        "batch_size": settings.batch_size, "memory_budget_bytes": limits.budget_bytes or None,
        "predicted_memory_bytes": limits.predicted_bytes,
        "verdict": found["verdict"] + kept_to(limits.budget_bytes, trained.peak_bytes, settings.batch_size, asked)}


def _limited(
    network: fx.GraphModule, data: Data, settings: Settings, limit: Limit,
) -> Generator[Event, None, tuple[Settings, Limits]]:
    """With the batch that fits, and what a step of it will need."""
    yield Log(message="Rehearsing a training step without memory, to foretell what it needs.")
    way = limit.way_of(data.in_shape) if limit.way_of else None
    want = of_whole(network, data.in_shape, settings, way)
    most = min(settings.batch_size, len(data.parts["train"]))
    if limit.budget is None:
        return settings, Limits(want.demand.bytes(most), 0, way)
    plan = plan_whole(want, replace(limit.budget, cap=most))
    (block,) = plan.blocks
    yield Log(message=f"{counted(block.batch, 'image')} a step; predicted {block.predicted_bytes / MB:,.1f} MB "
                      f"of {budgets.said(plan.budget_bytes)}.")
    return replace(settings, batch_size=block.batch), Limits(block.predicted_bytes, plan.budget_bytes, way)


def _summary(
    made: Variant, trained: Trained, before: Score | None, after: Score | None, data: Data,
) -> dict[str, Any]:
    accuracy = after.accuracy if after else None
    facts = made.facts
    return {
        "params_before": facts.params, "params_after": facts.params,
        "macs_before": facts.macs, "macs_after": facts.macs,
        "size_bytes_after": facts.size_bytes, "accuracy_before": before.accuracy if before else None,
        "accuracy_after": accuracy, "test_images": after.n if after else None,
        "validation_accuracy": trained.validation_accuracy, "train_seconds": round(trained.seconds, 3),
        "epoch_equivalents": trained.epochs, "variants": [made.as_summary() | {"accuracy": accuracy}],
        "verdict": _verdict(trained, before, after, data),
    }


def _verdict(trained: Trained, before: Score | None, after: Score | None, data: Data) -> str:
    if not trained.epochs:
        tested = f"; as given it is {100 * after.accuracy:.1f} % accurate (test, n = {after.n})" if after else ""
        return f"not trained: 0 epochs were asked for{tested}"
    assert after is not None
    told = f"{100 * after.accuracy:.1f} % accurate after {counted(trained.epochs, 'epoch')}"
    if doubt := guessing(after, data.classes, commonest(data)):
        told += f", {doubt}"
    return f"{told}; {compared(before, after, 'the given network')}" if before else f"{told} (test, n = {after.n})"
