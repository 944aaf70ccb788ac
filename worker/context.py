"""What a recipe is given: a folder, resolved inputs, checkpoints, live parameters, seed and threads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worker.durable import write_durably as write_durably
from worker.evidence import Evidence
from worker.params import Precision


@dataclass(frozen=True)
class ModelInput:
    """A network: an architecture of the house by name (freshly initialised), or a safetensors file that carries its own.

    The file of a network of another `precision` than fp32 is ONNX. `variant`: which one of its model it is, where several are.
    """

    name: str
    architecture: str | None = None
    file: Path | None = None
    precision: Precision = "fp32"
    variant: str = ""

    @property
    def title(self) -> str:
        """What tells it from others of the same model."""
        return f"{self.name} · {self.variant}" if self.variant else self.name


@dataclass(frozen=True)
class DatasetInput:
    """A data set: a built-in one by name, or a safetensors file of the house."""

    name: str
    file: Path | None = None


@dataclass(frozen=True)
class DeviceInput:
    """The device a measurement is made on. `id`: what profiles call it; on the command line its name."""

    name: str
    tier: str = "device"
    id: str = ""


@dataclass(frozen=True)
class ProfilesInput:
    """The measured profiles that a recipe is given which needs them."""

    name: str
    evidence: Evidence


@dataclass(frozen=True)
class HostInput:
    """A part of the run (2, 3, ...: the first is the lead's own) that stands on another board, and how it is reached there.

    `run`: what it serves; `addresses`: hosts to try with `port`, best first; `pin`: SHA-256 of the certificate it shows there;
    `token`: the run's, of use to nobody before the pin was seen. Where `relayed` is set it takes no connections: the portal
    carries its frames; to part 2 from a place here that `addresses` and `port` name, to others from the board of the part before.
    Of boards that take part each by itself every one is as part 2 is.
    """

    part: int
    device: str
    run: str = ""
    addresses: tuple[str, ...] = ()
    port: int = 0
    pin: str = ""
    token: str = field(default="", repr=False)
    relayed: str = ""


@dataclass(frozen=True)
class RecordingsInput:
    """What detectors said of a video, in the MOT format: a folder, or a zip as uploads become."""

    name: str
    place: Path


Inputs = dict[str, ModelInput | DatasetInput | DeviceInput | ProfilesInput | RecordingsInput]


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

    def forget(self, name: str) -> None:
        """Nobody goes on from `name` any more: what stands in its place is kept under another."""
        for old in self._files(name):
            old.unlink(missing_ok=True)

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
    # The parts that stand on other boards, in their order; none where all of it runs in one place.
    hosts: tuple[HostInput, ...] = ()

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

    def device_input(self, field: str = "device") -> DeviceInput:
        found = self.inputs[field]
        assert isinstance(found, DeviceInput)
        return found

    def profiles(self) -> Evidence:
        """What is measured on the team's devices; nothing where the recipe was given nothing."""
        found = self.inputs.get("profiles")
        return found.evidence if isinstance(found, ProfilesInput) else Evidence()

    def recordings(self, field: str = "recordings") -> RecordingsInput | None:
        """The recorded detections, where some were given."""
        found = self.inputs.get(field)
        return found if isinstance(found, RecordingsInput) else None

    def live(self, params: Any) -> Any:
        """`params` with what a person changed on the page since the run began; only fields declared live change."""
        allowed = set(type(params).live_fields())
        changed = {name: value for name, value in self.changes().items() if name in allowed}
        return params.model_copy(update=changed) if changed else params
