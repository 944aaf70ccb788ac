"""A run's newest checkpoint goes to object storage under the holder's token; the next holder starts from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.experiments import leases, recorder
from apps.experiments.models import Run
from tests.apps.cast import Cast
from tests.operating.store import Store
from worker.context import Checkpoints
from worker.tasks.trail import Trail


@pytest.fixture
def run(cast: Cast) -> Run:
    cast.run(queue="cpu")
    claimed = leases.claim(["cpu"], "worker@a")
    assert claimed
    return claimed


def on_host(settings: Any, tmp_path: Path, name: str) -> None:
    settings.RUNS = tmp_path / name


def train(run: Run, *steps: int) -> Checkpoints:
    """What a child does on this host."""
    kept = Checkpoints(recorder.folder(run) / "checkpoints")
    for step in steps:
        kept.save("train", step, f"weights {step}".encode(), {"epoch": step})
    return kept


def taken_over(run: Run) -> Run:
    leases.take_back(run, "its host died")
    again = leases.claim(["cpu"], "worker@b")
    assert again and again.pk == run.pk and again.token > run.token
    return again


def test_another_host_starts_from_the_newest_checkpoint(objects_in: Store, run: Run, settings: Any, tmp_path: Path) -> None:
    on_host(settings, tmp_path, "a")
    trail = Trail(run)
    for step in (1, 2, 3):
        train(run, step)
        trail.leave()
    trail.end(finished=False)
    assert sum(name.endswith(".ckpt") for name in objects_in.names("runs/")) == 1, "the newest only"
    on_host(settings, tmp_path, "b")
    Trail(taken_over(run)).follow()
    assert train(run).last("train") == (3, b"weights 3", {"epoch": 3})


def test_a_holder_that_was_given_up_leaves_nothing_that_counts(
    objects_in: Store, run: Run, settings: Any, tmp_path: Path,
) -> None:
    on_host(settings, tmp_path, "a")
    zombie = Trail(run)
    train(run, 1)
    zombie.leave()
    zombie.end(finished=False)
    second = taken_over(run)
    on_host(settings, tmp_path, "b")
    new = Trail(second)
    new.follow()
    train(second, 2)
    new.leave()
    new.end(finished=False)
    on_host(settings, tmp_path, "a")
    train(run, 9)
    late = Trail(run)
    late.leave()
    late.end(finished=False)
    on_host(settings, tmp_path, "c")
    Trail(taken_over(second)).follow()
    found = train(second).last("train")
    assert found and found[0] == 2


def test_a_finished_run_leaves_no_trail(objects_in: Store, run: Run, settings: Any, tmp_path: Path) -> None:
    on_host(settings, tmp_path, "a")
    trail = Trail(run)
    train(run, 1)
    trail.leave()
    trail.end(finished=True)
    assert objects_in.names("runs/") == []


def test_a_store_that_is_away_stops_no_run(objects_in: Store, run: Run, settings: Any, tmp_path: Path) -> None:
    on_host(settings, tmp_path, "a")
    settings.STORAGES = settings.STORAGES | {"default": {
        "BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": objects_in.options() | {"endpoint_url": "http://127.0.0.1:1"}}}
    trail = Trail(run)
    train(run, 1)
    trail.leave()
    trail.end(finished=False)


def test_on_one_host_nothing_is_sent(run: Run, settings: Any, tmp_path: Path) -> None:
    on_host(settings, tmp_path, "a")
    trail = Trail(run)
    trail.follow()
    trail.leave()
    trail.end(finished=True)
    assert trail._thread is None
