"""Files that are made of a network of the house when somebody wants them: batch-norm folded away, or head and tail of a cut."""

from __future__ import annotations

from pathlib import Path

from worker.dnn import files
from worker.dnn.describe import told_parity
from worker.dnn.export import taken
from worker.inspection.order import FilesFound, MadeFile, Order, Part
from worker.inspection.steps import Step

FOLDED = "folded.onnx"


def inspect(order: Order, say: Step) -> FilesFound:
    """The files, each checked against ONNX Runtime; ValueError in one sentence where there are none such."""
    say("reading")
    loaded, folder = files.load(Path(order.file)), Path(order.folder)
    say("writing")
    if order.kind == "folded":
        made = taken.as_onnx(loaded.network, loaded.in_shape, folder / FOLDED, fold=True)
        told = _told("folded", made)
        return FilesFound(files=[told], parity=told.parity)
    halves = taken.as_slices(loaded.network, loaded.in_shape, order.after, folder)
    return FilesFound(files=[_told("head", halves.head), _told("tail", halves.tail)], parity=told_parity(halves.parity))


def _told(part: Part, made: taken.Taken) -> MadeFile:
    assert made.parity is not None
    return MadeFile(
        part=part, file=Path(made.file).name, sha256=made.sha256, size_bytes=made.size_bytes, in_shape=made.in_shape,
        out_shape=made.out_shape, params=made.params, macs=made.macs, parity=told_parity(made.parity))
