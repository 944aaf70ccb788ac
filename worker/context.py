"""What a recipe is given: a folder, resolved inputs, checkpoints, live parameters, seed and threads."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worker.params import Precision


@dataclass(frozen=True)
class ModelInput:
    """A network: an architecture of the house by name (freshly initialised), or a safetensors file that carries its own.

    The file of a network of another `precision` than fp32 is ONNX.
    """

    name: str
    architecture: str | None = None
    file: Path | None = None
    precision: Precision = "fp32"


@dataclass(frozen=True)
class DatasetInput:
    """A data set: a built-in one by name, or a safetensors file of the house."""

    name: str
    file: Path | None = None


@dataclass(frozen=True)
class DeviceInput:
    """The device a measurement is made on."""

    name: str
    tier: str = "device"


Inputs = dict[str, ModelInput | DatasetInput | DeviceInput]


class Damaged(Exception):
    """A checkpoint whose bytes do not have the hash they were written with."""


class Checkpoints:
    """Small, safe save points: tensors' bytes and JSON, written by tmp + fsync + rename, the last two of a name kept."""

    KEEP = 2

    def __init__(self, folder: Path, saved: Callable[[str, int], None] | None = None) -> None:
        self.folder = folder
        self._saved = saved
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, name: str, step: int, tensors: bytes, facts: dict[str, Any]) -> None:
        """Keep `tensors` (safetensors bytes) and `facts` (JSON) as step `step` of `name`; durable when it returns."""
        head = json.dumps({"step": step, "facts": facts}).encode()
        body = len(head).to_bytes(8, "little") + head + tensors
        digest = hashlib.sha256(body).hexdigest()
        write_durably(self.folder / f"{name}-{step:08d}-{digest[:16]}.ckpt", body)
        for old in self._files(name)[: -self.KEEP]:
            old.unlink(missing_ok=True)
        if self._saved:
            self._saved(name, step)

    def last(self, name: str) -> tuple[int, bytes, dict[str, Any]] | None:
        """The newest step of `name` whose bytes are whole: (step, tensors, facts); an older one when it is damaged."""
        for file in reversed(self._files(name)):
            try:
                return _read(file)
            except (Damaged, OSError):
                continue
        return None

    def any(self) -> bool:
        return any(self.folder.glob("*.ckpt"))

    def _files(self, name: str) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.ckpt") if path.name.rsplit("-", 2)[0] == name)


def _read(file: Path) -> tuple[int, bytes, dict[str, Any]]:
    body = file.read_bytes()
    if hashlib.sha256(body).hexdigest()[:16] != file.stem.rsplit("-", 1)[1]:
        raise Damaged(file.name)
    end = 8 + int.from_bytes(body[:8], "little")
    head = json.loads(body[8:end])
    return head["step"], body[end:], head["facts"]


def write_durably(path: Path, body: bytes) -> None:
    """Write so that a crash leaves either the old file or the new one: tmp, fsync, rename, fsync of the folder."""
    # Nobody else's name: a worker that was given up may still write the same file beside the one that took over.
    tmp = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with tmp.open("xb") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        tmp.rename(path)
    except BaseException:
        tmp.unlink(missing_ok=True)
        raise
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass
class Context:
    """Everything a recipe may touch. Files go under `workdir`; nothing else is written."""

    workdir: Path
    inputs: Inputs = field(default_factory=dict)
    seed: int = 7
    threads: int = 1
    device: str = "this computer"
    saved: Callable[[str, int], None] | None = None
    changes: Callable[[], dict[str, Any]] = dict

    def __post_init__(self) -> None:
        self.workdir.mkdir(parents=True, exist_ok=True)
        self.checkpoints = Checkpoints(self.workdir / "checkpoints", self.saved)

    def model(self, field: str = "model") -> ModelInput:
        found = self.inputs[field]
        assert isinstance(found, ModelInput)
        return found

    def dataset(self, field: str = "dataset") -> DatasetInput:
        found = self.inputs[field]
        assert isinstance(found, DatasetInput)
        return found

    def live(self, params: Any) -> Any:
        """`params` with what a person changed on the page since the run began; only fields declared live change."""
        allowed = set(type(params).live_fields())
        changed = {name: value for name, value in self.changes().items() if name in allowed}
        return params.model_copy(update=changed) if changed else params
