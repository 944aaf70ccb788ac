"""What an agent may say of its board: bounded, finite, printable; anything else is a 422 that names the field."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.utils import timezone
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from apps.accounts.words import is_kept
from apps.devices.models import Agent, Device

OLDEST, AHEAD = timedelta(days=30), timedelta(minutes=10)
MOST_FACTS, LONGEST_MS = 40, 3_600_000


def _printable(text: str) -> str:
    if not is_kept(text):
        raise ValueError("has characters that cannot be shown")
    return text.strip()


def _of_now(at: datetime) -> datetime:
    """Not of a clock that was never set: at most a month old, and not to come."""
    now = timezone.now()
    if not now - OLDEST <= at <= now + AHEAD:
        raise ValueError("is not a time of these days; is the board's clock set?")
    return at


def _few(facts: dict[str, Any]) -> dict[str, Any]:
    if len(facts) > MOST_FACTS:
        raise ValueError(f"has more than {MOST_FACTS} entries")
    return facts


Word = Annotated[StrictStr, Field(max_length=120), AfterValidator(_printable)]
Words = Annotated[StrictStr, Field(max_length=200), AfterValidator(_printable)]
Sentence = Annotated[StrictStr, Field(max_length=400), AfterValidator(_printable)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,39}$")]
Number = StrictFloat | StrictInt
Milliseconds = Annotated[Number, Field(ge=0, le=LONGEST_MS)]
Runtimes = Annotated[dict[Key, Word], AfterValidator(_few)]
# A number is finite: of NaN and Infinity the JSON reader knows nothing.
Fact = Annotated[Number, Field(ge=-1e15, le=1e15)] | StrictBool | Word | None
ENOUGH_MEMORY = 2**50
Hash = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class DataPort(Said):
    """That this agent can keep slices; and, with `--data-port`, where it takes tensors and as whom it is known there."""

    port: StrictInt | None = Field(None, ge=1, le=65535)
    fingerprint: str = Field("", pattern=r"^([0-9a-f]{64})?$", description="SHA-256 of the certificate that it shows there.")
    host: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9.:_-]*$", description="Its own address, as it knows it.")

    def tell(self, agent: Agent, seen: str) -> dict[str, Any]:
        """What of it changes the agent's row."""
        now = {"can_host": True, "data_port": self.port, "data_fingerprint": self.fingerprint, "data_host": self.host,
               "seen_host": seen[:64]}
        return {field: value for field, value in now.items() if getattr(agent, field) != value}


class About(Said):
    """What a board says of itself when it joins."""

    instance: str = Field(pattern=r"^[A-Za-z0-9_-]{8,64}$", description="Drawn once on this disk.")
    version: str = Field(max_length=40, description="The agent's version.")
    name: Annotated[Word, Field(min_length=1)]
    hardware: Words = ""
    os: Word = ""
    cores: StrictInt | None = Field(None, ge=1, le=100_000)
    memory_bytes: StrictInt | None = Field(None, ge=0, le=ENOUGH_MEMORY)
    accelerators: Words = ""
    runtimes: Runtimes = {}
    data: DataPort | None = None

    def tell(self, device: Device) -> None:
        """Write it into the device; what is not known stays as it was."""
        for field in ("hardware", "os", "cores", "memory_bytes", "accelerators", "runtimes"):
            said = getattr(self, field)
            if said not in (None, "", {}):
                setattr(device, field, said)


class Health(Said):
    """How a board is now. Further facts may be said under names of their own."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, frozen=True)
    __pydantic_extra__: dict[Key, Fact]
    governor: Word | None = None
    temperature_c: Number | None = Field(None, ge=-100, le=300)
    throttled: StrictBool | None = None
    free_memory_bytes: StrictInt | None = Field(None, ge=0, le=ENOUGH_MEMORY)
    load1: Number | None = Field(None, ge=0, le=1e6)
    clock_mhz: Number | None = Field(None, ge=0, le=1e6)
    power_w: Number | None = Field(None, ge=0, le=1e6)

    @model_validator(mode="after")
    def few(self) -> Health:
        _few(self.__pydantic_extra__)
        return self

    def facts(self) -> dict[str, Any]:
        """What was said, without what was not."""
        return {name: value for name, value in self.model_dump(mode="json").items() if value is not None}


class Yardstick(Said):
    """One timing of the agent's own yardstick."""

    at: Annotated[AwareDatetime, AfterValidator(_of_now)]
    median_ms: Annotated[Number, Field(gt=0, le=LONGEST_MS)]
    low_ms: Milliseconds | None = None
    high_ms: Milliseconds | None = None
    noisy: StrictBool = False


class NetworkSaid(Said):
    """The network that a board serves, and the first one, which it keeps; no number where it serves none."""

    number: StrictInt | None = Field(None, ge=0, le=2**53)
    sha256: Hash = ""
    first_sha256: Hash = ""
    key: Hash = Field("", description="SHA-256 of the portal's public signing key, as it was told when the board joined.")
    cannot: Words = Field("", description="Why it takes no network, in a sentence.")


class BeatIn(Said):
    """What an agent says every few seconds."""

    activity: Literal["idle", "busy", "draining"]
    health: Health = Health()
    runtimes: Runtimes | None = None
    baseline: Yardstick | None = None
    data: DataPort | None = None
    network: NetworkSaid | None = None
