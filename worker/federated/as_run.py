"""A recipe's run of federated learning: from the network and the data that were given to one that all clients made together."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import fx

from worker.context import Context, HostInput
from worker.datasets import Data
from worker.events import Event, Log, Progress
from worker.federated import telling
from worker.federated.averaging import Averaging, FedAdam, fedavg, trimmed
from worker.federated.course import Course, Plan, Weather, settled
from worker.federated.dealing import Dealing, Indices, dealt
from worker.federated.places import Place, place, places
from worker.federated.real.bridge import Member
from worker.federated.real.course import Real, RealCourse
from worker.federated.real.sharing import FIRST, parcelled
from worker.federated.ways import Way
from worker.orders import Order
from worker.planning.fleet import Fleet
from worker.profiling.opening import Opened, Start, opened
from worker.profiling.phases import Phases
from worker.profiling.variants import write
from worker.training.accuracy import compared, judged
from worker.training.hardware import settle
from worker.wording import counted

NAME = telling.VARIANT
ONLY_THERE = "Boards take part only in a run of the portal, which knows where they are; here it runs emulated, or as processes."
Work = Generator[Event, None, dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """What all federated recipes share. `after`: a layer that is an offloading point too, where one is named. `round_s`: the most
    that a round of real processes takes; None: the run is emulated. `is_on_boards`: of these processes the clients are boards."""

    fleet: Fleet
    plan: Plan
    weather: Weather
    dealing: Dealing
    alpha: float
    shards: int
    averaging: str
    server_rate: float
    trimmed: float
    start: Start
    after: str = ""
    round_s: float | None = None
    is_on_boards: bool = False


Ways = Callable[[tuple[Place, ...], Fleet], Sequence[Way]]


def federated(asked: Asked, ways: Ways, context: Context) -> Work:
    """The run. `ways`: of the network's offloading points; the first is what the run is about."""
    settle(threads=context.threads, seed=context.seed)
    phases = Phases()
    given = yield from opened(context, asked.start)
    data, network = given.data, settled(given.network)
    before = (yield from judged(network, data, "given")) if given.trained else None
    yield phases.end("open")
    found = points(network, data, asked.after)
    course = _course(asked, network, data, found, ways(found, asked.fleet), context)
    yield from _told(course)
    yield from course.rounds(context.checkpoints)
    yield phases.end("rounds")
    network.load_state_dict(course.state)
    after = yield from judged(network, data, NAME)
    made = yield from write(network, NAME, in_shape=data.in_shape, classes=data.classes, folder=context.workdir,
                            trained=True)
    yield made.said()
    yield phases.end("test and save")
    said = telling.summary(course, [way.name for way in course.ways])
    facts = made.facts
    verdict = (f"{100 * after.accuracy:.1f} % accurate after {counted(course.done, 'round')} with "
               f"{counted(len(course.parts), 'client')} (test, n = {after.n})")
    if before:
        verdict += f"; {compared(before, after, 'the given network')}"
    verdict += f"; {telling.times(course)}"
    if course.refused or course.lost:
        verdict += f"; left out: {telling.left_out(course)}"
    return said | {
        "params_before": facts.params, "params_after": facts.params, "macs_before": facts.macs, "macs_after": facts.macs,
        "size_bytes_after": facts.size_bytes, "accuracy_before": before.accuracy if before else None,
        "accuracy_after": after.accuracy, "test_images": after.n, "train_seconds": round(phases.seconds["rounds"], 3),
        "epoch_equivalents": course.done * asked.plan.pace.epochs * asked.plan.taking_part,
        "variants": [made.as_summary() | {"accuracy": after.accuracy}], "verdict": verdict}


def _course(asked: Asked, network: fx.GraphModule, data: Data, found: tuple[Place, ...], ways: Sequence[Way],
            context: Context) -> Course:
    given = (network, data, asked.fleet, found, _parts(asked, data), asked.plan, ways, _averaging(asked, network), asked.weather)
    if asked.round_s is None:
        return Course(*given)
    members = _members(asked.fleet, context.hosts) if asked.is_on_boards else None
    return RealCourse(*given, real=Real(context.dataset(), context.workdir, asked.round_s, members=members))


def _members(fleet: Fleet, hosts: Sequence[HostInput]) -> list[Member]:
    """The boards that serve, by the clients that they are; ValueError where there is none."""
    if not hosts:
        raise ValueError(ONLY_THERE)
    return [Member(fleet.clients[host.part - FIRST].name, host) for host in hosts]


def parcels(asked: Asked, patience_s: float, context: Context) -> Generator[Event, None, Order]:
    """What the boards of a run are given, as files of its folder. What there is to say of the network is said by the run."""
    settle(threads=context.threads, seed=context.seed)
    yield Progress(done=0, total=asked.plan.rounds, stage="dealing the images")
    given = _unheard(opened(context, asked.start))
    network, data = settled(given.network), given.data
    return parcelled(network, data, _parts(asked, data), [who.name for who in asked.fleet.clients],
                     points(network, data, asked.after), asked.plan.pace, patience_s, context)


def _unheard(work: Generator[Event, None, Opened]) -> Opened:
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: Opened = end.value
            return found


def points(network: Any, data: Data, after: str) -> tuple[Place, ...]:
    """The network's offloading points, and the one that was named in its place among them."""
    found = places(network, data.in_shape)
    if not after or any(each.after == after for each in found):
        return found
    return tuple(sorted((*found, place(network, data.in_shape, after)), key=lambda each: (each.share, each.is_whole)))


def _parts(asked: Asked, data: Data) -> list[Indices]:
    """Shares as typed; who has none typed gets an equal part of the rest."""
    typed = [who.share for who in asked.fleet.clients]
    free = typed.count(None)
    rest = (100 - sum(filter(None, typed))) / free if free else 0.0
    shares = [(rest if share is None else share) / 100 for share in typed] if free < len(typed) else None
    labels = data.parts["train"].labels.numpy()
    return dealt(labels, len(typed), asked.dealing, seed=asked.plan.pace.seed, alpha=asked.alpha, shards=asked.shards,
                 shares=shares)


def _averaging(asked: Asked, network: Any) -> Averaging:
    if asked.averaging == "trimmed mean":
        return trimmed(asked.trimmed)
    if asked.averaging == "fedadam":
        return FedAdam([name for name, _ in network.named_parameters()], asked.server_rate)
    return fedavg


def _told(course: Course) -> Generator[Event, None, None]:
    counts = [len(part) for part in course.parts]
    where = ", ".join(f"{each.name} ({100 * each.share:.3g} % of the work)" for each in course.places[:-1]) or "nowhere"
    yield Log(message=f"{counted(len(counts), 'client')} with {min(counts):,} to {max(counts):,} training images each. "
                      f"Offloading points: {where}."[:2000])
    if len(counts) > telling.SHOWN:
        yield Log(message=f"Charts show the first {telling.SHOWN} clients; {len(counts):,} learn and are timed.")
    fleet = course.fleet
    if isinstance(course, RealCourse) and course.real.members is not None:
        yield Log(message="Every client is a board and every edge server a process of this computer. Seconds are measured, what "
                          "a client computes by its board's own clock; links to boards are what they are, but where a "
                          "bandwidth is changed: that is emulated on top of the real link.")
        yield from (Log(message=each.stands) for each in course.real.members)
        return
    if isinstance(course, RealCourse):
        yield Log(message="Every client and every edge server is a process of this computer; seconds are measured, links "
                          "emulated.")
        return
    measured = [who.name for who in fleet.clients if who.measured] + [who.name for who in fleet.servers if who.measured]
    yield Log(message="Learning is executed; seconds are emulated, from "
                      + (f"profiles measured of {', '.join(measured[:8])} and from " if measured else "")
                      + "the speeds and links that were typed.")
