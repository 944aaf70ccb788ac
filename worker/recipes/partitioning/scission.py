"""Scission: where to cut a network between device, edge and cloud, from measured block times and links, under rules of yours.

How it works: every device's time of each block, the bytes that cross each cut and the links between devices are known, so what a
plan takes is a sum: blocks, and for each message a whole round trip and its bytes over the bandwidth. The best plans are found
exactly, whatever is asked of them, by dynamic programming instead of counting them all out. Nothing runs on any device: block
times were measured, a plan's total was not, and is said to be predicted.

Where runs of ScissionLite measured transfer layers for the network, a plan may have one of them at its cut: fewer bytes, for some
time on both sides and the accuracy that you allow. Which plan has one is decided as exactly, by the least of both ways.

Beside the plans stand the simpler ways: everything on one device (each with the reason why it is not the best); the cut at the
smallest tensor between two devices; and the best single cut between two devices, as Neurosurgeon makes it (Kang et al., 2017,
ASPLOS), here chosen by the same block times, where Neurosurgeon predicts them.

Lockhart, Harvey, Imai, Willis, Varghese: "Scission: Performance-driven and Context-aware Cloud-Edge Distribution of Deep Neural
Networks", 2020, arXiv 2008.03523.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Generator
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from worker.context import Context
from worker.events import Event
from worker.evidence import Evidence
from worker.params import NetworkName, param
from worker.params import Params as EveryRecipe
from worker.planning import rules as rule
from worker.planning.basis import faults
from worker.planning.question import MOST_PLANS, MOST_RULES, Objective
from worker.recipe import Chart, Paper, recipe

LONGEST = 2000
PREDICTED = "ms, predicted"


class Params(EveryRecipe):
    model: NetworkName = param(help="The network, as its profiles are called.", title="network", essential=True)
    objective: Objective = param("latency", essential=True, help="What the best plan has the least of; of throughput the most.")
    rules: str = param("", essential=True, lines=True, max_length=LONGEST, help=(
        "What every plan must keep, a rule a line (or parted by ;): raw input stays, leave out cloud, edge takes at most 50 ms, "
        "device sends at most 0.5 MB, blocks 3-7 in edge. The guide has them all."))
    count: int = param(5, help="Plans, the best ones.", unit="plans", ge=1, le=MOST_PLANS, essential=True)
    devices: str = param("", lines=True, max_length=LONGEST, help=(
        "Names of the devices that may be used, one a line (or parted by ;); empty: all that have a profile of the network. The "
        "first of the lowest tier holds the input."))
    returns: bool = param(False, help="Whether the result goes back to where the input was.")
    input_mb: float = param(0.0, help="Size of the raw input; 0: as the profiles say (on the planner's page an empty field says "
                                  "that, and 0 is no bytes).", unit="MB", ge=0, le=1e6)
    max_drop: float = param(0.0, title="accuracy for a transfer layer", unit="points", ge=0, le=100, help=(
        "So much accuracy may a transfer layer cost that a run of ScissionLite measured for this network; 0: plans have none."))
    varying: Literal["bandwidth", "latency", "nothing"] = param(
        "bandwidth", help="What of all links gets better and worse in the chart of which plan is best where.")
    low: float = param(0.01, help="The chart begins at so many times what it is now.", unit="times", gt=0, le=1e6)
    high: float = param(100.0, help="The chart ends at so many times what it is now.", unit="times", gt=0, le=1e6)

    @field_validator("rules")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        found = lines(value)
        if len(found) > MOST_RULES:
            raise ValueError(f"are at most {MOST_RULES}; got {len(found)}")
        for line in found:
            rule.read(line)
        return "; ".join(found)

    @field_validator("devices")
    @classmethod
    def _each_once(cls, value: str) -> str:
        return "; ".join(dict.fromkeys(lines(value)))

    @field_validator("high")
    @classmethod
    def _is_above(cls, value: float, info: ValidationInfo) -> float:
        if "low" in info.data and value <= info.data["low"]:
            raise ValueError(f"must be above the low end, {info.data['low']:g}; got {value:g}")
        return value


def lines(text: str) -> list[str]:
    """ValueError where something stands in it that nobody sees."""
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") and not letter.isspace() for letter in text):
        raise ValueError("has characters that cannot be shown")
    return [said for line in text.replace("\n", ";").split(";") if (said := " ".join(line.split()))]


def lacks(params: Params, evidence: Evidence) -> dict[str, str]:
    return faults(evidence, params.model, lines(params.devices), lines(params.rules))


@recipe(
    "Scission", params=Params, needs_profiles=True, needs_links=True, lacks=lacks,
    charts=[Chart("lanes", "The best plans, part by part", y=("part_ms",), x="plan", by="where",
                  x_title="plan", y_title=PREDICTED),
            Chart("bars", "The best plan beside simpler ways", y=("way_ms",), x="way", x_title="way", y_title=PREDICTED),
            Chart("bands", "Which plan is best while links get worse and better", y=("band_ms",), by="plan",
                  x_title="times what all links have now", y_title="ms as links are now, predicted")],
    example={"model": "one", "rules": "raw input stays", "count": 3},
    use_when="several devices have profiles of a network, and you wonder which of them runs which part of it.",
    papers=[Paper("lockhart2020scission",
                  ("Lockhart, Luke", "Harvey, Paul", "Imai, Pierre", "Willis, Peter", "Varghese, Blesson"),
                  "Scission: Performance-driven and Context-aware Cloud-Edge Distribution of Deep Neural Networks", 2020,
                  arxiv="2008.03523")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.partitioning.as_run import Asked, planned

    ranged = None if params.varying == "nothing" else (params.varying, params.low, params.high)
    return (yield from planned(Asked(
        network=params.model, rules=tuple(lines(params.rules)), devices=tuple(lines(params.devices)), objective=params.objective,
        count=params.count, returns=params.returns, input_bytes=round(params.input_mb * 1e6) or None, ranged=ranged,
        most_drop=params.max_drop / 100 or None), context))
