"""A round of one way on the clock: who spends what on what, when the round is over, and whom it is over without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.federated.clock import Hop, Job, Spent, round_times
from worker.federated.timing import Legs
from worker.federated.trial import Trial
from worker.federated.ways import OnMove, Way


@dataclass(frozen=True)
class Moving:
    """A client's move behind batch `after` (from 0) to another edge server. `moved_bytes`: what its state is on the way."""

    client: str
    after: int
    edge: str
    moved_bytes: int


@dataclass(frozen=True)
class Between:
    """The link between edge servers, and how long a client that is waited for stays away."""

    mbps: float
    latency_ms: float
    away_s: float

    def seconds(self, size_bytes: float) -> float:
        """A message there and its short answer back."""
        return 2 * self.latency_ms / 1e3 + 8 * size_bytes / (self.mbps * 1e6)


@dataclass(frozen=True)
class Takes:
    """A round on the clock. `cuts` and `spent` by client, in the fleet's order of those who take part; `seconds`: until the
    server has what it waits for; `late`: whose weights came too late or never."""

    way: str
    clients: tuple[int, ...]
    cuts: tuple[int, ...]
    spent: tuple[Spent, ...]
    seconds: float
    late: frozenset[int]

    @property
    def waits(self) -> float:
        """Which share of the round a client waits for others, in the mean over those that were in time: the stragglers' share.
        Who is alone waits for nobody."""
        own = [spent.ended_s for number, spent in zip(self.clients, self.spent, strict=True) if number not in self.late]
        return 1 - sum(own) / (len(own) * self.seconds) if len(self.clients) > 1 and own and self.seconds else 0.0


def takes(way: Way, cuts: Sequence[int], trial: Trial, present: Sequence[int], sizes: Mapping[int, Sequence[int]],
          moves: Sequence[Moving], between: Between, vanished: Mapping[int, int], patience: float) -> Takes:
    """`cuts`: of every client; `present`: the numbers of those that take part; `sizes`: of each one's batches; `vanished`: behind
    which batch one does.

    The server waits for `patience` times what the slowest was predicted to take, and then goes on without who is missing.
    """
    jobs = [_job(way.on_move, trial, number, cuts[number], sizes[number], moves, between) for number in present]
    fair = round_times(jobs, trial.slots)
    spent = fair if not vanished else round_times(
        [_vanishing(job, vanished.get(number)) for number, job in zip(present, jobs, strict=True)], trial.slots)
    until = patience * max((each.ended_s for each in fair), default=0.0)
    late = frozenset(number for number, each in zip(present, spent, strict=True) if each.vanished or each.ended_s > until)
    in_time = [each.ended_s for number, each in zip(present, spent, strict=True) if number not in late]
    seconds = until if late else max(in_time, default=0.0)
    return Takes(way.name, tuple(present), tuple(cuts[number] for number in present), tuple(spent), seconds, late)


def _vanishing(job: Job, after: int | None) -> Job:
    return job if after is None else Job(job.client, job.edge, job.legs, job.fetch_s, job.give_s, job.hops, after)


def _job(on_move: OnMove, trial: Trial, number: int, cut: int, sizes: Sequence[int], moves: Sequence[Moving],
         between: Between) -> Job:
    who, place = trial.fleet.clients[number], trial.places[cut]
    carried = trial.weights_s(number, place)
    own = [] if place.is_whole or on_move == "stays" else [move for move in moves if move.client == who.name]
    return Job(who.name, who.edge, _legs(trial, number, cut, sizes, who.edge), carried, carried,
               tuple(_hop(on_move, trial, number, cut, sizes, move, between) for move in own))


def _legs(trial: Trial, number: int, cut: int, sizes: Sequence[int], edge: str) -> tuple[Legs, ...]:
    by_size = {size: trial.legs(number, cut, size, edge) for size in set(sizes)}
    return tuple(by_size[size] for size in sizes)


def _hop(on_move: OnMove, trial: Trial, number: int, cut: int, sizes: Sequence[int], move: Moving, between: Between) -> Hop:
    if on_move == "waits":  # it comes back to where it was
        return Hop(move.after, trial.fleet.clients[number].edge, between.away_s)
    legs = _legs(trial, number, cut, sizes, move.edge)
    if on_move == "restarts":
        return Hop(move.after, move.edge, 0.0, restarts=True, legs=legs)
    return Hop(move.after, move.edge, between.seconds(move.moved_bytes), legs=legs)
