"""A disturbed measurement is made again, and the calmest of the tries is kept."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worker.context import Context
from worker.events import Measured
from worker.profiling import latency
from worker.profiling.stopwatch import Timing

CALM = Timing(np.full(12, 1_000_000, dtype=np.int64), wall_s=0.012, cpu_s=0.012)
STOLEN = Timing(np.full(12, 3_000_000, dtype=np.int64), wall_s=0.036, cpu_s=0.012)
WORSE = Timing(np.full(12, 9_000_000, dtype=np.int64), wall_s=0.108, cpu_s=0.012)


def tried(monkeypatch: pytest.MonkeyPatch, engine: str, *timings: Timing) -> tuple[int, float]:
    """How often it was measured when these timings come one after another, and the median that was kept."""
    left: Iterator[Timing] = iter(timings)

    def clock(calls: Any, plan: Any) -> Generator[float, None, dict[str, Timing]]:
        yield 0.5
        return {"net": next(left)}

    monkeypatch.setattr(latency, "clock", clock)
    work = latency._timed([], engine, batch=1, threads=1, plan=latency.QUICK)
    said = []
    while True:
        try:
            said.append(next(work))
        except StopIteration as end:
            return len(timings) - len(list(left)), Timing.from_facts(end.value["net"]).p50_ms


def test_a_calm_measurement_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tried(monkeypatch, latency.HEADLINE, CALM, CALM) == (1, 1.0)


def test_a_disturbed_one_is_made_again_until_it_is_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tried(monkeypatch, latency.HEADLINE, WORSE, STOLEN, CALM, CALM) == (3, 1.0)


def test_when_none_is_calm_the_calmest_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tried(monkeypatch, latency.HEADLINE, WORSE, STOLEN, WORSE, WORSE, CALM) == (4, 3.0)


def test_the_other_engine_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tried(monkeypatch, "torch", WORSE, CALM) == (1, 9.0)


@pytest.mark.parametrize(("timing", "noisy"), [(CALM, False), (STOLEN, True)])
def test_each_number_of_a_disturbed_timing_says_so(timing: Timing, noisy: bool, tmp_path: Path) -> None:
    said = latency._said("net", timing, latency.HEADLINE, batch=1, context=Context(tmp_path), file="samples.json")
    assert [event.noisy for event in said if isinstance(event, Measured)] == [noisy] * 3
