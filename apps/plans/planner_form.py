"""What stands at the left of the planner: devices by tier, what lies between them, rules, what counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple
from uuid import UUID

from django.http import QueryDict

from apps.plans.choosing import TIERS, Candidate, NetworkKnown
from apps.plans.layers import Known
from apps.plans.questions import Lane
from worker.planning.question import MOST_PLANS, Objective

COMMON = ("raw input stays", "device sends at most 0.5 MB", "edge takes at most 50 ms", "at most 1 crossing tensor")
OBJECTIVES: dict[Objective, str] = {
    "latency": "the shortest time from image to result", "throughput": "the most images in a second",
    "energy": "the least energy", "bytes": "the fewest bytes sent"}
# Where a slider begins and ends: in Mbit/s and in ms.
ENDS = {"bandwidth": (0.1, 1000.0), "latency": (1.0, 1000.0)}
UNITS = {"bandwidth": "Mbit/s", "latency": "ms"}
VARYING = {"bandwidth": "bandwidth", "latency": "round trip"}


@dataclass(frozen=True)
class WayShown:
    """One direction: the team's numbers, and those that are tried in their place, as they were typed."""

    source: Candidate
    target: Candidate
    kept: Lane | None
    origin: str = ""
    latency_ms: str = ""
    bandwidth_mbps: str = ""
    faults: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.source.pk}.{self.target.pk}"

    @property
    def is_known(self) -> bool:
        return bool(self.latency_ms and self.bandwidth_mbps)

    @property
    def is_tried(self) -> bool:
        if self.kept is None:
            return bool(self.latency_ms or self.bandwidth_mbps)
        return (number(self.latency_ms), number(self.bandwidth_mbps)) != (self.kept.latency_ms, self.kept.bandwidth_mbps)


@dataclass(frozen=True)
class RuleShown:
    """A line of the list. `common`: it is one of those with a box of their own."""

    text: str
    is_on: bool = True
    common: bool = False
    fault: str = ""


class TierShown(NamedTuple):
    """The devices of a tier."""

    name: str
    devices: list[Candidate]


@dataclass(frozen=True)
class Sheet:
    """All that the form shows; `told` is what was typed, in the address's words."""

    network: str
    networks: Sequence[NetworkKnown]
    known: Sequence[Candidate]
    chosen: frozenset[UUID]
    ways: Sequence[WayShown]
    query: QueryDict
    faults: Mapping[str, str] = field(default_factory=dict)
    layers: Known | None = None

    @property
    def tiers(self) -> list[TierShown]:
        found = []
        for place, name in enumerate(TIERS):
            mine = [each for each in self.known if each.tier == place]
            if mine:
                found.append(TierShown(name, mine))
        return found

    @property
    def on(self) -> list[Candidate]:
        return [each for each in self.known if each.pk in self.chosen and not each.away]

    @property
    def names(self) -> dict[str, UUID]:
        """Of the devices that are planned with, as plans name them."""
        return {each.name: each.pk for each in self.on}

    @property
    def holder(self) -> Candidate | None:
        """Who holds the input: the first of the lowest tier."""
        return self.on[0] if self.on else None

    @property
    def idle(self) -> list[Candidate]:
        """Those that stand in the holder's tier too: no plan can use them."""
        return [each for each in self.on[1:] if self.holder and each.tier == self.holder.tier]

    @property
    def unknown(self) -> list[WayShown]:
        return [way for way in self.ways if not way.is_known]

    @property
    def rules(self) -> list[RuleShown]:
        said = [line for each in self.query.getlist("rule") for line in each.splitlines() if line.strip()]
        common = [RuleShown(text, text in said, True, self._fault(said, text)) for text in COMMON]
        return common + [RuleShown(text, fault=self.faults.get(f"rules.{at}", "")) for at, text in enumerate(said)
                         if text not in COMMON]

    def _fault(self, said: Sequence[str], text: str) -> str:
        return self.faults.get(f"rules.{said.index(text)}", "") if text in said else ""

    @property
    def places(self) -> list[str]:
        """What a rule may be about."""
        return [tier.name for tier in self.tiers] + [each.name for each in self.on]

    @property
    def example(self) -> str:
        """A rule about something that is there."""
        return f"{self.on[-1].name} takes at most 50 ms" if self.on else "edge takes at most 50 ms"

    @property
    def is_listed(self) -> bool:
        return any(each.name == self.network for each in self.networks)

    @property
    def objectives(self) -> list[tuple[str, str]]:
        return [(name, words) for name, words in OBJECTIVES.items()]

    @property
    def overs(self) -> list[tuple[str, str]]:
        """Over what the winners may be looked at."""
        known = [way for way in self.ways if way.is_known]
        of_all = [(kind, f"{word} of all links") for kind, word in VARYING.items()]
        return of_all + [(f"{kind}.{way.key}", f"{word}, {way.source.name} to {way.target.name}")
                         for way in known for kind, word in VARYING.items()]

    @property
    def over(self) -> str:
        ends = [self.query.get("varying", "bandwidth"), self.query.get("from", ""), self.query.get("to", "")]
        return ".".join(each for each in ends if each)

    @property
    def other(self) -> dict[str, Any]:
        """The rest of what was typed."""
        return {"count": self.query.get("count", "5"), "most_plans": MOST_PLANS, "input_mb": self.query.get("input_mb", ""),
                "returns": bool(self.query.get("returns")), "pareto": bool(self.query.get("pareto")),
                "objective": self.query.get("objective", "latency"), "max_drop": self.query.get("max_drop", "")}

    @property
    def is_unusual(self) -> bool:
        """Whether something of the rest was said."""
        return any(name in self.query for name in ("returns", "pareto", "input_mb")) or self.query.get("count", "5") != "5"

    @property
    def elsewhere(self) -> dict[str, str]:
        """What is wrong and has no field on the page."""
        return {name: text for name, text in self.faults.items()
                if name.split(".")[0] not in ("rules", "links", "count", "input_mb", "max_drop", "network")}


def number(text: str) -> float | None:
    """Nothing where it is none that can be reckoned with: `inf` and `nan` are read by Python too."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def written(value: float) -> str:
    return f"{value:.12g}"
