"""What a supervisor hands to the child that runs it: plain JSON, and the inputs it names as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from worker.context import DatasetInput, DeviceInput, HostInput, Inputs, ModelInput, ProfilesInput, RecordingsInput
from worker.evidence import Evidence
from worker.orders import Order
from worker.params import Precision


class InputFile(BaseModel):
    """One resolved input: its kind, its name, and its file when it has one."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str
    name: str
    file: str | None = None
    tier: str = "device"
    precision: Precision = "fp32"
    variant: str = ""
    id: str = ""


class Job(BaseModel):
    """One attempt at one run, with its limits."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    recipe: str
    params: dict[str, Any]
    inputs: dict[str, InputFile]
    workdir: str
    live_params: dict[str, Any] = {}
    attempt: int = 1
    threads: int = 1
    # `prepare`: only the half of the recipe that makes the order for a board; `measure`: only the other, on this computer.
    part: Literal["run", "prepare", "measure"] = "run"
    order: Order | None = None
    hosts: tuple[HostInput, ...] = ()
    device: str = "this computer"
    memory_bytes: int
    file_bytes: int
    cpu_s: int

    def resolved(self) -> Inputs:
        return {field: _resolved(given) for field, given in self.inputs.items()}


def _resolved(given: InputFile) -> ModelInput | DatasetInput | DeviceInput | ProfilesInput | RecordingsInput:
    file = Path(given.file) if given.file else None
    if given.kind == "model":
        return ModelInput(given.name, architecture=None if file else given.name, file=file, precision=given.precision,
                          variant=given.variant)
    if given.kind == "dataset":
        return DatasetInput(given.name, file=file)
    if given.kind == "recordings" and file:
        return RecordingsInput(given.name, file)
    if given.kind == "profiles" and file:
        return ProfilesInput(given.name, Evidence.model_validate_json(file.read_bytes()))
    return DeviceInput(given.name, given.tier, given.id)
