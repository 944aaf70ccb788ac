"""Writing a cache is part of the time that a training takes, whichever attempt wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.training.local.conftest import Run
from worker.datasets import digits
from worker.events import Finished, Metric
from worker.training.local.cache import Caches


def written(caches: Caches, block: int) -> None:
    list(caches.write(block, lambda samples: samples, (1, 8, 8), 64))


def test_the_time_of_a_cache_holds_that_of_all_before_it_and_outlives_them(tmp_path: Path) -> None:
    caches = Caches(tmp_path, digits.small())
    assert caches.seconds(0) == 0
    written(caches, 1)
    first = caches.seconds(1)
    written(caches, 2)
    assert 0 < first < caches.seconds(2)
    assert not caches.has(1)
    assert Caches(tmp_path, caches.data).seconds(2) == caches.seconds(2)


def test_a_run_counts_what_its_caches_took(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Caches, "seconds", lambda self, block: 1000.0 * block)
    events = run(tmp_path / "run")
    steps = [event.step or 0 for event in events if isinstance(event, Metric) and event.name == "accuracy_over_milliseconds"]
    assert [step >= 1_000_000 for step in steps] == [False, False, True, True]
    assert isinstance(events[-1], Finished) and events[-1].summary["train_seconds"] >= 1000
