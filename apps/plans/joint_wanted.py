"""What a person wants of joint plans: the one declaration of it, for the page's address and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from pydantic import Field, ValidationError, field_validator

from apps.accounts.refusal import Refused
from apps.plans import wanted as single
from apps.plans.wanted import MB, MOST_LINKS, WORDS, LinkWanted, Rule
from worker.planning.joint_question import MOST_VARIANTS, Goal
from worker.planning.question import MOST_DEVICES, MOST_RULES
from worker.profile import MOST_BYTES, Fact, Name
from worker.wording import point_hint

LONGEST_DATASET = 120
OWN_WORDS = {
    "networks": f"Choose networks of which block times are known, at most {MOST_VARIANTS}.",
    "dataset": "Choose a data set on which accuracies were measured.",
    "deadline_ms": "The deadline must be a number of ms greater than 0, at most 1000000.",
    "floor": "The least accuracy must be between 0 and 1: 0.9 is nine images in ten.",
    # As the page has it, where its field is in percent.
    "floor in %": "The least accuracy must be between 0 and 100 %: 90 is nine images in ten.",
    "goal": "Choose what counts of what is left: accuracy or latency.",
    "example": "This must be yes or no.",
}
LONGEST_GOT = 40
PLAIN = ("dataset", "deadline_ms", "goal", "returns", "input_mb", "example")


class JointWanted(Fact):
    """Without `networks` all of which somebody knows how accurate they are; without `devices` all that have block times.

    Devices are ordered by their tier; the first of the lowest one holds the input. `links` win over those that the team keeps.
    """

    networks: tuple[Name, ...] = Field((), max_length=MOST_VARIANTS, description="Variants, as their profiles are called.")
    dataset: str = Field("", max_length=LONGEST_DATASET,
                         description="On what accuracies were measured; left out: on the one that says most.")
    devices: tuple[UUID, ...] = Field((), max_length=MOST_DEVICES)
    rules: tuple[Rule, ...] = Field((), max_length=MOST_RULES, examples=[["raw input stays"]])
    deadline_ms: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    floor: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = Field(None, description="The least accuracy, to 1.")
    goal: Goal = Field("accuracy", description="Of what is in time and accurate enough, the most accurate or the soonest.")
    returns: bool = Field(False, description="Whether the result goes back to where the input was.")
    input_mb: float | None = Field(None, ge=0, le=MOST_BYTES / MB, allow_inf_nan=False,
                                   description="The raw input; left out: what the profiles say.")
    links: tuple[LinkWanted, ...] = Field((), max_length=MOST_LINKS)
    example: bool = Field(False, description="The emulated example in place of what the team has.")

    @field_validator("devices", "networks")
    @classmethod
    def _each_once(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(value))

    @classmethod
    def from_query(cls, query: QueryDict) -> Self:
        """What an address says; Refused says what is wrong with it, field by field, as it was typed."""
        try:
            return cls.model_validate(typed(query))
        except ValidationError as error:
            floor = single.text_of(query.get("floor", ""))
            raise Refused(_faults(error) | ({"floor": _said("floor in %", floor)} if _is_at("floor", error) else {})) from None

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise Refused(_faults(error)) from None

    def query(self) -> str:
        """What an address says of it: only what is not so anyway. A floor is in percent there, as the page has it."""
        said = [("example", "on")] if self.example else []
        said += [("network", each) for each in self.networks] + [("dataset", self.dataset)] * bool(self.dataset)
        said += [("device", str(each)) for each in self.devices] + [("rule", each) for each in self.rules]
        said += [("deadline_ms", f"{self.deadline_ms:.12g}")] if self.deadline_ms is not None else []
        said += [("floor", f"{100 * self.floor:.12g}")] if self.floor is not None else []
        said += [("goal", self.goal)] * (self.goal != "accuracy") + [("returns", "on")] * self.returns
        said += [("input_mb", f"{self.input_mb:.12g}")] if self.input_mb is not None else []
        said += [("link", f"{each.source},{each.target},{each.latency_ms:.12g},{each.bandwidth_mbps:.12g}")
                 for each in self.links]
        return urlencode(said, safe=",")


def typed(query: QueryDict) -> dict[str, Any]:
    """The values as they stand in an address; empty ones left out."""
    told = single.typed(query)
    found: dict[str, Any] = {name: told[name] for name in ("devices", "rules", "links")}
    found["networks"] = [text for each in query.getlist("network")[:single.MOST_VALUES] if (text := single.text_of(each))]
    found |= {name: text for name in PLAIN if (text := single.text_of(query.get(name, "")))}
    floor = single.text_of(query.get("floor", ""))
    return found | ({"floor": _share(floor)} if floor else {})


def _share(text: str) -> Any:
    """Percent as a share; what is no number stays as it was typed."""
    try:
        return float(text) / 100
    except ValueError:
        return text


def _faults(error: ValidationError) -> dict[str, str]:
    found = single.faults(error)
    for each in error.errors(include_url=False):
        place = [str(part) for part in each["loc"]]
        if place and place[0] in OWN_WORDS and place[0] not in WORDS and each["type"] != "value_error":
            found[".".join(place)] = _said(place[0], each["input"])
    return found


def _is_at(field: str, error: ValidationError) -> bool:
    return any(each["loc"][:1] == (field,) for each in error.errors(include_url=False))


def _said(field: str, got: Any) -> str:
    """What is allowed, and what was got where a line holds it."""
    told = f"{got:g}" if isinstance(got, float) else str(got)
    is_short = isinstance(got, (str, int, float)) and told.isprintable() and 0 < len(told) <= LONGEST_GOT
    hint = point_hint(got)
    parts = OWN_WORDS[field], f"Got {told}." if is_short else "", f"A decimal has a point: {hint}." if hint else ""
    return " ".join(filter(None, parts))
