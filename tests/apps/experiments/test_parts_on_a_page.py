"""The page of a run says which part stands on which board, and how it is reached; a device's page, whether others may connect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.devices.models import Device
from apps.experiments.models import Run, Status
from tests.apps.boards import Board
from tests.apps.cast import Cast
from tests.apps.experiments.test_hostings import DATA, House, ordered, says


@pytest.fixture
def house(cast: Cast, tmp_path: Path, settings: Any) -> House:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    cache.clear()
    names = ("pi", "rack", "cloud")
    made = House(*(Board.joined(cast.alice, cast.team, name=name, instance=f"instance-{name}") for name in names))
    Device.objects.exclude(name="pi").update(tier="edge")
    made.beat()
    return made


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_each_part_has_its_board_its_state_and_how_it_is_reached(cast: Cast, client: Client, house: House) -> None:
    client.force_login(cast.victor)
    run = ordered(house.lead, house.rack, house.cloud)
    assert text(client, f"/runs/{run.pk}/parts/").count("not asked yet") == 2
    house.lead.claim()
    says(house.rack, house.rack.claim().json(), "serving")
    page = text(client, f"/runs/{run.pk}/")
    assert "Where its parts stand" in page and "directly, 10.0.0.5, port 7443" in page and "AB:AB:AB" in page
    assert "serves" in page and "being made ready" in page and f"/devices/{house.rack.device.pk}/" in page
    assert "--part" not in page and "--where" not in page, "a terminal leads no boards"
    Run.objects.filter(pk=run.pk).update(status=Status.FINISHED)
    assert "serves" not in text(client, f"/runs/{run.pk}/parts/") and "every 3s" not in text(client, f"/runs/{run.pk}/parts/")


def test_a_run_in_one_place_has_no_such_card(cast: Cast, client: Client) -> None:
    client.force_login(cast.victor)
    assert "Where its parts stand" not in text(client, f"/runs/{cast.run().pk}/")


@pytest.mark.parametrize(("data", "tier", "said"), [
    (DATA, "edge", "7443, open to other boards while a run needs it"), (DATA, "device", "only a board of tier edge or cloud"),
    ({}, "edge", "start its agent with --data-port"), (None, "edge", "too old to run parts of a plan")])
def test_a_device_says_whether_others_may_connect(
    cast: Cast, client: Client, house: House, data: Any, tier: str, said: str,
) -> None:
    client.force_login(cast.victor)
    Device.objects.filter(pk=house.rack.device.pk).update(tier=tier)
    house.rack.beat(**({"data": data} if data is not None else {"runtimes": {"python": "3.11"}}))
    page = text(client, f"/devices/{house.rack.device.pk}/")
    assert said in page and ("AB:AB:AB" in page) == (tier == "edge" and bool(data))
    assert "10.0.0.5" not in page, "addresses are for who administers it"
