"""The JSON of portfolios: what is sent, what is answered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field, JsonValue

from apps.accounts.wire import Asked, Listing, Told
from apps.portfolios.models import Comparison, State

SEEN = Field(None, ge=1, le=2**31 - 1, description="The version that you saw.")
VERSION = Field(ge=1, le=2**31 - 1, description="The version that you judge.")
LONGEST_TEXT = 10_000


class Portfolios(Listing):
    state: State | None = None
    order: str = Field("-changed_at", description="changed_at, created or name; - before it for descending.")


class PortfolioIn(Asked):
    name: str = Field(min_length=1, max_length=120)
    description: str = Field("", max_length=2000)
    variants: list[UUID] = Field([], max_length=50)
    team: UUID | None = None


class PortfolioChange(Asked):
    """What is left out stays as it is."""

    name: str | None = Field(None, min_length=1, max_length=120)
    description: str | None = Field(None, max_length=2000)
    seen: int | None = SEEN


class VariantsIn(Asked):
    variants: list[UUID] = Field(min_length=1, max_length=50)


class Note(Asked):
    note: str = Field(max_length=300)


class CriterionIn(Asked):
    metric: str = Field(min_length=1, max_length=80, examples=["latency_ms_p50"])
    comparison: Comparison
    bound: float
    unit: str = Field("", max_length=20, description="The unit of the bound: empty for the one that people type.")
    device: str = Field("", max_length=120, description="Empty: any.")
    dataset: str = Field("", max_length=120, description="Empty: any.")


class CriterionChange(CriterionIn):
    seen: int | None = SEEN


class Approval(Asked):
    version: int = VERSION
    text: str = Field("", max_length=LONGEST_TEXT)
    although: int | None = Field(None, ge=0, le=100_000, description="How many cells do not pass, when some do not.")


class Wish(Asked):
    version: int = VERSION
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)


class Text(Asked):
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)


class CommentIn(Text):
    criterion: int | None = Field(None, ge=1, le=2**63 - 1)
    variant: UUID | None = None


class Resolution(Asked):
    done: bool = True


class PortfolioOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    stream: UUID = Field(validation_alias="stream_id", description="What is said of it: /api/streams/{stream}/events.")
    name: str
    description: str
    state: State
    version: int
    author: UUID | None = Field(validation_alias="author_id")
    created: datetime
    changed_at: datetime


class Board(Told):
    portfolio: dict[str, JsonValue]
    variants: list[dict[str, JsonValue]]
    criteria: list[dict[str, JsonValue]]
    cells: list[dict[str, JsonValue]]


class TargetBand(Told):
    low: float = Field(description="From so much of what is varied, in its unit.")
    high: float
    name: str = Field(description="Who would serve there, as the run called it.")
    variant: UUID | None = Field(description="Null: not in this portfolio.")


class TargetsOut(Told):
    over: str = Field(description="What is varied: load or deadline.")
    origin: str = Field(description="predicted; of detectors what their run said of its numbers.")
    unit: str = Field(description="requests/s, ms, or times what is so now.")
    now: float | None = Field(description="What it was in the run's trace; null: not told.")
    bands: list[TargetBand]


class ServedNetwork(Told):
    name: str
    variant: UUID | None = Field(description="Null: not in this portfolio.")


class SwitchedOut(Told):
    """One finished run of portfolio.switching in which at least two of the variants took part."""

    run: UUID
    run_number: int
    device: str
    residency: str = Field(description="How the set was held.")
    trace: str
    noisy: bool = Field(description="Whether something else was at work on the device.")
    networks: list[ServedNetwork]
    targets: list[TargetsOut]
    measured: dict[str, float | None] = Field(description="Of switching itself, in bytes, ms and shares; null: not told.")


class DetectorsOut(Told):
    """One finished run of detection.roma that takes a time measured of one of the networks."""

    run: UUID
    run_number: int
    named: list[str] = Field(description="Whose time on which device: NETWORK on DEVICE.")
    film: str
    targets: list[TargetsOut]


class AtRunTime(Told):
    switching: list[SwitchedOut]
    detectors: list[DetectorsOut]


class CommentOut(Told):
    id: int
    author: UUID | None = Field(validation_alias="author_id")
    text: str
    criterion: int | None = Field(validation_alias="criterion_id")
    variant: UUID | None = Field(validation_alias="variant_id")
    about: str
    version: int
    created: datetime
    edited: datetime | None
    resolved: datetime | None


class DecisionOut(Told):
    id: int
    by: UUID | None = Field(validation_alias="by_id")
    by_name: str
    verdict: str
    version: int
    text: str
    although: int
    created: datetime
