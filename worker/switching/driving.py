"""A trace driven through a serving process in real time: requests go out when they are due, whatever became of those before.

What was seen of each second goes to the policy when the second is over. Seconds are kept as they end, so that a run that was
killed goes on with the second after: requests that waited then are sent again, in their order.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worker.switching.kept import Kept
from worker.switching.policy import Chooser, Decision, Window
from worker.switching.process import ANSWER, RESIDENT, SWAPPED, GaveUp, Heard, Process
from worker.switching.records import Record, Row, Swap, class_of
from worker.switching.traces import Second

MB = 1e6
# After the last second, for what still waits: nobody waits longer than this for a queue that never ends.
DRAIN_S = 60.0


@dataclass
class Course:
    """One trace with its requests: `moments` are when they come, in seconds; `images` are sent in turn."""

    trace: Sequence[Second]
    moments: Sequence[float]
    images: NDArray[np.float32]

    def within_ms(self, number: int) -> float:
        return self.trace[min(int(self.moments[number]), len(self.trace) - 1)].within_ms(self.images[:1].nbytes)

    def image(self, number: int) -> NDArray[np.float32]:
        place = number % len(self.images)
        return self.images[place:place + 1]


# What computations took, in ms, by network.
Passes = defaultdict[str, list[float]]


@dataclass(frozen=True)
class _Answer:
    arrived_ns: int
    began_ns: int
    ended_ns: int
    heard_ns: int


@dataclass
class _Asked:
    """A swap under way, or whose first answer is still to come. `answers`: of the network that it is to, since it was asked."""

    swap: Swap
    asked_ns: int
    pass_ns: float
    ready_ns: int = 0
    answers: list[_Answer] = field(default_factory=list)

    @property
    def overhead_ms(self) -> float | None:
        """From the trigger to its first answer, less what that takes and less the time in which no request was there."""
        first = next((each for each in self.answers if each.began_ns >= self.ready_ns), None)
        if first is None:
            return None
        usual_ns = min(self.pass_ns, first.ended_ns - first.began_ns)
        return (first.heard_ns - self.asked_ns - usual_ns - max(0, first.arrived_ns - self.ready_ns)) / 1e6


@dataclass
class Driver:
    """`policy`: None serves with the first network for good. `numbers`: in which order answers came, where that is asked for."""

    way: str
    course: Course
    process: Process
    serving: str
    policy: Chooser | None = None
    record: Record = field(init=False)

    def __post_init__(self) -> None:
        self.record = Record(self.way)
        self._sent = self._answered = 0
        self._due: deque[int] = deque()
        self._asked: dict[int, _Asked] = {}
        self._first: dict[str, _Asked] = {}
        self._last_ns = 0
        self._changed_s = 0.0

    def drive(self, kept: Kept) -> Generator[Row, None, Record]:
        """A row for each second, at its end, those that were kept too; a last one for what waited at the end."""
        yield from self._recalled(kept)
        begin = len(self.record.rows)
        self._origin_ns = time.monotonic_ns() - round(1e9 * begin)
        for second in range(begin, len(self.course.trace)):
            row = self._second(second)
            self._decide(row)
            self._keep(row, kept)
            yield row
        row = self._drained()
        if row.answered or row.serving_s:
            self.record.rows.append(row)
            yield row
        return self.record

    def _recalled(self, kept: Kept) -> Generator[Row, None, None]:
        for row in kept.rows():
            self.record.rows.append(row)
            self.serving = row.serving
            yield row
        self.record.swaps = kept.swaps()
        self._sent = self._answered = self.record.answered
        self._changed_s = float(len(self.record.rows))
        if self.policy and (state := kept.policy()):
            self.policy.load(state)
        if self.record.rows:
            self.process.swap(0, self.serving)

    def _keep(self, row: Row, kept: Kept) -> None:
        self.record.rows.append(row)
        kept.save(self.record, self.policy)

    def _now_s(self) -> float:
        return (time.monotonic_ns() - self._origin_ns) / 1e9

    def _second(self, second: int) -> Row:
        row, moments = Row(second), self.course.moments
        self.process.pace(self.course.trace[second].slower)
        self.process.ask_resident()
        passes = Passes(list)
        while (now := self._now_s()) < second + 1:
            while self._sent < len(moments) and moments[self._sent] <= now and moments[self._sent] < second + 1:
                self._request(row, second)
            upcoming = moments[self._sent] if self._sent < len(moments) else second + 1.0
            self._hear(row, passes, min(upcoming, second + 1.0) - self._now_s())
        while self._sent < len(moments) and moments[self._sent] < second + 1:
            self._request(row, second)
        row.waiting = self._sent - self._answered
        if passes:
            row.passed_by = max(passes, key=lambda name: len(passes[name]))
            row.pass_ms = sum(passes[row.passed_by]) / len(passes[row.passed_by])
        row.serving = self.serving
        self._stretch(row, second + 1.0)
        return row

    def _request(self, row: Row, second: int) -> None:
        """One that was sent before a run was killed is counted where it came at first."""
        row.arrived += self.course.moments[self._sent] >= second
        self.process.request(self._sent, self.course.image(self._sent))
        self._sent += 1

    def _hear(self, row: Row, passes: Passes, patience_s: float) -> None:
        heard = self.process.hear(max(0.0, patience_s))
        if heard is None:
            return
        if heard.frame.kind == ANSWER:
            self._answer(row, passes, heard)
        elif heard.frame.kind == SWAPPED:
            self._swapped(row, heard)
        elif heard.frame.kind == RESIDENT:
            row.resident_bytes = heard.frame.facts.get("resident_bytes", 0)

    def _answer(self, row: Row, passes: Passes, heard: Heard) -> None:
        facts = heard.frame.facts
        number, name = facts["number"], facts["variant"]
        if number != self._answered:
            raise GaveUp(f"Request {self._answered} was to be answered, and {number} was: the serving process lost the order.")
        self._answered += 1
        arrived_ns = self._origin_ns + round(1e9 * self.course.moments[number])
        latency_ms = (heard.at_ns - arrived_ns) / 1e6
        row.longest_ms = max(row.longest_ms, (heard.at_ns - max(self._last_ns, arrived_ns)) / 1e6)
        self._last_ns = heard.at_ns
        row.answered[name] += 1
        row.in_time[name] += latency_ms <= self.course.within_ms(number)
        row.latencies[class_of(latency_ms)] += 1
        passes[name].append((facts["ended_ns"] - facts["began_ns"]) / 1e6)
        if (asked := self._first.get(name)) is not None:
            asked.answers.append(_Answer(arrived_ns, facts["began_ns"], facts["ended_ns"], heard.at_ns))
            self._settle(asked)
        if name != self.serving:
            self._serves(row, name)

    def _swapped(self, row: Row, heard: Heard) -> None:
        """It serves from now on; nobody may have asked it anything yet."""
        facts = heard.frame.facts
        asked = self._asked.pop(facts["number"], None)
        if asked is None:
            return
        asked.ready_ns = facts["ready_ns"]
        asked.swap.prepared_ms = (facts["ready_ns"] - facts["begun_ns"]) / 1e6
        asked.swap.peak_bytes = facts["at_once"].get("resident_bytes", 0)
        self._settle(asked)
        if facts["to"] != self.serving:
            self._serves(row, facts["to"])

    def _settle(self, asked: _Asked) -> None:
        """Its first answer may be heard before the word that it is ready: then that one counts."""
        if asked.ready_ns and asked.overhead_ms is not None:
            asked.swap.overhead_ms = asked.overhead_ms
            self._first = {name: each for name, each in self._first.items() if each is not asked}

    def _serves(self, row: Row, name: str) -> None:
        """Another network does: the stretch of the one before is over."""
        self._stretch(row, min(self._now_s(), row.second + 1.0))
        self.serving = name

    def _stretch(self, row: Row, until_s: float) -> None:
        length = until_s - max(self._changed_s, float(row.second))
        if length > 0:
            row.serving_s.append((self.serving, length))
        self._changed_s = until_s

    def _decide(self, row: Row) -> None:
        if self.policy is None:
            return
        there = self.course.trace[row.second]
        decision = self.policy.step(seen(row, there, self.course.images[:1].nbytes))
        row.target, row.is_degraded = decision.target, decision.is_degraded
        if decision.to:
            row.trigger, row.changed_to = decision.trigger, decision.to
            self._ask(row, decision, 1e6 * self.policy.expected_ms(decision.to))

    def _ask(self, row: Row, decision: Decision, steady_ns: float) -> None:
        swap = Swap(row.second, decision.trigger, row.serving, decision.to, 0.0, 0)
        number = len(self.record.swaps) + 1
        asked = _Asked(swap, time.monotonic_ns(), steady_ns)
        self._asked[number], self._first = asked, {decision.to: asked}
        self.record.swaps.append(swap)
        self.process.swap(number, decision.to)

    def _drained(self) -> Row:
        """What waited at the end is answered too, as late as it is; what a run that was killed left unanswered as well."""
        row, passes = Row(len(self.course.trace)), Passes(list)
        while self._sent < len(self.course.moments):
            self._request(row, row.second)
        until = self._now_s() + DRAIN_S
        while (self._answered < self._sent or self._asked) and self._now_s() < until:
            self._hear(row, passes, 0.2)
        row.waiting, row.serving = self._sent - self._answered, self.serving
        return row


def seen(row: Row, there: Second, image_bytes: int) -> Window:
    """What the policy is told of a second."""
    free = None if there.free_mb is None else round(MB * there.free_mb)
    return Window(waiting=row.waiting, p95_ms=row.p95_ms, arrivals_per_s=float(row.arrived), free_bytes=free,
                  within_ms=there.within_ms(image_bytes), pass_ms=row.pass_ms, passed_by=row.passed_by)
