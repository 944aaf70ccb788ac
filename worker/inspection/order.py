"""What an inspection is asked and what it answers, as plain JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from worker.events import Facts
from worker.firstlook import Unfit
from worker.structure import Parity

Part = Literal["folded", "head", "tail"]
Mend = Literal["", "architecture", "in_shape", "classes", "model", "footage"]


class Fresh(BaseModel):
    """Instead of a file: draw the weights of `Order.architecture` by lot. `most_bytes` is what its files may take together."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    width: float = 1.0
    seed: int = 7
    most_bytes: int = 2_000_000_000


class Order(BaseModel):
    """One file to inspect in a folder of its own, with what its owner said of it and what the process may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["model", "dataset", "structure", "folded", "slices", "needs"]
    file: str
    folder: str
    name: str
    architecture: str = ""
    classes: int | None = None
    in_shape: tuple[int, int, int] | None = None
    # Of recorded detections: width and height of the picture in px, and frames a second.
    footage: tuple[float, float, float] | None = None
    onnx: str = ""
    after: str = ""
    fresh: Fresh | None = None
    unpacked_bytes: int = 10_000_000_000
    memory_bytes: int = 8_000_000_000
    file_bytes: int = 20_000_000_000
    cpu_s: int = 600


class ModelFound(BaseModel):
    """A network of the house; `file`, `onnx` and `structure` are names in the folder."""

    kind: Literal["model"] = "model"
    file: str
    onnx: str | None
    structure: str | None = None
    in_shape: tuple[int, ...]
    classes: int
    architecture: str = ""
    facts: Facts
    notes: list[str] = []
    parity: Parity | None = None


class DatasetFound(BaseModel):
    """A data set of the house; `file` and `samples`, a picture of some images, are names in the folder."""

    kind: Literal["dataset"] = "dataset"
    file: str
    in_shape: tuple[int, ...]
    classes: int
    labels: list[str]
    counts: dict[str, int]
    samples: str | None = None
    notes: list[str] = []


class Recorded(BaseModel):
    """What was recorded: boxes of each detector over all frames, and of the truth, where it is there."""

    frames: int
    fps: float
    width: int
    height: int
    detectors: dict[str, int]
    truth: int | None = None


class RecordingsFound(BaseModel):
    """Recorded detections, judged; `file` is a name in the folder."""

    kind: Literal["recordings"] = "recordings"
    file: str
    recorded: Recorded
    notes: list[str] = []


class StructureFound(BaseModel):
    """What a network is made of; a name in the folder."""

    kind: Literal["structure"] = "structure"
    structure: str


class MadeFile(BaseModel):
    """A file that was made of a network, a name in the folder; and how ONNX Runtime answers for it."""

    part: Part
    file: str
    sha256: str
    size_bytes: int
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    params: int
    macs: int
    parity: Parity


class FilesFound(BaseModel):
    """The folded network, or head and tail of a cut; `parity` is that of all of it together."""

    kind: Literal["files"] = "files"
    files: list[MadeFile]
    parity: Parity


class NeedsFound(BaseModel):
    """What training it takes of memory, as `worker.training.fitted.Needs` says it."""

    kind: Literal["needs"] = "needs"
    needs: dict[str, Any]


Found = ModelFound | DatasetFound | RecordingsFound | StructureFound | FilesFound | NeedsFound


class Unclear(Unfit):
    """Refused, but its owner can mend it without sending the file again: `mend` says by what, `findings` shows why."""

    def __init__(self, why: str, mend: Mend, **findings: Any) -> None:
        super().__init__(why)
        self.mend, self.findings = mend, findings
