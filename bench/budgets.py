"""What `bench/training.py` measures, cell by cell, one thread each: by the worker's functions, or by what a run says and when."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.figures import Cell, Found
from bench.folds import folds
from bench.trials import settle
from worker import datasets, flags
from worker.context import Context, DatasetInput
from worker.datasets import Data, Part
from worker.datasets.data import channel_statistics
from worker.dnn import architectures
from worker.dnn.units import units
from worker.events import Event, Failed, Finished, Metric, Progress
from worker.executor import execute
from worker.training import checkpointed, wants
from worker.training.fitting import Fit, fits
from worker.training.hardware import working
from worker.training.limits import OVER_TIME, Limits
from worker.training.local import heads
from worker.training.local.heads import Head
from worker.training.local.learner import UnitLearner
from worker.training.local.plan import Budget, PlannedBlock
from worker.training.memory.demand import MB
from worker.training.memory.meter import STEPS, Meter
from worker.training.settings import Settings
from worker.training.stepping import WholeLearner

SHAPE, CLASSES, TRAIN_IMAGES, SEED = (3, 32, 32), 10, 800, 1
TRIED = 100  # and the seed: the lots by which settings are chosen are others than those by which they are measured
BACKPROP, CHECKPOINTING, LOCAL, NEUROFLUX = METHODS = (
    "training.backprop", "training.checkpointing", "training.local", "training.neuroflux")
WHOLE = (BACKPROP, CHECKPOINTING)
HEADS: tuple[Head, ...] = ("linear", "half", "256")
KEPT = ("params_before", "params_after", "accuracy_after", "accuracy_best_exit", "exit", "best_exit", "test_images", "exits",
        "measured_memory_bytes")
CPU = torch.device("cpu")


class Broke(RuntimeError):
    """A run that ended without a summary, with its reason."""


def work(cell: Cell) -> Found:
    """The figures of one cell, by its part."""
    settle()
    return {"fits": _fits, "peak": _peak, "cost": _cost, "target": _target, "fold": _fold}[cell["part"]](cell)


def fit(network: str, method: str, budget_mb: float, most_batch: int, head: Head = "half") -> Fit:
    """As `python -m worker fit` answers."""
    asked = fits(architectures.outline(network, CLASSES, SHAPE), SHAPE, Budget(round(budget_mb * MB), cap=most_batch),
                 Settings(1), head)
    return next(each for each in asked if each.method == method)


def _fits(cell: Cell) -> Found:
    asked = fits(architectures.outline(cell["network"], CLASSES, SHAPE), SHAPE,
                 Budget(round(cell["budget_mb"] * MB), cap=cell["most_batch"]), Settings(1), "half")
    return {each.method: each.as_json() | {"at_rest_bytes": each.plan.units[0].line[0] if each.plan else None} for each in asked}


def _peak(cell: Cell) -> Found:
    """Real steps with the batch of the plan, at random images: bytes depend on sizes alone."""
    method = cell["method"]
    plan = fit(cell["network"], method, cell["budget_mb"], cell["most_batch"]).plan
    assert plan is not None
    peak = peak_of_whole if method in WHOLE else peak_of_block
    kind: Head = "256" if method == LOCAL else "half"
    peaks = [peak(cell["network"], method, block, kind) for block in plan.blocks]
    return {"peaks_bytes": peaks, "predicted_bytes": [block.predicted_bytes for block in plan.blocks]}


def peak_of_whole(network: str, method: str, block: PlannedBlock, _: Head = "half") -> int:
    made = working(architectures.build(network, CLASSES, SHAPE, seed=SEED), CPU).train()
    way = checkpointed.way(SHAPE) if method == CHECKPOINTING else None
    learner, meter = WholeLearner(made, Settings(1), Limits(way=way)), Meter(CPU, [])
    for _step in range(STEPS):
        batch = _batch(block.batch, SHAPE)
        meter.begin(learner.tensors(), batch)
        with meter.counted():
            learner.step(*batch)
        meter.end()
    return meter.peak_bytes


def peak_of_block(network: str, _: str, block: PlannedBlock, kind: Head) -> int:
    parts = units(architectures.build(network, CLASSES, SHAPE, seed=SEED), SHAPE)
    exits, meter, learners = wants.heads_of(parts, kind), Meter(CPU, []), list[UnitLearner]()
    for number in block.numbers:
        unit, head = parts.units[number - 1].network, exits[number - 1]
        if number < len(parts.units):  # the last unit's is the network's own
            heads.drawn(head, SEED)
        for module in (unit, head):
            working(module, CPU).train()
        learners.append(UnitLearner(unit, head, Settings(1)))
    for _step in range(STEPS):
        _sweep(meter, learners, _batch(block.batch, parts.units[block.first - 1].in_shape))
    return meter.peak_bytes


def _sweep(meter: Meter, learners: list[UnitLearner], batch: tuple[Tensor, Tensor]) -> None:
    samples, labels = batch
    meter.begin([tensor for learner in learners for tensor in learner.tensors()], (samples, labels))
    del batch
    for learner in learners:
        with meter.counted():
            samples = learner.step(samples, labels).result
    meter.end()


def _batch(size: int, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    return torch.randn(size, *shape), torch.randint(0, CLASSES, (size,))


def _cost(cell: Cell) -> Found:
    """CPU seconds of an epoch's steps: backprop, NeuroFlux by each kind of exit, and backprop again."""
    asked = {name: cell[name] for name in ("network", "budget_mb", "most_batch")}
    first = epoch(**asked, method=BACKPROP)
    exits = {kind: epoch(**asked, method=NEUROFLUX, exits=kind) for kind in HEADS}
    return {"backprop": [first, epoch(**asked, method=BACKPROP)], **exits}


def epoch(network: str, budget_mb: float, most_batch: int, method: str, **more: Any) -> Found:
    """CPU seconds: `steps_s` of one epoch of all units, and `between_s` of what follows a block's last epoch, a checkpoint and
    the cache among it, with the validation of this one epoch."""
    steps = between = 0.0
    with tempfile.TemporaryDirectory(prefix="ep-training-") as name:
        clock, trained = None, False
        for event in said(method, Path(name), network, budget_mb, most_batch, epochs=1, learning_rate=0.01, **more):
            now = time.process_time()
            if _begins(event):
                between += now - clock if clock and trained else 0.0
                clock, trained = now, False
            elif clock and not trained and _is_an_epoch(event):
                steps, clock, trained = steps + now - clock, now, True
    return {"steps_s": steps, "between_s": between}


def _is_an_epoch(event: Event) -> bool:
    return isinstance(event, Progress) and event.stage == "epochs" and event.done == int(event.done)


def _begins(event: Event) -> bool:
    """Steps are next: the plan is made, the block before is done, or the fresh network is judged."""
    if not isinstance(event, Metric):
        return False
    phase = str(event.labels.get("phase", ""))
    return phase == "plan" or phase.startswith("block") or (event.labels.get("split") == "validation" and event.step == 0)


def _target(cell: Cell) -> Found:
    """CPU seconds from the plan on until the target is reached on validation images, and the way there; at most `cap_s`."""
    course, why = list[tuple[float, float]](), ""
    try:
        for point in _course(cell):
            course.append(point)
    except Broke as wrong:  # with too fast a rate for its steps a training runs away: it has not reached its target
        why = str(wrong)
    reached = next((seconds for seconds, accuracy in course if accuracy >= cell["target"]), None)
    return {"reached_s": reached, "course": course, "broke": why}


def _course(cell: Cell) -> Iterator[tuple[float, float]]:
    """After how many seconds which accuracy, epoch by epoch, up to the target."""
    told = {name: cell[name] for name in ("epochs", "learning_rate", "exits", "seed", "tuning") if name in cell}
    begun, first = 0.0, True
    with tempfile.TemporaryDirectory(prefix="ep-training-") as name:
        for event in said(cell["method"], Path(name), cell["network"], cell["budget_mb"], cell["most_batch"], **told):
            now = time.process_time()
            if first and _begins(event):
                begun = now
            if isinstance(event, Metric) and event.name == OVER_TIME:
                first = False
                yield now - begun, event.value or 0.0
                if (event.value or 0.0) >= cell["target"]:
                    return
            if begun and now - begun > cell["cap_s"]:
                return


def _fold(cell: Cell) -> Found:
    """NeuroFlux' output model and its best exit, tested on the same images of one fold."""
    told = {name: cell[name] for name in ("fold", "epochs", "learning_rate", "exits", "tolerance_points")}
    begun = time.process_time()
    with tempfile.TemporaryDirectory(prefix="ep-training-") as name:
        for event in said(NEUROFLUX, Path(name), cell["network"], cell["budget_mb"], cell["most_batch"], **told):
            if isinstance(event, Finished):
                return {each: event.summary[each] for each in KEPT} | {"cpu_s": time.process_time() - begun}
    raise Broke("NeuroFlux ended without a word")


def said(
    method: str, folder: Path, network: str, budget_mb: float, most_batch: int, *, fold: int | None = None,
    seed: int = SEED, tuning: bool = False, **told: Any,
) -> Iterator[Event]:
    """What a run of the recipe says, as `python -m worker run` would make it, on 800 training images."""
    file = folder / "data.safetensors"
    datasets.save(tried(seed) if tuning else images(fold), file)
    most = {"batch_size" if method in WHOLE else "most_batch": most_batch}
    found = flags.find(method)
    params = found.params(seed=seed + (fold or 0), model=network, dataset=str(file), budget_mb=budget_mb, **most, **told)
    for event in execute(found, params, Context(workdir=folder / "run", inputs=flags.resolve(params), seed=params.seed)):
        if isinstance(event, Failed):
            raise Broke(f"{method}: {event.reason}")
        yield event


@cache
def images(fold: int | None = None) -> Data:
    """digits32, or one of its five folds, with 800 training images by lot. A fold's others of that part judge with its validation
    part: exits of one training lie closer together than 180 images can tell. The test part is as it is."""
    whole = datasets.load(DatasetInput("digits32"))
    data = whole if fold is None else next(each for number, each in enumerate(folds(whole)) if number == fold)
    part, lots = data.parts["train"], _lots(data, SEED)
    train, rest = _some(part, lots[:TRAIN_IMAGES]), _some(part, lots[TRAIN_IMAGES:])
    judging = data.parts["validation"]
    return _with(data, train, judging if fold is None else _both(judging, rest))


@cache
def tried(seed: int) -> Data:
    """What settings are chosen on: 800 training images of digits32 by lot, judged by those that were not drawn. The validation
    part, by which races are judged, has no say."""
    data = datasets.load(DatasetInput("digits32"))
    part, lots = data.parts["train"], _lots(data, TRIED + seed)
    return _with(data, _some(part, lots[:TRAIN_IMAGES]), _some(part, lots[TRAIN_IMAGES:]))


def _lots(data: Data, seed: int) -> Tensor:
    return torch.randperm(len(data.parts["train"]), generator=torch.Generator().manual_seed(seed))


def _some(part: Part, places: Tensor) -> Part:
    rows = places.sort().values
    return Part(torch.as_tensor(part.images)[rows], torch.as_tensor(part.labels)[rows])


def _both(*parts: Part) -> Part:
    images, labels = ([torch.as_tensor(each) for each in kind] for kind in zip(*((part.images, part.labels) for part in parts),
                                                                               strict=True))
    return Part(torch.cat(images), torch.cat(labels))


def _with(data: Data, train: Part, validation: Part) -> Data:
    mean, std = channel_statistics(train.images)
    return replace(data, name=f"{data.name}, {len(train)} of its images", mean=mean, std=std,
                   parts={**data.parts, "train": train, "validation": validation})
