"""A predicted profile never stands where a measured one could, and says its error where it stands alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device, Profile
from apps.devices.profiles import newest
from tests.apps.cast import Cast
from tests.apps.devices.profiled import keep, network

MARK = "predicted ±18\u00a0%"


@pytest.fixture
def board(cast: Cast) -> Device:
    return Device.objects.create(team=cast.team, name="pi4")


def predicted(board: Device) -> Profile:
    return keep(board, network(seconds=(0.1, 0.2, 0.3), origin="predicted", predicted_within=0.18))


@pytest.mark.parametrize(("left_out", "said"), [(6, ", the worst of 6 left out"), (20, ""), (None, "")])
def test_few_left_out_sums_behind_an_error_are_said_beside_it(
        cast: Cast, board: Device, client: Client, left_out: int | None, said: str) -> None:
    client.force_login(cast.victor)
    told = keep(board, network(seconds=(0.1, 0.2, 0.3), origin="predicted", predicted_within=0.18, predicted_from=left_out))
    for address in (f"/devices/{board.pk}/profiles/newest/", f"/devices/{board.pk}/profiles/{told.pk}/"):
        assert f"{MARK}{said}<" in client.get(address).content.decode()


def older(profile: Profile) -> Profile:
    Profile.objects.filter(pk=profile.pk).update(created=timezone.now() - timedelta(days=1))
    return profile


def test_a_measured_profile_counts_before_a_newer_predicted_one(cast: Cast, board: Device) -> None:
    measured = older(keep(board))
    guess, emulated = predicted(board), keep(board, network(network="other", origin="emulated"))
    keep(board, network(network="other", origin="predicted"))
    assert set(newest(cast.team, board)) == {measured, emulated}
    measured.delete()
    assert set(newest(cast.team, board)) == {guess, emulated}


def test_the_devices_page_shows_the_measured_one_and_else_the_error(cast: Cast, board: Device, client: Client) -> None:
    client.force_login(cast.victor)
    address = f"/devices/{board.pk}/profiles/newest/"
    predicted(board)
    page = client.get(address).content.decode()
    assert MARK in page and 'class="predicted"' in page
    older(keep(board))
    page = client.get(address).content.decode()
    assert MARK not in page and 'class="predicted"' not in page and "9.00 ms" in page


def test_the_page_of_the_profile_says_the_error_beside_the_sum(cast: Cast, board: Device, client: Client) -> None:
    client.force_login(cast.victor)
    assert MARK in client.get(f"/devices/{board.pk}/profiles/{predicted(board).pk}/").content.decode()


@pytest.mark.parametrize(("form", "status"), [("json", 200), ("yaml", 200), ("csv", 200), ("scission", 404)])
def test_no_file_takes_predicted_numbers_away_without_saying_so(
    cast: Cast, board: Device, client: Client, form: str, status: int,
) -> None:
    client.force_login(cast.victor)
    predicted(board)
    answer = client.get(f"/devices/{board.pk}/profiles/file/{form}")
    assert answer.status_code == status
    assert status == 404 or "predicted" in answer.content.decode()


def test_a_member_is_led_to_the_prefilled_form_and_a_viewer_is_not(cast: Cast, board: Device, client: Client) -> None:
    way = f"/experiments/new/benchmarking.prediction/?device={board.pk}"
    client.force_login(cast.victor)
    assert way not in client.get(f"/devices/{board.pk}/").content.decode()
    client.force_login(cast.mia)
    assert way in client.get(f"/devices/{board.pk}/").content.decode()
    assert f'value="{board.pk}" selected' in client.get(way).content.decode()
