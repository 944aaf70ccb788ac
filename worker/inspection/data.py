"""A file of images and labels: unpacked within limits, checked row by row, written again as a data set of the house.

Recorded detections are told by their names, and judged by `recorded`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from worker import firstlook
from worker.datasets import ingest, sheet
from worker.datasets.files import read
from worker.datasets.ingest import writing
from worker.dnn.ingest.weights import header_of
from worker.firstlook import Unfit
from worker.inspection import recorded
from worker.inspection.order import DatasetFound, Order, RecordingsFound, Unclear
from worker.inspection.steps import Step

FILE, SAMPLES = "data.safetensors", "samples.png"
# What is mapped counts as memory of the process: the rest is for what works on it.
MAPPED_SHARE = 0.75
NOT_RESIZED = "The images have {got}; {asked} was asked for, and only pictures in folders are brought to another size."


def inspect(order: Order, say: Step) -> DatasetFound | RecordingsFound:
    """Unfit in one sentence, with the row and both numbers; Unclear when its owner can mend it."""
    say("reading")
    path = Path(order.file)
    if recorded.is_one(path, order.unpacked_bytes):
        return recorded.inspect(order, say)
    header = header_of(path)
    if header is not None and firstlook.DATASET not in header.get("__metadata__", {}):
        raise Unfit(firstlook.NO_DESCRIPTION)
    found = _of_others(path, order, say) if header is None else _of_the_house(path, order, say)
    if order.in_shape is not None and tuple(found.in_shape) != order.in_shape:
        got, asked = ("x".join(map(str, shape)) for shape in (found.in_shape, order.in_shape))
        raise Unclear(NOT_RESIZED.format(got=got, asked=asked), "in_shape", in_shape=list(found.in_shape))
    return found.model_copy(update={"samples": _samples(Path(order.folder))})


def _samples(folder: Path) -> str | None:
    drawn = sheet.drawn(read(folder / FILE))
    if drawn is None:
        return None
    drawn.save(folder / SAMPLES, optimize=True)
    return SAMPLES


def _of_others(path: Path, order: Order, say: Step) -> DatasetFound:
    folder = Path(order.folder) / "unpacked"
    folder.mkdir(exist_ok=True)
    most = min(order.unpacked_bytes, int(order.memory_bytes * MAPPED_SHARE))
    try:
        given = ingest.read(path, folder, most, in_shape=order.in_shape, step=say)
        written = writing.write(given, order.name, Path(order.folder) / FILE, say)
    except ingest.SizeOpen as open_:
        raise Unclear(str(open_), "in_shape", in_shape=list(open_.likely)) from None
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
