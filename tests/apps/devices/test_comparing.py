"""Devices side by side: bars and table where they have the same blocks, the whole alone where not, and what differs is named."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from apps.devices.models import Device
from tests.apps.cast import Cast
from tests.apps.devices.profiled import keep, network


@pytest.fixture
def boards(cast: Cast) -> list[Device]:
    return [Device.objects.create(team=cast.team, name=name) for name in ("pi4", "nano", "vm")]


@pytest.fixture
def victor(cast: Cast, client: Client) -> Client:
    client.force_login(cast.victor)
    return client


def address(boards: list[Device], query: str = "network=small", name: str = "") -> str:
    return f"/devices/compare/{name}?{query}" + "".join(f"&device={board.pk}" for board in boards)


def test_times_are_held_against_the_reference_that_the_address_names(boards: list[Device], victor: Client) -> None:
    keep(boards[0])
    keep(boards[1], network((0.001, 0.003, 0.0005)))
    page = victor.get(address(boards[:2])).content.decode()
    assert "0.500×" in page and "held against pi4" in page and "Not like with like" not in page
    page = victor.get(address(boards[:2], f"network=small&reference={boards[1].pk}")).content.decode()
    assert "held against nano" in page and ">2×<" in page


def test_a_network_alone_takes_the_devices_that_know_it(boards: list[Device], victor: Client) -> None:
    keep(boards[0])
    keep(boards[2])
    page = victor.get("/devices/compare/?network=small").content.decode()
    assert "pi4" in page and "vm" in page and f"/devices/{boards[1].pk}/" not in page


def test_the_one_network_that_all_know_is_taken_by_itself(boards: list[Device], victor: Client) -> None:
    for board in boards[:2]:
        keep(board)
    keep(boards[0], network(network="another"))
    assert "small, device by device" in victor.get(address(boards[:2], "")).content.decode()


def test_what_is_not_like_with_like_is_named_and_predictions_look_otherwise(boards: list[Device], victor: Client) -> None:
    keep(boards[0])
    keep(boards[1], network(threads=4, origin="predicted"))
    page = victor.get(address(boards[:2])).content.decode()
    assert "Not like with like." in page and "with different numbers of threads: pi4: 1; nano: 4" in page
    assert "Not everything here was measured: nano (predicted)." in page
    assert "is-predicted" in page and page.count('class="predicted"') == 5 and '"nano": "predicted"' in page


def test_noisy_times_that_are_alike_are_called_noisy_alone(boards: list[Device], victor: Client) -> None:
    for board in boards[:2]:
        keep(board, network(noisy=True))
    page = victor.get(address(boards[:2])).content.decode()
    assert "Not like with like" not in page and "Noisy timing.</b> Other work disturbed the times of pi4, nano" in page
    assert "by the network in one piece" in page


def test_blocks_that_are_cut_otherwise_leave_only_the_whole(boards: list[Device], victor: Client) -> None:
    keep(boards[0])
    keep(boards[1], network((0.004, 0.001), (("stem.conv", "add"), ("head.fc", "head.fc"))))
    page = victor.get(address(boards[:2])).content.decode()
    assert "cannot be compared one by one" in page and "page-config" not in page and 'id="lines"' not in page
    assert "0.556×" in page, "the whole is compared all the same"


def test_a_device_that_does_not_know_the_network_is_named(boards: list[Device], victor: Client) -> None:
    keep(boards[0])
    page = victor.get(address(boards[:2])).content.decode()
    assert "Nothing is known of small on" in page and "nano" in page


@pytest.mark.parametrize(("query", "said"), [
    ("", "Tick devices in the list"), ("network=unknown", "is not known block by block"),
])
def test_nothing_to_compare_says_the_way(victor: Client, query: str, said: str) -> None:
    assert said in victor.get(f"/devices/compare/?{query}").content.decode()


def test_more_than_eight_are_refused(cast: Cast, victor: Client) -> None:
    many = [Device.objects.create(team=cast.team, name=f"board {at}") for at in range(9)]
    answer = victor.get(address(many))
    assert answer.status_code == 422 and "At most 8 devices" in answer.content.decode()


def test_the_table_leaves_as_csv_with_all_that_the_times_depend_on(boards: list[Device], victor: Client) -> None:
    keep(boards[0])
    keep(boards[1], network((0.001, 0.003, 0.0005), origin="predicted"))
    rows = list(csv.DictReader(io.StringIO(victor.get(address(boards[:2], name="table.csv")).getvalue().decode())))
    assert len(rows) == 10
    (whole,) = [row for row in rows if row["device"] == "nano" and row["block"] == "all"]
    assert (float(whole["times_of_reference"]), whole["origin"], whole["engine"]) == (0.5, "predicted", "onnxruntime")
    assert victor.get("/devices/compare/table.csv").status_code == 404


def test_what_was_picked_of_another_team_is_not_there(cast: Cast, boards: list[Device], client: Client) -> None:
    client.force_login(cast.mallory)
    assert client.get(address(boards[:1])).status_code == 404


def test_the_queries_do_not_grow_with_the_devices(
    cast: Cast, boards: list[Device], victor: Client, django_assert_max_num_queries: object,
) -> None:
    for board in boards:
        keep(board)
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        victor.get(address(boards))
