"""What a network of the house is made of, written down beside it; how it answers in ONNX Runtime, where it has an ONNX file."""

from __future__ import annotations

from pathlib import Path

from worker.dnn import export, files
from worker.dnn.describe import describe
from worker.dnn.export.parity import compared
from worker.inspection.order import Order, StructureFound
from worker.inspection.steps import Step
from worker.structure import Structure

FILE = "structure.json"
# Reading and running more than this takes longer than somebody who looks at a page waits.
MOST_COMPARED_BYTES = 300_000_000


def inspect(order: Order, say: Step) -> StructureFound:
    """The structure of a file of the house, as a file; Refused in one sentence when it is no such file."""
    say("reading")
    loaded = files.load(Path(order.file))
    say("describing")
    told = describe(loaded.network, loaded.in_shape, parity=_parity(loaded, order.onnx))
    return StructureFound(structure=write(told, Path(order.folder)))


def write(told: Structure, folder: Path) -> str:
    """The structure as a file of that folder; its name."""
    (folder / FILE).write_text(told.model_dump_json())
    return FILE


def _parity(loaded: files.Loaded, onnx: str) -> export.Parity | None:
    """None where there is nothing to compare with, or where it would take long."""
    if not onnx or Path(onnx).stat().st_size > MOST_COMPARED_BYTES:
        return None
    try:
        return compared(loaded.network, loaded.in_shape, Path(onnx).read_bytes())
    except Exception:  # ONNX Runtime has errors of a dozen kinds; none of them keeps anybody from seeing the layers.
        return None
