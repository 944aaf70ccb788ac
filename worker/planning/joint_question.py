"""What a joint plan is made for: variants of a network and how accurate they are, transfer layers, devices, links, limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from worker.planning.offers import MOST_LAYERS, OfferAsked, Share, Title
from worker.planning.question import MOST_DEVICES, MOST_RULES, Road
from worker.profile import Bytes, Fact, Name

MOST_VARIANTS = 50
Goal = Literal["accuracy", "latency"]


class Runner(Fact):
    """A device that may run blocks. `tier` counts from the sensor on; the first of the lowest tier holds the input."""

    device: Name
    tier: Annotated[int, Field(ge=0, lt=MOST_DEVICES)]


class VariantAsked(Fact):
    """A variant of the network. `profiles`: by device, the key under which its profile is known to whoever answers."""

    name: Name = Field(description="As its profiles call it.")
    accuracy: Share
    n: int | None = Field(None, ge=1, le=10**9, description="On how many test images; nothing where nobody knows.")
    profiles: Annotated[dict[Name, Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=MOST_DEVICES)]


class JointQuestion(Fact):
    """All that a joint answer depends on. The rules are those of the planner, kept by every plan of every version.

    `goal`: of what is in time and accurate enough, the most accurate or the soonest. `dataset`: what accuracies were measured on.
    `only_layer`: the title of the transfer layer that every version has, even one that is beaten without it; empty: any or none.
    """

    runners: Annotated[tuple[Runner, ...], Field(min_length=1, max_length=MOST_DEVICES)]
    variants: Annotated[tuple[VariantAsked, ...], Field(min_length=1, max_length=MOST_VARIANTS)]
    offers: Annotated[tuple[OfferAsked, ...], Field(max_length=MOST_LAYERS)] = ()
    roads: Annotated[tuple[Road, ...], Field(max_length=MOST_DEVICES**2)] = ()
    rules: Annotated[tuple[Annotated[str, Field(max_length=300)], ...], Field(max_length=MOST_RULES)] = ()
    deadline_ms: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] | None = None
    floor: Share | None = None
    goal: Goal = "accuracy"
    returns: bool = False
    input_bytes: Bytes | None = None
    dataset: str = Field("", max_length=120)
    only_layer: Title = ""
