"""What an inspection is asked and what it answers, as plain JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from worker.events import Facts
from worker.firstlook import Unfit

Mend = Literal["", "architecture", "in_shape", "classes", "model"]


class Order(BaseModel):
    """One file to inspect in a folder of its own, with what its owner said of it and what the process may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["model", "dataset"]
    file: str
    folder: str
    name: str
    architecture: str = ""
    classes: int | None = None
    in_shape: tuple[int, int, int] | None = None
    unpacked_bytes: int = 10_000_000_000
    memory_bytes: int = 8_000_000_000
    file_bytes: int = 20_000_000_000
    cpu_s: int = 600


class ModelFound(BaseModel):
    """A network of the house; `file` and `onnx` are names in the folder."""

    kind: Literal["model"] = "model"
    file: str
    onnx: str | None
    in_shape: tuple[int, ...]
    classes: int
    architecture: str = ""
    facts: Facts
    notes: list[str] = []


class DatasetFound(BaseModel):
    """A data set of the house."""

    kind: Literal["dataset"] = "dataset"
    file: str
    in_shape: tuple[int, ...]
    classes: int
    labels: list[str]
    counts: dict[str, int]
    notes: list[str] = []


Found = ModelFound | DatasetFound


class Unclear(Unfit):
    """Refused, but its owner can mend it without sending the file again: `mend` says by what, `findings` shows why."""

    def __init__(self, why: str, mend: Mend, **findings: Any) -> None:
        super().__init__(why)
        self.mend, self.findings = mend, findings
