"""A file of images and labels: unpacked within limits, checked row by row, written again as a data set of the house."""

from __future__ import annotations

import shutil
from pathlib import Path

from worker import firstlook
from worker.datasets import ingest, ingest_writing
from worker.datasets.files import read
from worker.dnn.ingest.weights import header_of
from worker.firstlook import Unfit
from worker.inspection.order import DatasetFound, Order
from worker.inspection.steps import Step

FILE = "data.safetensors"


def inspect(order: Order, say: Step) -> DatasetFound:
    """Unfit in one sentence, with the row and both numbers."""
    say("reading")
    path = Path(order.file)
    header = header_of(path)
    if header is None:
        return _of_arrays(path, order, say)
    if firstlook.DATASET not in header.get("__metadata__", {}):
        raise Unfit(firstlook.NO_DESCRIPTION)
    return _of_the_house(path, order, say)


def _of_arrays(path: Path, order: Order, say: Step) -> DatasetFound:
    with path.open("rb") as file:
        firstlook.look("dataset", order.name, file.read(4096), path.stat().st_size)
    folder = Path(order.folder) / "unpacked"
    folder.mkdir(exist_ok=True)
    try:
        say("unpacking")
        given = ingest.read(path, folder, order.unpacked_bytes)
        written = ingest_writing.write(given, order.name, Path(order.folder) / FILE, say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return DatasetFound(file=FILE, in_shape=written.in_shape, classes=written.classes, labels=list(written.labels),
                        counts=written.counts, notes=written.notes)


def _of_the_house(path: Path, order: Order, say: Step) -> DatasetFound:
    """It is one already: every part checked, the file kept as it is."""
    say("labels")
    data = read(path)
    if path.is_symlink():
        shutil.copyfile(path, Path(order.folder) / FILE)  # Somebody's own file, in a terminal: it stays where it is.
    else:
        path.rename(Path(order.folder) / FILE)
    counts = {name: len(part) for name, part in data.parts.items()}
    return DatasetFound(file=FILE, in_shape=data.in_shape, classes=data.classes, labels=list(data.labels), counts=counts)
