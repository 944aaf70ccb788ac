"""A discrete-event clock: what a round takes when clients compute, send, queue at edge servers and move between them.

Between two visits to an edge server a client's time is its own, so the only events are batches that reach a server. Those of all
clients lie in one heap; a server with so many slots takes them first come, first served. A round's work is linear in its batches
but for the heap's logarithm; a client whose network is not parted, or whose server takes all that come, needs no events at all.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from worker.federated.timing import Legs

UNLIMITED = 0


@dataclass(frozen=True)
class Hop:
    """The client changes its edge server behind batch `after` (from 0), before that batch's gradient comes back.

    `seconds`: until the gradient comes, for moving what the server knows of it, or for waiting. `restarts`: the round begins anew
    there, with its first batch. `place_legs`: those of the batches there.
    """

    after: int
    edge: str
    seconds: float
    restarts: bool = False
    legs: tuple[Legs, ...] | None = None


@dataclass(frozen=True)
class Job:
    """A client's round: the weights come (`fetch_s`), each batch goes its legs, the weights go back (`give_s`).

    `hops` in the order in which they come. `ends_after`: it vanishes behind so many batches; None: it does not.
    """

    client: str
    edge: str
    legs: tuple[Legs, ...]
    fetch_s: float = 0.0
    give_s: float = 0.0
    hops: tuple[Hop, ...] = ()
    ends_after: int | None = None


@dataclass
class Spent:
    """Seconds of a client's round by what they were spent on; `ended_s` since the round began. `moved_s`: while its state moved.

    `batches`: how many were computed, those of a restart twice. `moves_s`: of each move, in their order.
    """

    compute_s: float = 0.0
    send_s: float = 0.0
    edge_s: float = 0.0
    queue_s: float = 0.0
    moved_s: float = 0.0
    ended_s: float = 0.0
    batches: int = 0
    vanished: bool = False
    moves_s: list[float] = field(default_factory=list)


@dataclass
class _Course:
    """A client on its way through a round."""

    job: Job
    edge: str
    legs: tuple[Legs, ...]
    spent: Spent = field(default_factory=Spent)
    at: int = 0
    hops: int = 0


def round_times(jobs: Sequence[Job], slots: Mapping[str, int]) -> list[Spent]:
    """What each client's round took, in the order of the jobs. `slots`: of each edge server; UNLIMITED takes all that come."""
    courses = [_Course(job, job.edge, job.legs) for job in jobs]
    heap = list[tuple[float, int]]()
    free = {edge: [0.0] * count for edge, count in slots.items() if count}
    for number, course in enumerate(courses):
        course.spent.send_s = course.spent.ended_s = course.job.fetch_s
        if _runs_alone(course, free):
            _alone(course)
        elif _goes_out(course):
            heapq.heappush(heap, (course.spent.ended_s, number))
    while heap:
        arrived, number = heapq.heappop(heap)
        course = courses[number]
        if _visit(course, arrived, free.get(course.edge)) and _goes_out(course):
            heapq.heappush(heap, (course.spent.ended_s, number))
    return [course.spent for course in courses]


def _runs_alone(course: _Course, free: Mapping[str, list[float]]) -> bool:
    """Whether nobody can be in its way."""
    visited = {course.edge, *(hop.edge for hop in course.job.hops)}
    return not course.legs or course.legs[0].edge_s == 0 or not visited & free.keys()


def _alone(course: _Course) -> None:
    """Without events: as if each batch found its server free."""
    while _goes_out(course):
        _visit(course, course.spent.ended_s, None)


def _goes_out(course: _Course) -> bool:
    """The way of the next batch to the server; False where the round is over for this client, and what that takes."""
    spent, job = course.spent, course.job
    if job.ends_after is not None and spent.batches >= job.ends_after:
        spent.vanished = True
        return False
    if course.at >= len(course.legs):
        spent.send_s += job.give_s
        spent.ended_s += job.give_s
        return False
    legs = course.legs[course.at]
    spent.compute_s += legs.forward_s
    spent.send_s += legs.up_s
    spent.ended_s += legs.forward_s + legs.up_s
    return True


def _visit(course: _Course, arrived: float, free: list[float] | None) -> bool:
    """The batch at the server, and the way back."""
    spent, legs = course.spent, course.legs[course.at]
    begun = arrived
    if free is not None and legs.edge_s:
        begun = max(arrived, free[0])
        heapq.heapreplace(free, begun + legs.edge_s)
    spent.queue_s += begun - arrived
    spent.edge_s += legs.edge_s
    spent.ended_s = begun + legs.edge_s
    spent.batches += 1
    while course.hops < len(course.job.hops) and (hop := course.job.hops[course.hops]).after == course.at:
        _hop(course, hop)
        if hop.restarts:
            return True
    spent.send_s += legs.down_s
    spent.compute_s += legs.backward_s
    spent.ended_s += legs.down_s + legs.backward_s
    course.at += 1
    return True


def _hop(course: _Course, hop: Hop) -> None:
    course.hops += 1
    course.edge, course.legs = hop.edge, hop.legs or course.legs
    course.spent.moved_s += hop.seconds
    course.spent.moves_s.append(hop.seconds)
    course.spent.ended_s += hop.seconds
    if hop.restarts:
        course.at = 0
