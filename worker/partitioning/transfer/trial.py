"""One transfer layer tried: put in, trained on, judged by the validation part; where it is accepted, measured and written."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import fx

from worker.context import Context
from worker.datasets import Data
from worker.events import Event, FileMade, Log, Measured, Metric
from worker.partitioning.transfer.asking import Asked
from worker.partitioning.transfer.calibration import calibrated
from worker.partitioning.transfer.candidates import Candidate
from worker.partitioning.transfer.distilling import Distilling
from worker.partitioning.transfer.exporting import Files, exported
from worker.partitioning.transfer.insertion import Placed, inserted
from worker.partitioning.transfer.layers import Halves
from worker.partitioning.transfer.overhead import Overhead, measured
from worker.partitioning.transfer.tuning import Tuned, tuned
from worker.profiling.onnx import ENGINE
from worker.profiling.recall import Work, once
from worker.profiling.variants import Variant, write
from worker.profiling.written import sizes, slug
from worker.training.accuracy import Score, judged
from worker.training.loop import Share
from worker.training.settings import Settings

LEAST_POINTS = 1e-9  # an accuracy is a share of whole images; what rounding adds is none


@dataclass(frozen=True)
class Accepted:
    """All that is known of a transfer layer that keeps the accuracy. `score`: of the test part; `down`: the variant's layer to
    cut behind."""

    candidate: Candidate
    tuned: Tuned
    variant: Variant
    files: Files
    overhead: Overhead
    score: Score
    params_bytes: int
    down: str


@dataclass(frozen=True)
class Refused:
    """`why`: in words behind the name."""

    candidate: Candidate
    why: str


@dataclass(frozen=True)
class Base:
    """The uncut network. `validation`: its accuracy there, by which others are judged."""

    network: fx.GraphModule
    data: Data
    variant: Variant
    validation: float
    score: Score
    came_trained: bool


def tried(
    candidate: Candidate, base: Base, asked: Asked, context: Context, share: Share,
) -> Generator[Event, None, Accepted | Refused]:
    data, name = base.data, candidate.name
    made = yield from calibrated(base.network, data.in_shape, candidate.after, candidate.option, data)
    placed = inserted(base.network, data.in_shape, candidate.after, made)
    found = yield from tuned(
        placed, base.network, data, _settings(asked, context.seed), variant=name, checkpoints=context.checkpoints, share=share,
        distilling=Distilling(asked.distillation, asked.restoring))
    yield Metric(name="option_drop", value=100 * (base.validation - found.best),
                 labels={"option": candidate.title, "told": f"epoch {found.epoch} of {asked.epochs}"})
    if found.best < base.validation - asked.most_drop - LEAST_POINTS:
        return Refused(candidate, _lost(found, base, asked))
    return (yield from _kept(candidate, placed, made, found, base, context))


def _settings(asked: Asked, seed: int) -> Settings:
    return Settings(epochs=asked.epochs, batch_size=asked.batch_size, learning_rate=asked.learning_rate, weight_decay=5e-4,
                    seed=seed, augment=asked.augment)


def _lost(found: Tuned, base: Base, asked: Asked) -> str:
    n = len(base.data.parts["validation"].images)
    drop, broken = 100 * (base.validation - found.best), f"; {found.broken}" if found.broken else ""
    return (f"its best epoch loses {drop:.1f} points of validation accuracy, and at most {100 * asked.most_drop:g} are "
            f"allowed; one of the {n} images of that part is {100 / n:.2g} points{broken}")


def _kept(
    candidate: Candidate, placed: Placed, made: Halves, found: Tuned, base: Base, context: Context,
) -> Generator[Event, None, Accepted]:
    data, name = base.data, candidate.name
    variant = yield from write(placed.network, name, in_shape=data.in_shape, classes=data.classes, folder=context.workdir,
                               parent=base.variant.name, trained=True)
    files = exported(placed, is_int8=candidate.option.numbers != "float32", head=_file(context, name, "head"),
                     tail=_file(context, name, "tail"))
    yield variant.said()
    yield from sizes(variant)
    for file, half in ((files.head, "head and down"), (files.tail, "up and tail")):
        yield FileMade(path=file.name, name=f"{name}, {half}.onnx")
    score = yield from judged(placed.network, data, name)
    overhead = Overhead(**(yield from once(context.checkpoints, f"overhead-{slug(name)}", _timed(candidate, made, context))))
    yield from _said(candidate, overhead, context)
    yield Log(message=_told(candidate, files, placed.down))
    return Accepted(candidate, found, variant, files, overhead, score, made.params_bytes, placed.down)


def _file(context: Context, name: str, half: str) -> Path:
    return context.workdir / f"{slug(name)}-{half}.onnx"


def _timed(candidate: Candidate, made: Halves, context: Context) -> Work:
    folder = context.workdir / "layer"
    folder.mkdir(exist_ok=True)
    found = yield from measured(candidate.option, made, candidate.shape, folder=folder, threads=context.threads)
    return asdict(found)


def _said(candidate: Candidate, found: Overhead, context: Context) -> Generator[Event, None, None]:
    about: dict[str, Any] = {"variant": candidate.name, "device": context.device, "engine": ENGINE, "threads": context.threads,
                             "batch": 1}
    for metric, size in (("payload_bytes", candidate.payload_bytes), ("wire_bytes", found.wire_bytes),
                         ("raw_bytes", candidate.raw_bytes)):
        yield Measured(variant=candidate.name, metric=metric, value=size, unit="bytes", batch=1)
    for part, seconds in (("down", found.down_s), ("pack and unpack", found.convert_s), ("up", found.up_s)):
        yield Metric(name="overhead_latency_ms", value=1e3 * seconds, labels={"part": part, "option": candidate.title})
        yield Measured(metric=f"{part.split()[0]}_latency_ms", value=1e3 * seconds, unit="ms", **about)


def _told(candidate: Candidate, files: Files, down: str) -> str:
    rounded = (f"; {100 * files.apart:.3f} % of the sent numbers are rounded to the neighbouring step there"
               if candidate.option.numbers != "float32" else "")
    return (f"{candidate.name}: written as two ONNX files, whose answers differ from torch's by at most {files.max_relative:.1e} "
            f"of the largest{rounded}. To run it in parts (recipe Slices), cut the variant behind {down}.")
