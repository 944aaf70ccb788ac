"""The network a benchmark is about, whatever its numbers are: opened, checked against the data, written beside the run."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from worker import datasets
from worker.context import Context
from worker.datasets import Data
from worker.dnn.quantised import fit, read
from worker.events import Event
from worker.profiling.opening import opened
from worker.profiling.variants import quantised, write
from worker.profiling.written import Written


@dataclass(frozen=True)
class Subject:
    """`trained`: from weights that a training made. A `Variant` can be run by torch, any other `Written` by its ONNX file."""

    data: Data
    variant: Written
    trained: bool


def subject(context: Context) -> Generator[Event, None, Subject]:
    """ValueError when network and data do not fit."""
    given = context.model()
    if given.precision == "fp32":
        found = yield from opened(context, "given")
        variant = yield from write(found.network, given.name, in_shape=found.data.in_shape, classes=found.data.classes,
                                   folder=context.workdir, trained=found.trained)
        return Subject(found.data, variant, found.trained)
    assert given.file is not None
    data, about = datasets.load(context.dataset()), read(given.file)
    fit(about, num_classes=data.classes, in_shape=data.in_shape)
    return Subject(data, quantised(given.file, given.name, folder=context.workdir), about.trained)
