"""What a run may say: a closed vocabulary of frozen events, the only thing that leaves a recipe."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, field_validator

Level = Literal["debug", "info", "warning", "error"]
Origin = Literal["measured", "predicted", "emulated"]
Labels = dict[str, str | int | float]


class Spoken(BaseModel):
    """One thing a run said. `key` names the fact: a resumed run may say it again, it is kept once."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: str

    @property
    def key(self) -> str | None:
        return None


def _without_nul(text: str) -> str:
    """PostgreSQL keeps no NUL character; a message is worth more than its NULs."""
    return text.replace("\x00", "")


Text = Annotated[str, AfterValidator(_without_nul)]


class Log(Spoken):
    """A line for a person to read."""

    type: Literal["log"] = "log"
    level: Level = "info"
    message: Text = Field(max_length=2000)


class Progress(Spoken):
    """How far the run is: `done` of `total` units of the named stage ("epoch", "batch", ...).

    `part` is the share of the stage's work that is done, where its units cost differently (0 to 1).
    """

    type: Literal["progress"] = "progress"
    done: float = Field(ge=0)
    total: float = Field(gt=0)
    stage: str = Field(max_length=80)
    part: float | None = Field(default=None, ge=0, le=1)


class Metric(Spoken):
    """One number at one step, e.g. accuracy after an epoch. A non-finite value is kept as null."""

    type: Literal["metric"] = "metric"
    name: str = Field(max_length=80)
    value: float | None
    step: int | None = Field(default=None, ge=0)
    labels: Labels = {}

    @field_validator("value")
    @classmethod
    def finite_or_null(cls, value: float | None) -> float | None:
        return value if value is not None and math.isfinite(value) else None

    @property
    def key(self) -> str:
        labels = ",".join(f"{name}={self.labels[name]}" for name in sorted(self.labels))
        return f"metric:{self.name}:{self.step}:{labels}"


class FileMade(Spoken):
    """A file in the run's folder that is worth keeping; `path` is relative to that folder."""

    type: Literal["file"] = "file"
    path: str = Field(max_length=200)
    name: str = Field(max_length=200)
    media_type: str = Field(default="application/octet-stream", max_length=100)

    @property
    def key(self) -> str:
        return f"file:{self.path}"


class Facts(BaseModel):
    """What a network is, whatever runs it: counts and bytes of one sample."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    size_bytes: int
    params: int
    macs: int
    activation_bytes: int


class VariantMade(Spoken):
    """A network the run made. `file` is its safetensors file, `onnx` the exported twin, both in the run's folder.

    A quantised network (`precision` other than fp32) has no safetensors form: both name its ONNX file.
    `given`: the run made none; this is the network it was given, whose numbers are numbers about that one. `given_as`: the
    parameter that named it, where a run was given several.
    """

    type: Literal["variant"] = "variant"
    name: str = Field(max_length=120)
    file: str = Field(max_length=200)
    sha256: str
    parent: str | None = None
    onnx: str | None = None
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    facts: Facts
    # Said only when it is so, which leaves every other event as it always was.
    given: bool = Field(default=False, exclude_if=lambda given: not given)
    given_as: str = Field(default="", max_length=80, exclude_if=lambda named: not named)

    @property
    def key(self) -> str:
        return f"variant:{self.name}"


class Measured(Spoken):
    """A number about a variant, with all that it depends on; raw samples are in the file `samples`."""

    type: Literal["measured"] = "measured"
    variant: str = Field(max_length=120)
    metric: str = Field(max_length=80)
    value: float | None
    unit: str = Field(max_length=20)
    origin: Origin = "measured"
    device: str | None = Field(default=None, max_length=120)
    engine: str | None = Field(default=None, max_length=60)
    threads: int | None = None
    batch: int | None = None
    dataset: str | None = Field(default=None, max_length=120)
    split: str | None = Field(default=None, max_length=20)
    n: int | None = None
    low: float | None = None
    high: float | None = None
    samples: str | None = None
    # A timing that other work disturbed; said only when it is so, which leaves every other event as it always was.
    noisy: bool = Field(default=False, exclude_if=lambda noisy: not noisy)

    @field_validator("value", "low", "high")
    @classmethod
    def finite_or_null(cls, value: float | None) -> float | None:
        return value if value is not None and math.isfinite(value) else None

    @property
    def key(self) -> str:
        about = (self.variant, self.metric, self.origin, self.device, self.engine)
        how = (self.threads, self.batch, self.dataset, self.split)
        return "measured:" + ":".join("" if part is None else str(part) for part in about + how)


class Started(Spoken):
    """First event of an attempt: where and with what it runs."""

    type: Literal["started"] = "started"
    recipe: str
    attempt: int = 1
    resumed: bool = False
    environment: dict[str, str | int | float] = {}


class Finished(Spoken):
    """The run did what was asked; `summary` uses the shared words of the design."""

    type: Literal["finished"] = "finished"
    summary: dict[str, Any] = {}
    seconds: float


class Failed(Spoken):
    """The run broke: one sentence for a person, the trace for who mends it."""

    type: Literal["failed"] = "failed"
    reason: Text
    trace: Text = ""


class Cancelled(Spoken):
    """Somebody stopped the run; its checkpoints are kept."""

    type: Literal["cancelled"] = "cancelled"
    by: str = ""


Event = Annotated[
    Log | Progress | Metric | FileMade | VariantMade | Measured | Started | Finished | Failed | Cancelled,
    Field(discriminator="type"),
]
TERMINAL = (Finished, Failed, Cancelled)
_adapter: TypeAdapter[Event] = TypeAdapter(Event)


def parse(line: str | bytes) -> Event:
    """The event of one JSON line; ValueError when it is none of the vocabulary."""
    return _adapter.validate_json(line)


def read(body: dict[str, Any]) -> Event:
    """The event of a mapping that JSON held; ValueError when it is none of the vocabulary."""
    return _adapter.validate_python(body)
