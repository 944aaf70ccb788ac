"""Drift: the yardstick's newest readings beside the first ones, quiet readings before disturbed ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.devices.drift import FEWEST, FIRST, LAST, drifts, ends, points
from apps.devices.models import Baseline, Device
from tests.apps.cast import Cast


@pytest.fixture
def board(cast: Cast) -> Device:
    return Device.objects.create(team=cast.team, name="board", last_seen=timezone.now())


def read(device: Device, *medians: float, noisy: tuple[int, ...] = ()) -> None:
    begun = timezone.now() - timedelta(hours=len(medians))
    Baseline.objects.bulk_create(Baseline(device=device, at=begun + timedelta(hours=place), median_ms=value, noisy=place in noisy)
                                 for place, value in enumerate(medians))


def test_a_device_that_became_slower_says_by_how_much(board: Device, client: Client, cast: Cast) -> None:
    read(board, *[2.0] * FIRST, *[9.0] * 40, *[2.5] * 3)
    found = drifts([board.pk])[board.pk]
    assert (found.first_ms, found.now_ms, found.words) == (2.0, 2.5, "25\u00a0% slower")
    client.force_login(cast.victor)
    assert "25\u00a0% slower" in client.get("/devices/").content.decode()
    page = client.get(f"/devices/{board.pk}/").content.decode()
    assert "2.50 ms, 2 ms at first" in page and 'id="points"' in page
    assert client.get(f"/api/devices/{board.pk}").json()["drift"] == 0.25
    newest = client.get(f"/api/devices/{board.pk}/baselines?page_size=1").json()
    assert newest["total"] == FIRST + 43 and newest["items"][0]["median_ms"] == 2.5


def test_within_the_noise_it_is_steady_and_faster_is_said_too(board: Device) -> None:
    read(board, *[2.0] * FIRST, *[2.05] * 3)
    assert drifts([board.pk])[board.pk].words == "steady"
    read(board, *[1.0] * 3)
    Baseline.objects.filter(median_ms=2.05).delete()
    assert drifts([board.pk])[board.pk].words == "50\u00a0% faster"


def test_disturbed_readings_count_only_where_there_are_no_others(board: Device) -> None:
    read(board, *[2.0] * FIRST, 2.0, 9.0, 9.0, noisy=(FIRST + 1, FIRST + 2))
    found = drifts([board.pk])[board.pk]
    assert found.now_ms == 2.0 and not found.is_noisy
    Baseline.objects.filter(device=board).update(noisy=True)
    assert drifts([board.pk])[board.pk].is_noisy


def test_a_new_device_says_nothing_yet(board: Device) -> None:
    read(board, *[2.0] * (FEWEST - 1))
    assert drifts([board.pk]) == {} and len(points(board.pk)) == FEWEST - 1


def test_of_many_readings_only_the_first_and_the_last_are_read(cast: Cast, board: Device) -> None:
    devices = [board, *(Device.objects.create(team=cast.team, name=f"board {number}") for number in range(3))]
    read_of = {device.pk: [2 + number + 0.001 * place for place in range(500)] for number, device in enumerate(devices)}
    for device in devices:
        read(device, *read_of[device.pk])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE devices_baseline")
    assert {pk: (found.first_ms, found.now_ms) for pk, found in drifts(list(read_of)).items()} == {
        pk: (pytest.approx(median(every[:FIRST])), every[-2]) for pk, every in read_of.items()}
    plan = json.loads(ends(list(read_of)).explain(analyze=True, format="json"))[0]["Plan"]
    assert sum(scans(plan)) == len(devices) * (FIRST + LAST)


def scans(plan: dict[str, Any]) -> Iterator[float]:
    """How many readings each scan took from the table."""
    if plan.get("Relation Name") == "devices_baseline":
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for each in plan.get("Plans", []):
        yield from scans(each)
