"""A machine of paper: its clock moves when it is told to, and its sensors say what the test wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from worker.profiling.instruments import TICKS_PER_S, Instruments
from worker.profiling.sensors import Reading, Ticks


@dataclass
class Paper:
    """`passes(ms)` is an inference that takes so long; `stolen` makes wall time pass without CPU time."""

    now_ns: int = 0
    cpu_ns: int = 0
    stolen: float = 1.0
    readings: Callable[[float], Reading] = field(default=lambda seconds: Reading())
    slept: list[float] = field(default_factory=list)

    @property
    def instruments(self) -> Instruments:
        return Instruments(wall_ns=lambda: self.now_ns, cpu_ns=lambda: self.cpu_ns, sleep=self.sleep,
                           read=lambda: self.readings(self.now_ns / 1e9), processors=lambda: 2)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_ns += round(seconds * 1e9)

    def passes(self, *every_ms: float) -> Callable[[], None]:
        """An inference that takes these times in turn, and the last of them ever after."""
        times: Iterator[float] = iter(every_ms)
        last = every_ms[-1]

        def call() -> None:
            spent = round(next(times, last) * 1e6)
            self.now_ns += round(spent * self.stolen)
            self.cpu_ns += spent

        return call


def busy(processors: float) -> Callable[[float], Reading]:
    """A machine of two processors of which other work keeps so many busy."""
    return lambda seconds: Reading(ticks=Ticks(round(processors * seconds * TICKS_PER_S), round(2 * seconds * TICKS_PER_S)))
