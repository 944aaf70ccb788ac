"""Driving the hosts of a plan from the first one on: an image in, the answer and everybody's stamps out; again where one broke.

    hosts = Local(...)                       # or whatever else knows where the parts stand
    with Chain(hosts, first=array, most_bytes=1 << 20) as chain:
        found = yield from chain.image(0, array)

Where the hosts are is not known here: anything with `route` and `became` will do.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from numpy.typing import NDArray

from worker.events import Log
from worker.links.faults import LinkFault
from worker.links.frames import Frame
from worker.links.wire import Wire
from worker.partitioning.slicing.faults import Broke, GaveUp
from worker.partitioning.slicing.serving import ALONE, BROKE, INPUT, OPEN, OUTPUT, RUN, longer
from worker.partitioning.slicing.setup import Stop

# So often in a row without an answer; an answer between counts anew.
TRIES = 3
Array = NDArray[Any]


class Hosts(Protocol):
    """Where the parts of a plan stand."""

    @property
    def names(self) -> Sequence[str]:
        """Of the parts, in order."""

    def route(self) -> Sequence[Stop]:
        """Where each part is reached from the one before, the first from here. What died is started again. GaveUp where a
        part cannot be had any more."""

    def became(self, part: int, why: str) -> str:
        """The same `why`, or better what is known of that part's process. It is in nobody's way from then on."""


@dataclass(frozen=True)
class Stamps:
    """Of one part and one image, nanoseconds by the driver's clock; bytes of what it sent on, none of the last part."""

    received_ns: int
    began_ns: int
    ended_ns: int
    sent_ns: int | None = None
    sent_bytes: int | None = None
    tensor_bytes: int | None = None


@dataclass(frozen=True)
class Ran:
    answer: Array
    stamps: tuple[Stamps, ...]


@dataclass(frozen=True)
class About:
    """A part's host, as it told. `ahead_ns`: of its clock before the first part's, give or take `within_ns`."""

    part: int
    pid: int
    runtime: str
    threads: int
    machine: str
    ahead_ns: int
    within_ns: int


class Chain:
    """`patience_s`: how long a part may be silent. `first`: an array that each part is given once whenever the chain is made
    anew, so that nobody's first pass is timed."""

    def __init__(self, hosts: Hosts, *, first: Array, most_bytes: int, patience_s: float = 30.0) -> None:
        self._hosts, self._first, self._most_bytes, self._patience_s = hosts, first, most_bytes, patience_s
        self._wire: Wire | None = None
        self.abouts: tuple[About, ...] = ()
        self.restarts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def opened(self) -> Generator[Log, None, tuple[About, ...]]:
        """Make the chain where it is not there, and tell who is in it."""
        yield from self._kept(None)
        return self.abouts

    def image(self, number: int, given: Array) -> Generator[Log, None, Ran]:
        """One image through all parts; GaveUp where that cannot be had."""
        said = yield from self._kept(Frame(RUN, {"image": number}, {INPUT: given}))
        assert said is not None
        return Ran(said.tensors[OUTPUT], tuple(self._stamps(part, each) for part, each in enumerate(said.facts["stamps"])))

    def alone(self, part: int, repeats: int, seconds: float) -> Generator[Log, None, list[int]]:
        """Nanoseconds of each pass of that part alone in its process, on the last image."""
        said = yield from self._kept(Frame(ALONE, {"part": part, "repeats": repeats, "seconds": seconds}))
        assert said is not None
        return [int(each) for each in said.facts["samples_ns"]]

    def _kept(self, frame: Frame | None) -> Generator[Log, None, Frame | None]:
        """The answer to a frame, whatever breaks meanwhile, within bounds."""
        for attempt in range(1, TRIES + 1):
            try:
                wire = self._open()
                return _asked(wire, frame) if frame else None
            except Broke as broke:
                self._leave()
                why = self._told(broke)
                if broke.for_good or attempt == TRIES:
                    raise GaveUp(f"{why} {'' if broke.for_good else f'That was try {TRIES} of {TRIES}.'}".strip()) from broke
                self.restarts += 1
                yield Log(level="warning", message=f"{why} Connecting again, try {attempt + 1} of {TRIES}."[:2000])
        return None

    def _told(self, broke: Broke) -> str:
        names = self._hosts.names
        name = names[min(broke.part, len(names)) - 1]
        why = broke.why if broke.for_good else self._hosts.became(broke.part, broke.why)
        return f"Part {broke.part}, {name}: {why}"

    def _open(self) -> Wire:
        if self._wire is not None:
            return self._wire
        first, *rest = self._hosts.route()
        patience_s = longer(self._patience_s, len(rest) + 1)
        try:
            self._wire = first.reach(patience_s, self._most_bytes)
        except LinkFault as fault:
            raise Broke(1, str(fault)) from fault
        route = [stop.as_facts() for stop in rest]
        said = _asked(self._wire, Frame(OPEN, {"route": route, "patience_s": self._patience_s}))
        self.abouts = _abouts(said.facts)
        _asked(self._wire, Frame(RUN, {"image": -1}, {INPUT: self._first}))
        return self._wire

    def _leave(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _stamps(self, place: int, said: dict[str, Any]) -> Stamps:
        ahead_ns = self.abouts[place].ahead_ns
        times = {name: said[name] - ahead_ns for name in ("received_ns", "began_ns", "ended_ns", "sent_ns") if name in said}
        return Stamps(**times, sent_bytes=said.get("sent_bytes"), tensor_bytes=said.get("tensor_bytes"))


def _asked(wire: Wire, frame: Frame) -> Frame:
    """One question; Broke where there is no answer, or where one part has none."""
    try:
        wire.send(frame)
        said = wire.receive()
    except LinkFault as fault:
        raise Broke(1, str(fault)) from fault
    if said.kind == BROKE:
        raise Broke(int(said.facts["part"]), str(said.facts["why"]), for_good=bool(said.facts["for_good"]),
                    detail=str(said.facts.get("detail", "")))
    return said


def _abouts(facts: dict[str, Any]) -> tuple[About, ...]:
    """Each one's clock against the first's: what lies between two neighbours adds up, and so does what nobody knows of it."""
    ahead_ns = within_ns = 0
    found = []
    for about, clock in zip(facts["parts"], [{"ahead_ns": 0, "within_ns": 0}, *facts["clocks"]], strict=True):
        ahead_ns, within_ns = ahead_ns + clock["ahead_ns"], within_ns + clock["within_ns"]
        found.append(About(**about, ahead_ns=ahead_ns, within_ns=within_ns))
    return tuple(found)
