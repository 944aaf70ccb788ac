"""What predictions and plans rest on: a team's devices, the profiles known of them, and the links between, as one JSON file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from worker.planning.offers import Offer
from worker.planning.question import Mbps, Milliseconds
from worker.profile import Fact, NetworkProfile

MEDIA_TYPE = "application/vnd.edgeportal.profiles+json"
FILE = "profiles.json"
# So many profiles a run is given at most; the newest come first.
MOST_PROFILES = 200
MOST_MS = 3_600_000.0


class DeviceFacts(Fact):
    """What is known of a device without measuring a network on it. `yardstick_ms`: the newest median of its own yardstick."""

    id: str = Field(max_length=200)
    name: str = Field(max_length=120)
    tier: str = ""
    host: str = ""
    hardware: str = ""
    accelerators: str = ""
    cores: int | None = None
    yardstick_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class Seen(Fact):
    """A profile and the device it belongs to, by its id."""

    device: str
    profile: NetworkProfile


class LatencyFacts(Fact):
    """What whole inferences of one image of a network take on a device, by its id: the median and the 95th percentile.

    `n`: of so many inferences. `noisy`: something else disturbed them. `run`, `run_id`: the number and the id of the run that
    measured it, `recipe`: what that is called, where a portal knows it.
    """

    network: str = Field(max_length=250)
    device: str = Field(max_length=200)
    p50_ms: Annotated[float, Field(gt=0, le=MOST_MS, allow_inf_nan=False)]
    p95_ms: Annotated[float, Field(gt=0, le=MOST_MS, allow_inf_nan=False)] | None = None
    n: int | None = None
    engine: str = Field("", max_length=60)
    noisy: bool = False
    run: int | None = None
    run_id: str = Field("", max_length=40)
    recipe: str = Field("", max_length=100)


class LinkFacts(Fact):
    """One direction between two devices, by their ids. `latency_ms`: a whole round trip. `origin`: measured or typed."""

    sender: str = Field(max_length=200)
    receiver: str = Field(max_length=200)
    latency_ms: Milliseconds
    bandwidth_mbps: Mbps
    origin: str = Field("", max_length=20)


class Evidence(Fact):
    """`profiles`: newest first. `left_out`: profiles that the team has beside these and that were too many.

    `offers`: of transfer layers, with networks and devices called as here.
    """

    devices: tuple[DeviceFacts, ...] = ()
    profiles: tuple[Seen, ...] = ()
    left_out: int = 0
    # Said only where there are some, which leaves what is kept of predictions as it always was.
    links: tuple[LinkFacts, ...] = Field((), exclude_if=lambda links: not links)
    offers: tuple[Offer, ...] = Field((), exclude_if=lambda offers: not offers)
    latencies: tuple[LatencyFacts, ...] = Field((), exclude_if=lambda latencies: not latencies)

    def device(self, key: str) -> DeviceFacts | None:
        return next((each for each in self.devices if each.id == key), None)
