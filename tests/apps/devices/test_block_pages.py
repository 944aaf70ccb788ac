"""The page of a profile, and the newest ones on their device's page: what the numbers are and depend on is always said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device, Profile
from tests.apps.cast import Cast
from tests.apps.devices.profiled import keep, network


@pytest.fixture
def board(cast: Cast) -> Device:
    return Device.objects.create(team=cast.team, name="pi4")


def seen(client: Client, cast: Cast, path: str) -> str:
    client.force_login(cast.victor)
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def path_of(profile: Profile, query: str = "") -> str:
    return f"/devices/{profile.device_id}/profiles/{profile.pk}/{query}"


def test_it_tells_each_block_and_all_that_the_times_depend_on(cast: Cast, board: Device, client: Client) -> None:
    said = seen(client, cast, path_of(keep(board, network(repeats=30))))
    for words in ("small on pi4", "block.conv1 … add", "1.80 to 2.40", "22.2\u00a0%", "onnxruntime · 1 thread · batch 1",
                  "measured", "abababababab", ">30<", "9.00 ms"):
        assert words in said, words


@pytest.mark.parametrize(("origin", "said"), [
    ("predicted", "Predicted, not measured."), ("emulated", "Another machine stood in for this device."),
])
def test_what_was_not_measured_is_said_and_looks_otherwise(
    cast: Cast, board: Device, client: Client, origin: Any, said: str,
) -> None:
    page = seen(client, cast, path_of(keep(board, network(origin=origin))))
    assert said in page and f"times are {origin}" in page and page.count('class="predicted"') == 5


def test_noise_is_said(cast: Cast, board: Device, client: Client) -> None:
    said = seen(client, cast, path_of(keep(board, network(noisy=True))))
    assert "they are not to be built on" in said
    assert "noisy timing" in said.split("<dt>whole network</dt>")[1].split("</div>")[0]


def test_the_order_and_the_chosen_block_stand_in_the_address(cast: Cast, board: Device, client: Client) -> None:
    page = seen(client, cast, path_of(keep(board), "?sort=ms&down=on&block=2"))
    assert page.index('data-block="2"') < page.index('data-block="1"') < page.index('data-block="3"')
    assert 'data-chosen="2"' in page and 'aria-sort="descending"' in page


def test_the_graph_is_asked_for_only_where_the_network_is_a_variant(cast: Cast, board: Device, client: Client) -> None:
    variant = uuid4()
    assert "graph.svg" not in seen(client, cast, path_of(keep(board)))
    assert f"/models/variants/{variant}/graph.svg" in seen(client, cast, path_of(keep(board, variant=variant)))


def test_a_profile_stands_on_the_page_of_its_own_device_only(cast: Cast, board: Device, client: Client) -> None:
    other = Device.objects.create(team=cast.team, name="other")
    client.force_login(cast.victor)
    assert client.get(f"/devices/{other.pk}/profiles/{keep(board).pk}/").status_code == 404


def test_other_devices_with_the_same_network_can_be_ticked(cast: Cast, board: Device, client: Client) -> None:
    keep(nano := Device.objects.create(team=cast.team, name="nano"))
    keep(Device.objects.create(team=cast.team, name="elsewhere"), network(network="another"))
    page = seen(client, cast, path_of(keep(board)))
    assert f'value="{nano.pk}" checked' in page and "elsewhere" not in page


def test_of_each_network_the_newest_stands_on_the_device(cast: Cast, board: Device, client: Client) -> None:
    old, new = keep(board, network((1.0, 1.0, 1.0))), keep(board)
    Profile.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=1))
    keep(board, network(network="another", origin="predicted"))
    page = seen(client, cast, f"/devices/{board.pk}/profiles/newest/")
    assert path_of(new) in page and path_of(old) not in page and "the newest of 2" in page and "predicted" in page
    assert page.index("another") < page.index("small")


def test_a_network_is_held_against_the_devices_that_know_it(cast: Cast, board: Device, client: Client) -> None:
    keep(board)
    assert "against" not in seen(client, cast, f"/devices/{board.pk}/profiles/newest/")
    keep(nano := Device.objects.create(team=cast.team, name="nano"))
    keep(Device.objects.create(team=cast.team, name="elsewhere"), network(network="another"))
    page = seen(client, cast, f"/devices/{board.pk}/profiles/newest/")
    assert f'?network=small&amp;device={board.pk}&amp;device={nano.pk}">against 1 other</a>' in page


def test_a_device_of_which_nothing_is_known_says_how_that_changes(cast: Cast, board: Device, client: Client) -> None:
    assert "A run of Layers measures one" in seen(client, cast, f"/devices/{board.pk}/profiles/newest/")


def test_a_profile_of_thousands_of_blocks_comes_by_page(cast: Cast, board: Device, client: Client) -> None:
    spans = tuple((f"layer.{at}", f"layer.{at}") for at in range(600))
    page = seen(client, cast, path_of(keep(board, network((0.001,) * 600, spans)), "?page=3"))
    assert page.count("data-block=") == 100 and "page 3 of 3" in page
