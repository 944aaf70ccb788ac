"""Train a whole network and keep it: the run of plain back-propagation."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from worker.context import Context
from worker.datasets import Data
from worker.events import Event
from worker.profiling.opening import Start, opened
from worker.profiling.phases import Phases
from worker.profiling.variants import Variant, write
from worker.training.accuracy import Score, commonest, compared, guessing, judged
from worker.training.hardware import settle
from worker.training.loop import Trained, train
from worker.training.settings import Settings
from worker.wording import counted

NAME = "trained"
Work = Generator[Event, None, dict[str, Any]]


def whole(settings: Settings, *, start: Start, context: Context) -> Work:
    settle(threads=context.threads, seed=context.seed)
    phases = Phases()
    given = yield from opened(context, start)
    data, network = given.data, given.network
    before = (yield from judged(network, data, "given")) if given.trained else None
    yield phases.end("open")
    trained = yield from train(network, data, settings, variant=NAME, checkpoints=context.checkpoints)
    yield phases.end("train")
    # Without an epoch too: what was given and what came out stand side by side, so both are tested on the same images.
    after = (yield from judged(network, data, NAME)) if settings.epochs or given.trained else None
    made = yield from write(network, NAME, in_shape=data.in_shape, classes=data.classes, folder=context.workdir,
                            trained=given.trained or settings.epochs > 0)
    yield made.said()
    yield phases.end("test and save")
    return _summary(made, trained, before, after, data)


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
