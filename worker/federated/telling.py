"""What a federated run says: a round's numbers, who waits for whom, and in words what came out."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from worker.events import Event, Log, Metric, Progress
from worker.federated.clock import Spent
from worker.federated.gathering import Gathering
from worker.federated.round_clock import Moving, Takes
from worker.federated.trial import Trial
from worker.training.accuracy import Score
from worker.wording import counted

if TYPE_CHECKING:
    from worker.federated.course import Course

# So many clients have lanes and lines of their own; of a thousand nobody could read them.
SHOWN = 16
# What comes out, as the run's files have it.
VARIANT = "federated"
# With so many others a verdict compares.
MOST_TOLD = 2
COMPUTES, SENDS, SERVED, QUEUES, MOVES = "computes", "sends", "edge computes", "queues", "moves"
WAITS, LEFT_OUT, LOST = "waits for others", "left out", "lost"
# Of a lone client, for whom nobody else is waited.
WAITS_ALONE = "waits for the server"


class Stood(NamedTuple):
    """Where a client handed over, over which bandwidth where that is known, and in which group (from 1) where there are some."""

    cut: str
    mbps: float | None
    group: int | None


def accuracy(course: Course, number: int, found: Score) -> list[Metric]:
    """After a round, and for each way over its seconds on the course's clock; of round 0 what it set out from."""
    over = [Metric(name="accuracy_over_ms", value=found.accuracy, labels={"way": way.name},
                   step=round(1e3 * course.seconds.get(way.name, 0.0))) for way in course.ways]
    return [Metric(name="accuracy", value=found.accuracy, step=number, labels={"split": "validation"}), *over]


def progress(course: Course, done: float) -> Progress:
    """So many rounds are behind it, those in part too."""
    total = course.plan.rounds
    return Progress(done=int(done), total=total, stage="rounds", part=min(1.0, done / total))


def round_said(course: Course, number: int, trial: Trial, timed: Sequence[Takes], moving: Sequence[Moving],
               gathering: Gathering) -> list[Event]:
    """All that there is to say of a round but its accuracy."""
    first, left_out = timed[0], {client for client, _ in gathering.refused} - gathering.updates.keys()
    rate = Metric(name="learning_rate", value=course.terms(number).rate, step=number, labels={"variant": VARIANT})
    return [*_refusals(number, gathering, first, course), rate, *_of_ways(number, timed),
            *_lanes(course, number, trial, first, moving, left_out), *_bytes(course, number, trial, first),
            *_between(number, trial, moving), *_moves(course, number, timed, moving)]


def turned(course: Course, number: int, trial: Trial, cuts: Sequence[int]) -> list[Log]:
    """Who hands over elsewhere than in the round before, in rounds in which links are others than before and those next to them,
    for a chooser may go by what the last round took. Others' changes are seen in the chart alone: there can be one each round."""
    found = {who.name: _stood(course, trial, place, cuts[place]) for place, who in enumerate(trial.fleet.clients[:SHOWN])}
    before, course.stood = course.stood, found
    both = [(name, before[name], now) for name, now in found.items() if name in before]
    if any(was.mbps != now.mbps for _, was, now in both):
        course.links_since = number
    said = [_turn(*each) for each in both if each[1].cut != each[2].cut]
    if not said or number > course.links_since + 1:
        return []
    return [Log(message=f"Round {number}: {course.ways[0].name} chose other offloading points. {' '.join(said)}"[:2000])]


def _stood(course: Course, trial: Trial, place: int, cut: int) -> Stood:
    group = course.groups[place] + 1 if place < len(course.groups) else None
    return Stood(course.places[cut].name, course.link_mbps(trial, place), group)


def _turn(name: str, before: Stood, now: Stood) -> str:
    """`pi: no offloading, before: behind features.3 (now 1 Mbit/s, before: 75 Mbit/s; now in group 2, before: 1).`"""
    with_it = []
    if before.mbps != now.mbps:
        with_it.append(f"now {_rate(now.mbps)}, before: {_rate(before.mbps)}")
    if before.group != now.group:
        with_it.append(f"now in group {now.group}, before: {before.group}")
    beside = f" ({'; '.join(with_it)})" if with_it else ""
    return f"{name}: {now.cut}, before: {before.cut}{beside}."


def _rate(mbps: float | None) -> str:
    return "its real link" if mbps is None else f"{mbps:g} Mbit/s"


def _of_ways(number: int, timed: Sequence[Takes]) -> Iterator[Metric]:
    for each in timed:
        yield Metric(name="round_seconds", value=each.seconds, step=number, labels={"way": each.way})
        yield Metric(name="typical_client_seconds", value=typical(each), step=number, labels={"way": each.way})
        yield Metric(name="waiting_share", value=each.waits, step=number, labels={"way": each.way})


def typical(found: Takes) -> float:
    """The median over the clients of what a round takes each one by itself."""
    ends = sorted(spent.ended_s for spent in found.spent)
    middle = len(ends) // 2
    return ends[middle] if len(ends) % 2 else (ends[middle - 1] + ends[middle]) / 2


def _lanes(course: Course, number: int, trial: Trial, first: Takes, moving: Sequence[Moving],
           left_out: Container[str]) -> Iterator[Metric]:
    groups, goes = course.groups, {move.client: move.edge for move in moving}
    for place, cut, spent in zip(first.clients, first.cuts, first.spent, strict=True):
        if place >= SHOWN:
            continue
        who = trial.fleet.clients[place]
        about: dict[str, str | int | float] = {"client": who.name, "cut": course.places[cut].name, "edge": who.edge}
        if place < len(groups):
            about["group"] = groups[place] + 1
        waits = WAITS if len(first.clients) > 1 else WAITS_ALONE
        rest = LOST if place in first.late else LEFT_OUT if who.name in left_out else waits
        for part, seconds in _parts(spent, first.seconds, rest):
            to = {"to": goes[who.name]} if part == MOVES and who.name in goes else {}
            yield Metric(name="lane_seconds", value=seconds, step=number, labels={**about, **to, "part": part})
        yield Metric(name="share_on_device", value=course.places[cut].share, step=number, labels={"client": who.name})
        if (mbps := course.link_mbps(trial, place)) is not None:
            yield Metric(name="bandwidth_mbps", value=mbps, step=number, labels={"client": who.name})


def _parts(spent: Spent, seconds: float, rest: str) -> list[tuple[str, float]]:
    """A client's round from its begin to the round's end, what it did and the `rest`; what took nothing is left out."""
    found = [(COMPUTES, spent.compute_s), (SENDS, spent.send_s), (SERVED, spent.edge_s), (QUEUES, spent.queue_s),
             (MOVES, spent.moved_s), (rest, seconds - spent.ended_s)]
    return [(part, value) for part, value in found if value > 0]


def _bytes(course: Course, number: int, trial: Trial, first: Takes) -> Iterator[Metric]:
    """What went over each client's link, both ways together, as it was planned by the cut."""
    for place, cut, spent in zip(first.clients, first.cuts, first.spent, strict=True):
        if place < SHOWN:
            who = trial.fleet.clients[place]
            yield Metric(name="link_bytes", value=course.link_bytes(trial, place, cut, spent), step=number,
                         labels={"link": f"{who.name}, {who.edge}"})


def _between(number: int, trial: Trial, moving: Sequence[Moving]) -> Iterator[Metric]:
    """What went from edge server to edge server."""
    homes, found = {who.name: who.edge for who in trial.fleet.clients}, dict[str, int]()
    for move in moving:
        link = f"{homes[move.client]}, {move.edge}"
        found[link] = found.get(link, 0) + move.moved_bytes
        homes[move.client] = move.edge
    for link, size in found.items():
        yield Metric(name="link_bytes", value=size, step=number, labels={"link": link})


def link_bytes(course: Course, trial: Trial, place: int, cut: int, spent: Spent) -> int:
    """Weights there and back, and each batch's message and answer."""
    batches = course.sizes[place][: spent.batches] if spent.vanished else course.sizes[place]
    legs = [trial.legs(place, cut, size) for size in batches]
    weights = course.places[cut].device_bytes * (1 if spent.vanished else 2)
    return weights + sum(each.up_bytes + each.down_bytes for each in legs)


def _moves(course: Course, number: int, timed: Sequence[Takes], moving: Sequence[Moving]) -> Iterator[Metric]:
    """Each move: what went with it and how long that took; behind a client's last one, what all saved against beginning anew."""
    restarts = next((each for way, each in zip(course.ways, timed, strict=True) if way.on_move == "restarts"), None)
    for place, own in _by_client(course, moving, timed[0]).items():
        here = timed[0].spent[timed[0].clients.index(place)]
        for move, seconds in zip_longest(own, here.moves_s[:len(own)]):
            labels: dict[str, str | int | float] = {"client": move.client, "to": move.edge, "after": move.after + 1}
            yield Metric(name="moved_bytes", value=move.moved_bytes, step=number, labels=labels)
            yield Metric(name="moved_seconds", value=here.moved_s if seconds is None else seconds, step=number, labels=labels)
        if restarts is not None:
            there = restarts.spent[restarts.clients.index(place)]
            yield Metric(name="saved_seconds", value=there.ended_s - here.ended_s, step=number, labels=labels)


def _by_client(course: Course, moving: Sequence[Moving], first: Takes) -> dict[int, list[Moving]]:
    """Of those who take part."""
    found = dict[int, list[Moving]]()
    for move in moving:
        if (place := course.number_of(move.client)) in first.clients:
            found.setdefault(place, []).append(move)
    return found


def _refusals(number: int, gathering: Gathering, first: Takes, course: Course) -> Iterator[Log]:
    for client, why in gathering.refused:
        yield Log(level="warning", message=f"Round {number}: what {client} sent is left out: {why}.")
    for place in sorted(first.late):
        yield Log(level="warning", message=(
            f"Round {number}: nothing came from {course.fleet.clients[place].name} in {course.waited(first.seconds)}; "
            "the round ended without it, and it takes part again in the next one."))
    if not gathering.updates:
        yield Log(level="warning", message=f"Round {number}: nobody's weights counted, so the network stays as it was.")


def summary(course: Course, names: Iterable[str]) -> dict[str, Any]:
    """Seconds on the course's clock by way, and per round."""
    rounds = max(course.done, 1)
    return {"rounds": course.done, "clients": len(course.parts), "refused_updates": course.refused,
            "lost_updates": course.lost,
            f"{course.clock}_seconds": {name: round(course.seconds.get(name, 0.0), 6) for name in names},
            f"{course.clock}_round_seconds": round(course.seconds.get(course.ways[0].name, 0.0) / rounds, 6)}


def left_out(course: Course) -> str:
    """`2 updates that could not be averaged, 1 that did not come in time`."""
    refused = [f"{counted(course.refused, 'update')} that could not be averaged"] if course.refused else []
    lost = [f"{counted(course.lost, 'update')} that did not come in time"] if course.lost else []
    return ", ".join([*refused, *lost])


def times(course: Course) -> str:
    """What a round takes, and against the others' in words: `a round takes 3.2 s (emulated), 76 % less than classic's`."""
    mine = course.seconds.get(course.ways[0].name, 0.0)
    told = f"a round takes {mine / max(course.done, 1):.3g} s in the mean ({course.clock})"
    others = [_against(mine, course.seconds[each.name], each.name) for each in course.ways[1:] if course.seconds.get(each.name)]
    return ", ".join([told, *others[:MOST_TOLD]])


def _against(mine: float, theirs: float, name: str) -> str:
    share = 100 * (1 - mine / theirs)
    return f"as much as {name}" if abs(share) < 0.5 else f"{abs(share):.0f} % {'less' if share > 0 else 'more'} than {name}"
