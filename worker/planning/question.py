"""What a plan is made for: devices in tiers with the profile that speaks for each, links, rules, and what counts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from worker.planning.offers import MOST_LAYERS, OfferAsked, Share, Title
from worker.profile import Bytes, Fact, Name

TIERS = ("device", "edge", "cloud")
MOST_DEVICES, MOST_RULES, MOST_PLANS = 64, 30, 100
Objective = Literal["latency", "throughput", "energy", "bytes"]
Varying = Literal["bandwidth", "latency"]
Milliseconds = Annotated[float, Field(ge=0, le=3.6e6, allow_inf_nan=False)]
Mbps = Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)]


class Place(Fact):
    """A device that may run blocks. `profile`: the key under which its profile is known to whoever answers.

    `tier` counts from the sensor on; work only ever moves to a higher one, and one device of a tier is used at most.
    """

    device: Name
    tier: Annotated[int, Field(ge=0, lt=MOST_DEVICES)]
    profile: str = Field(max_length=200)


class Road(Fact):
    """One direction between two devices, by their names. `latency_ms`: a whole round trip, which every message waits."""

    sender: Name
    receiver: Name
    latency_ms: Milliseconds
    bandwidth_mbps: Mbps


class Range(Fact):
    """Over which conditions of a link the winners are wanted. Without sender and receiver all links vary alike, by a factor.

    `low` and `high`: Mbit/s or ms of that link, or factors of all.
    """

    varying: Varying = "bandwidth"
    sender: str = Field("", max_length=120)
    receiver: str = Field("", max_length=120)
    low: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] = 0.01
    high: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] = 100.0


class Question(Fact):
    """All that an answer depends on. Rules are lines as `worker.planning.rules` reads them; the first device holds the input.

    `input_bytes`: what is sent when nothing runs before; left out: what the profiles say. `offers`: transfer layers that were
    measured for the network; a plan may have one of those that cost at most `most_drop` of its accuracy, none without that.
    `only_layer`: the title of the one that every plan has, however it compares with the plan without it; empty: any or none.
    """

    network: Name
    places: Annotated[tuple[Place, ...], Field(min_length=1, max_length=MOST_DEVICES)]
    roads: Annotated[tuple[Road, ...], Field(max_length=MOST_DEVICES**2)] = ()
    rules: Annotated[tuple[Annotated[str, Field(max_length=300)], ...], Field(max_length=MOST_RULES)] = ()
    objective: Objective = "latency"
    count: Annotated[int, Field(ge=1, le=MOST_PLANS)] = 5
    returns: bool = False
    input_bytes: Bytes | None = None
    range: Range | None = None
    pareto: bool = False
    offers: Annotated[tuple[OfferAsked, ...], Field(max_length=MOST_LAYERS)] = ()
    most_drop: Share | None = None
    only_layer: Title = ""
