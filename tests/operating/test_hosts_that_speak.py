"""A worker's host says how it is, whether it works, and times its own yardstick while it is idle."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from apps.devices.models import Baseline, Device
from apps.experiments.models import Status
from tests.apps.cast import Cast
from worker.tasks import hosting

READ = {"median_ms": 0.5, "low_ms": 0.4, "high_ms": 0.6, "noisy": False}


@pytest.fixture
def here(cast: Cast) -> Device:
    return Device.objects.create(team=cast.team, name="this computer", host=settings.HOST, alerted=timezone.now())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "reading", lambda: READ)


def test_its_device_is_heard_with_health_and_runtimes(here: Device) -> None:
    hosting.tell()
    here.refresh_from_db()
    assert here.state == "online" and here.alerted is None
    assert here.runtimes["onnxruntime"] and here.health["free_memory_bytes"] > 0


def test_it_is_busy_while_any_of_its_workers_holds_a_run(here: Device, cast: Cast) -> None:
    run = cast.run(Status.RUNNING, worker=f"desk@{settings.HOST}")
    hosting.tell()
    here.refresh_from_db()
    assert here.state == "busy"
    run.status = Status.FINISHED
    run.save()
    hosting.tell()
    here.refresh_from_db()
    assert here.state == "online"


def test_the_yardstick_is_read_once_an_hour(here: Device, quick: None) -> None:
    assert hosting.measure_when_due() and not hosting.measure_when_due()
    Baseline.objects.update(at=timezone.now() - timedelta(hours=1, seconds=1))
    assert hosting.measure_when_due()
    assert [row.median_ms for row in here.baselines.all()] == [0.5, 0.5]


def test_it_is_not_read_beside_a_run(here: Device, quick: None, cast: Cast) -> None:
    cast.run(Status.RUNNING, worker=f"worker@{settings.HOST}")
    assert not hosting.measure_when_due()


def test_a_host_that_no_team_registered_measures_nothing(db: None, quick: Any) -> None:
    assert not hosting.measure_when_due() and not Baseline.objects.exists()


def test_a_reading_comes_from_a_process_of_its_own() -> None:
    found = hosting.reading()
    assert found and found["low_ms"] <= found["median_ms"] <= found["high_ms"]
