"""An answer of the planner as a run says it: the verdict, why the others lost, the parts of each plan, who wins where, files."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from worker.context import Context, write_durably
from worker.events import Event, FileMade, Log, Measured, Metric
from worker.partitioning.answering import answer
from worker.partitioning.simpler import Way, simpler
from worker.planning.answer import MEDIA_TYPE, Answer, PlanSaid
from worker.planning.basis import Basis, basis, faults
from worker.planning.question import Objective, Range, Varying
from worker.profile.sheet import guarded, line_of
from worker.wording import counted

JSON, CSV = "plans.json", "plans.csv"
COLUMNS = ("rank", "plan", "devices", "latency_ms", "compute_ms", "transfer_ms", "per_second", "bytes", "joules", "kind",
           "block_times", "transfer_layer", "accuracy")
ON_THE_WAY, LONGEST_LOG = "on the way", 2000
NOT_MEASURED = "What a plan takes in all is predicted, the sum of its blocks' times and its links': nobody has run it."


@dataclass(frozen=True)
class Asked:
    """What a run is asked for. `devices`: by name, none for all. `ranged`: what varies of all links, and by which factors.

    `most_drop`: accuracy that a transfer layer may cost, as a share; None: no plan has one.
    """

    network: str
    rules: tuple[str, ...]
    devices: tuple[str, ...]
    objective: Objective
    count: int
    returns: bool
    input_bytes: int | None
    ranged: tuple[Varying, float, float] | None
    most_drop: float | None = None


class Unplannable(ValueError):
    """What is known does not make a plan; said in a sentence."""


def planned(asked: Asked, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """Rules that no plan keeps are an answer too: which of them conflict. Unplannable, or Unfit, where nothing can be asked."""
    evidence = context.profiles()
    wrong = faults(evidence, asked.network, asked.devices, asked.rules)
    if wrong:
        raise Unplannable(" ".join(wrong.values()))
    rests = basis(evidence, asked.network, asked.devices)
    ranged = Range(varying=asked.ranged[0], low=asked.ranged[1], high=asked.ranged[2]) if asked.ranged else None
    question = rests.question(rules=asked.rules, objective=asked.objective, count=asked.count, returns=asked.returns,
                              input_bytes=asked.input_bytes, ranged=ranged, most_drop=asked.most_drop)
    found = answer(question, rests.profiles)
    yield from _rests_on(rests, found)
    yield from _told(found)
    ways = list(_ways(found, list(simpler(question, rests.profiles)), asked.objective))
    yield from _not_drawn(asked, found)
    yield from _drawn(found, ways if asked.objective == "latency" else ())
    yield from _measured(found, asked.network)
    yield from _files(found, context)
    return _summary(found, ways, rests)


def _rests_on(rests: Basis, found: Answer) -> Iterator[Log]:
    places = ", ".join(f"{rests.names[each.id]} ({each.tier or 'no tier said'})" for each in rests.devices)
    what = f"{rests.network}, {found.blocks} blocks, on {len(rests.devices)} devices"
    yield Log(message=f"Planned: {what}: {places}."[:LONGEST_LOG])
    if found.layers:
        yield Log(message=f"A plan may have one of {counted(found.layers, 'transfer layer')} that runs of ScissionLite measured.")
    yield Log(message=NOT_MEASURED)
    if rests.beside:
        yield Log(level="warning", message=f"{rests.beside} more devices have a profile of it; these are the first ones.")
    roads = [f"{rests.names[each.sender]} to {rests.names[each.receiver]} {each.latency_ms:g} ms, {each.bandwidth_mbps:g} Mbit/s"
             for each in rests.links]
    yield Log(message=f"Links, as they are: {'; '.join(roads)}."[:LONGEST_LOG])
    for sentence in found.warnings:
        yield Log(level="warning", message=sentence[:LONGEST_LOG])


def _told(found: Answer) -> Iterator[Log]:
    yield Log(level="info" if found.plans else "warning", message=_verdict(found)[:LONGEST_LOG])
    for native in found.natives:
        if native.why:
            yield Log(message=f"Not everything on {native.device}: {native.why}"[:LONGEST_LOG])


def _verdict(found: Answer) -> str:
    return found.verdict if found.plans else found.sorry or "No plan keeps all rules."


def _ways(found: Answer, others: Sequence[Way], objective: Objective) -> Iterator[Way]:
    """The best plan first, then what people do without planning."""
    if found.plans:
        yield Way("best plan" if objective == "latency" else f"best plan for {objective}", found.plans[0])
    yield from (Way(f"all on {native.device}{', breaks a rule' if native.broken else ''}", native.plan)
                for native in found.natives if native.plan)
    yield from others


def _not_drawn(asked: Asked, found: Answer) -> Iterator[Log]:
    """A chart of times would show another plan as the best than the one that is asked for."""
    if found.plans and asked.objective != "latency":
        yield Log(message="The chart of simpler ways is left out: it shows times, and the best plan here is that of "
                          f"{asked.objective}.")
    if found.plans and asked.ranged and asked.objective == "throughput":
        yield Log(message="The chart of which plan is best while links change is left out: it is not known for throughput.")


def _drawn(found: Answer, ways: Sequence[Way]) -> Iterator[Metric]:
    for rank, plan in enumerate(found.plans, 1):
        yield from _parts(f"{rank}. {' → '.join(stage.device for stage in plan.stages)}", plan)
    for way in ways:
        yield Metric(name="way_ms", value=way.plan.latency_ms, labels={"way": way.name})
    for band in found.bands:
        yield Metric(name="band_ms", value=band.plan.latency_ms,
                     labels={"plan": band.plan.words, "low": band.low, "high": band.high})


def _parts(name: str, plan: PlanSaid) -> Iterator[Metric]:
    """In the order in which they happen: a message stands before the part that waits for it."""
    hops = [(hop.cut, 0, hop.ms, ON_THE_WAY, f"{hop.sender} to {hop.receiver}, {hop.bytes:,} bytes") for hop in plan.hops]
    stages = [(stage.first - 1, 1, stage.ms, stage.device, f"blocks {stage.first} to {stage.last}") for stage in plan.stages]
    for step, (_, _, ms, where, told) in enumerate(sorted([*hops, *stages], key=lambda each: each[:2])):
        yield Metric(name="part_ms", value=ms, step=step, labels={"plan": name, "where": where, "told": told})


def _measured(found: Answer, network: str) -> Iterator[Measured]:
    """Sums of what was measured, which nobody measured as a whole: the best plan, and everything on one device."""
    best = [(" → ".join(stage.device for stage in plan.stages), plan) for plan in found.plans[:1]]
    alone = [(native.device, native.plan) for native in found.natives if native.plan]
    for where, plan in dict([*alone, *best]).items():
        share = (plan.within_percent or 0) / 100
        ends = {"low": plan.latency_ms * max(0.0, 1 - share), "high": plan.latency_ms * (1 + share)} if share else {}
        yield Measured(variant=network, metric="planned_latency_ms", value=plan.latency_ms, unit="ms", device=where[:120],
                       origin=plan.kind, **ends)


def _files(found: Answer, context: Context) -> Iterator[FileMade]:
    write_durably(context.workdir / JSON, found.model_dump_json(indent=1).encode())
    yield FileMade(path=JSON, name=JSON, media_type=MEDIA_TYPE)
    table = [COLUMNS, *(_row(rank, plan) for rank, plan in enumerate(found.plans, 1))]
    write_durably(context.workdir / CSV, "".join(f"{line_of(row)}\n" for row in table).encode())
    yield FileMade(path=CSV, name=CSV, media_type="text/csv")


def _row(rank: int, plan: PlanSaid) -> tuple[str, ...]:
    return (str(rank), guarded(plan.words), guarded(" → ".join(stage.device for stage in plan.stages)), repr(plan.latency_ms),
            repr(plan.compute_ms), repr(plan.transfer_ms), repr(plan.per_second), str(plan.bytes),
            "" if plan.joules is None else repr(plan.joules), plan.kind, plan.block_times,
            guarded(plan.transfer.title) if plan.transfer else "", repr(plan.transfer.accuracy) if plan.transfer else "")


def _summary(found: Answer, ways: Sequence[Way], rests: Basis) -> dict[str, Any]:
    best = found.plans[0] if found.plans else None
    return {
        "verdict": _verdict(found), "best_ms": best.latency_ms if best else None, "best_plan": best.words if best else None,
        "best_per_second": best.per_second if best else None, "best_bytes": best.bytes if best else None,
        "ways_ms": {way.name: way.plan.latency_ms for way in ways[1 if best else 0:]},
        "transfer_layer": best.transfer.title if best and best.transfer else None,
        "accuracy_before": best.transfer.accuracy_whole if best and best.transfer else None,
        "accuracy_after": best.transfer.accuracy if best and best.transfer else None,
        "plans": len(found.plans), "conflict": list(found.conflict), "devices": len(rests.devices), "links": len(rests.links),
        "blocks": found.blocks, "cuts": found.cuts, "origin": best.kind if best else "predicted",
        "block_times": best.block_times if best else None,
        "warnings": list(found.warnings), "planning_seconds": found.took_ms / 1e3}
