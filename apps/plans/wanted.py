"""What a person wants planned: the one declaration of it, for the page's address, for programs, and as a saved plan keeps it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from apps.accounts.refusal import Refused
from worker.planning import rules
from worker.planning.question import MOST_DEVICES, MOST_PLANS, MOST_RULES, Objective, Varying
from worker.profile import MOST_BYTES, Fact, Name
from worker.wording import point_hint

MB = 1e6
MOST_LINKS, MOST_VALUES = 500, 1000
LONGEST_RULE, LONGEST_TYPED = 300, 2000
NOBODY = "This is no device of this team."
WORDS = {
    "network": "Choose a network of which block times are known.",
    "devices": NOBODY,
    "rules": f"A rule has at most {LONGEST_RULE} characters, and there are at most {MOST_RULES} rules.",
    "objective": "Choose what counts: latency, throughput, energy or bytes.",
    "count": f"This must be a whole number from 1 to {MOST_PLANS}.",
    "returns": "This must be yes or no.",
    "input_mb": f"This must be a number of MB from 0 to {MOST_BYTES / MB:.0f}.",
    "max_drop": "This must be a number of points of accuracy from 0 to 100; empty: no plan has a transfer layer.",
    "links": f"A link is source,target,round trip in ms,Mbit/s; at most {MOST_LINKS} of them.",
    "links.source": NOBODY,
    "links.target": NOBODY,
    "links.latency_ms": "The round trip must be a number from 0 to 60000 ms.",
    "links.bandwidth_mbps": "The bandwidth must be a number from 0.001 to 1000000 Mbit/s.",
    "range.varying": "What varies is the bandwidth or the latency.",
    "range.source": NOBODY,
    "range.target": NOBODY,
    "range.low": "This must be a number greater than 0, at most 1000000000.",
    "range.high": "This must be a number greater than 0, at most 1000000000.",
    "pareto": "This must be yes or no.",
}


def _line(text: str) -> str:
    """A rule that can be read, as it was typed."""
    said = " ".join(text.split())
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in said):
        raise ValueError("This has characters that cannot be shown.")
    try:
        rules.read(said)
    except ValueError as error:
        raise ValueError(_sentence(str(error))) from None
    return said


Rule = Annotated[str, Field(max_length=LONGEST_RULE), AfterValidator(_line)]
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class LinkWanted(Fact):
    """One direction, otherwise than the team keeps it; or one that it does not keep."""

    source: UUID
    target: UUID
    latency_ms: float = Field(ge=0, le=60_000, allow_inf_nan=False, description="A whole round trip.")
    bandwidth_mbps: float = Field(ge=0.001, le=1e6, allow_inf_nan=False)

    @model_validator(mode="after")
    def _has_two_ends(self) -> Self:
        if self.source == self.target:
            raise ValueError("A link has two ends.")
        return self


class RangeWanted(Fact):
    """Over which conditions the winners are wanted: of one direction, or without source and target of all links, by a factor."""

    varying: Varying = "bandwidth"
    source: UUID | None = None
    target: UUID | None = None
    low: Positive = 0.01
    high: Positive = 100.0

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"The range must go up; got {self.low:g} to {self.high:g}.")
        if (self.source is None) != (self.target is None) or (self.source and self.source == self.target):
            raise ValueError("A link has two ends: say both, or none for all links.")
        return self


class Wanted(Fact):
    """What to plan, on what, and what counts. Without `devices` all of the team that have a profile of the network.

    Devices are ordered by their tier; the first of the lowest one holds the input. `links` win over those that the team keeps.
    """

    network: Name = Field(description="As profiles are called.")
    devices: tuple[UUID, ...] = Field((), max_length=MOST_DEVICES)
    rules: tuple[Rule, ...] = Field((), max_length=MOST_RULES, examples=[["raw input stays"]])
    objective: Objective = "latency"
    count: int = Field(5, ge=1, le=MOST_PLANS, description="How many plans.")
    returns: bool = Field(False, description="Whether the result goes back to where the input was.")
    input_mb: float | None = Field(None, ge=0, le=MOST_BYTES / MB, allow_inf_nan=False,
                                   description="The raw input; left out: what the profiles say; 0: no bytes.")
    max_drop: float | None = Field(None, ge=0, le=100, allow_inf_nan=False, description=(
        "Points of accuracy that a transfer layer may cost that a run measured for the network; left out: no plan has one."))
    links: tuple[LinkWanted, ...] = Field((), max_length=MOST_LINKS)
    range: RangeWanted | None = None
    pareto: bool = Field(False, description="Whether the plans are wanted that no other beats in both latency and throughput.")

    @field_validator("devices")
    @classmethod
    def _each_once(cls, value: tuple[UUID, ...]) -> tuple[UUID, ...]:
        return tuple(dict.fromkeys(value))

    @classmethod
    def from_query(cls, query: QueryDict) -> Self:
        """What an address says; Refused says what is wrong with it, field by field."""
        return cls.read(typed(query))

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise Refused(faults(error)) from None

    def query(self) -> str:
        """What an address says of it: only what is not so anyway."""
        said: list[tuple[str, str]] = [("network", self.network), *(("device", str(each)) for each in self.devices),
                                       *(("rule", each) for each in self.rules)]
        plain = {"objective": self.objective, "count": self.count}
        said += [(name, str(value)) for name, value in plain.items() if value != type(self).model_fields[name].default]
        said += [(name, "on") for name in ("returns", "pareto") if getattr(self, name)]
        said += [("input_mb", f"{self.input_mb:.12g}")] if self.input_mb is not None else []
        said += [("max_drop", f"{self.max_drop:.12g}")] if self.max_drop is not None else []
        said += [("link", f"{each.source},{each.target},{each.latency_ms:.12g},{each.bandwidth_mbps:.12g}")
                 for each in self.links]
        return urlencode(said + (_range(self.range) if self.range else []), safe=",")


def _range(asked: RangeWanted) -> list[tuple[str, str]]:
    ends = [("from", str(asked.source)), ("to", str(asked.target))] if asked.source else []
    return [("varying", asked.varying), *ends, ("low", f"{asked.low:.12g}"), ("high", f"{asked.high:.12g}")]


def typed(query: QueryDict) -> dict[str, Any]:
    """The values as they stand in an address, for `Wanted.read` and for a form that shows them again; empty ones left out."""
    told: dict[str, Any] = {name: text for name in ("network", "objective", "count", "returns", "input_mb", "pareto", "max_drop")
                            if (text := text_of(query.get(name, "")))}
    told["devices"] = [text_of(each) for each in query.getlist("device")[:MOST_VALUES]]
    lines = [line for each in query.getlist("rule")[:MOST_VALUES] for line in each[:LONGEST_TYPED * 10].splitlines()]
    told["rules"] = [text for line in lines if (text := text_of(line))]
    told["links"] = [_link(text_of(each)) for each in query.getlist("link")[:MOST_VALUES]]
    ranged = {name: text for name, word in (("varying", "varying"), ("source", "from"), ("target", "to"), ("low", "low"),
                                            ("high", "high")) if (text := text_of(query.get(word, "")))}
    return {**told, "range": ranged} if ranged else told


def text_of(value: str) -> str:
    return value[:LONGEST_TYPED].replace("\x00", "").strip()


def _link(text: str) -> Any:
    parts = [part.strip() for part in text.split(",")]
    return dict(zip(("source", "target", "latency_ms", "bandwidth_mbps"), parts, strict=True)) if len(parts) == 4 else text


def faults(error: ValidationError) -> dict[str, str]:
    """What is wrong, in a sentence for each field: `rules.0`, `links.2.latency_ms`, `range.low`."""
    found: dict[str, str] = {}
    for each in error.errors(include_url=False):
        place = [str(part)[:40] for part in each["loc"]]
        found.setdefault(".".join(place), _said(place, each))
    return found


def _said(place: list[str], error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "This is not known here."
    if error["type"] == "value_error" and place[:1] != ["network"]:
        return str(error["ctx"]["error"])
    words = WORDS.get(".".join(part for part in place if not part.isdigit()), WORDS.get(place[0] if place else "", ""))
    hint = point_hint(error.get("input"))
    return f"{words or 'This is not understood.'}{f' A decimal has a point: {hint}.' if hint else ''}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
