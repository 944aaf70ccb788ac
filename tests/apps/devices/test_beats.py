"""What a beat changes: when the device was heard, how it is, its state on the team's stream, a point of its yardstick."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from apps.devices.boards import crowd
from apps.devices.models import Baseline, Device
from apps.live.models import Event
from tests.apps.boards import Board
from tests.apps.cast import Cast

HEALTH = {"governor": "ondemand", "temperature_c": 51.5, "throttled": False, "free_memory_bytes": 10**9, "load1": 0.5,
          "clock_mhz": 1500, "swap_bytes": 0}


@pytest.fixture
def board(cast: Cast) -> Board:
    cache.clear()
    return Board.joined(cast.alice, cast.team)


def states(cast: Cast) -> list[str]:
    return [event.body["state"] for event in Event.objects.filter(stream__team=cast.team, type="device").order_by("seq")]


def test_a_beat_is_kept_as_the_devices_health(board: Board) -> None:
    assert board.beat(health=HEALTH, runtimes={"onnxruntime": "2.0"}).status_code == 200
    board.device.refresh_from_db()
    assert board.device.health == HEALTH and board.device.runtimes == {"onnxruntime": "2.0"}


def test_only_a_change_of_state_is_told(cast: Cast, board: Board) -> None:
    for activity in ("idle", "busy", "busy", "draining", "idle"):
        board.beat(activity)
    Device.objects.update(last_seen=timezone.now() - timedelta(hours=1))
    board.beat()
    assert states(cast) == ["online", "busy", "contact lost", "online", "online"]


def test_what_a_person_drains_stays_so_whatever_the_board_says(board: Board) -> None:
    Device.objects.update(draining=True)
    for activity in ("draining", "idle", "busy"):
        assert board.beat(activity).json()["draining"] is True
    Device.objects.update(draining=False)
    assert board.beat("idle").json()["draining"] is False


def test_an_agent_that_says_goodbye_is_gone_at_once_and_drained_by_nobody(board: Board) -> None:
    assert board.beat("draining").json()["draining"] is False
    board.device.refresh_from_db()
    assert (board.device.draining, board.device.state) == (False, "contact lost")
    assert Device.objects.in_state("contact lost").exists() and not Device.objects.in_state("online").exists()
    board.beat("idle")
    board.device.refresh_from_db()
    assert board.device.state == "online" and Device.objects.in_state("online").exists()


def test_the_page_of_a_device_says_that_its_agent_was_stopped(cast: Cast, board: Board) -> None:
    board.beat("draining")
    client = Client()
    client.force_login(cast.alice)
    page = client.get(f"/devices/{board.device.pk}/").content.decode()
    assert "Its agent was stopped" in page and "Not heard from since" not in page


def test_a_device_that_a_person_drains_is_draining_before_it_was_ever_seen(board: Board) -> None:
    Device.objects.update(draining=True, last_seen=None)
    board.device.refresh_from_db()
    assert board.device.state == "draining"
    assert Device.objects.in_state("draining").exists() and not Device.objects.in_state("never seen").exists()


def test_a_retired_device_takes_nothing(board: Board) -> None:
    Device.objects.update(retired=True)
    assert board.beat().json()["draining"] is True and board.claim().status_code == 204


def test_a_point_of_the_yardstick_is_kept_once(board: Board) -> None:
    at = timezone.now() - timedelta(hours=3)
    point = {"at": at.isoformat(), "median_ms": 3.5, "low_ms": 3.4, "high_ms": 3.7, "noisy": False}
    assert {board.beat(baseline=point).status_code for _ in range(2)} == {200}
    kept = Baseline.objects.get()
    assert (kept.device, kept.at, kept.median_ms) == (board.device, at, 3.5)


def test_a_board_adds_one_point_in_five_minutes_and_what_comes_between_is_ignored(board: Board) -> None:
    begun = timezone.now() - timedelta(hours=3)
    for minute in (0, 1, 4, 5, 9, -4, 12):
        at = (begun + timedelta(minutes=minute)).isoformat()
        assert board.beat(baseline={"at": at, "median_ms": 3.5}).status_code == 200
    assert [(kept.at - begun) / timedelta(minutes=1) for kept in Baseline.objects.all()] == [0, 5, 12]


@pytest.mark.parametrize("wrong", [
    {"baseline": {"at": "1970-01-01T00:00:00Z", "median_ms": 3.5}},
    {"baseline": {"at": "2070-01-01T00:00:00Z", "median_ms": 3.5}},
    {"baseline": {"at": "now", "median_ms": 3.5}}, {"baseline": {"at": "2026-01-01T00:00:00", "median_ms": 3.5}},
    {"health": {"temperature_c": "hot"}}, {"health": {"temperature_c": 1e9}}, {"health": {"free_memory_bytes": -1}},
    {"health": {"governor": "x" * 200}}, {"health": {"a b": 1}}, {"health": {"list": [1]}},
    {"health": {f"k{n}": n for n in range(99)}},
    {"health": {"throttled": "no"}}, {"runtimes": {"onnxruntime": 1}}, {"activity": "asleep"}, {"device": "another"}])
def test_what_cannot_be_is_refused_and_changes_nothing(board: Board, wrong: dict[str, Any]) -> None:
    before = Device.objects.values().get()
    answer = board.ask("POST", "/beat", {"activity": "idle"} | wrong)
    assert answer.status_code == 422, answer.content
    assert Device.objects.values().get() == before and not Baseline.objects.exists()


def test_a_number_that_is_none_is_refused(board: Board) -> None:
    assert board.ask("POST", "/beat", '{"activity": "idle", "health": {"temperature_c": NaN}}').status_code == 400
    at = timezone.now().isoformat()
    assert board.beat(baseline={"at": at, "median_ms": -1}).status_code == 422


def test_boards_are_told_to_come_back_at_different_times_and_later_the_more_there_are(
        board: Board, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.BOARD_ASKS_OF_ONE_A_SECOND = 1000
    few = {board.beat().json()["poll_s"] for _ in range(5)}
    assert len(few) > 1 and all(settings.BOARD_POLL_S * 0.8 <= wait <= settings.BOARD_POLL_S * 1.2 for wait in few)
    monkeypatch.setattr(crowd, "_living", lambda: 10_000)
    assert all(48 <= board.beat().json()["poll_s"] <= 72 for _ in range(5))
    waits = [int(board.claim()["Retry-After"]) for _ in range(8)]
    assert len(set(waits)) > 1 and all(48 <= wait <= 72 for wait in waits)


def test_ten_thousand_boards_at_once_are_spread_by_429(board: Board, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(crowd, "_living", lambda: 10_000)
    monkeypatch.setattr(crowd.time, "time", lambda: 1_000_000.0)
    settings.BOARD_ASKS_A_SECOND, settings.BOARD_ASKS_OF_ONE_A_SECOND = 5, 1000
    answers = [board.claim() for _ in range(30)]
    assert [answer.status_code for answer in answers] == [204] * 10 + [429] * 20
    waits = [int(answer["Retry-After"]) for answer in answers[10:]]
    assert max(waits) > 200 and len(set(waits)) > 10, "as long as serving ten thousand takes, each at a time of its own"


def test_a_board_that_asks_without_end_takes_no_other_boards_turn(
        cast: Cast, board: Board, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    other = Board.joined(cast.alice, cast.team, instance="instance-0002")
    monkeypatch.setattr(crowd.time, "time", lambda: 1_000_000.0)
    settings.BOARD_ASKS_A_SECOND, settings.BOARD_ASKS_OF_ONE_A_SECOND = 3, 4
    answers = [board.beat() for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 8
    assert "This board asks too often" in answers[-1].json()["title"] and int(answers[-1]["Retry-After"]) >= 1
    assert other.beat().status_code == 200 and other.claim().status_code == 204


def test_a_cache_that_is_away_lets_boards_through(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **more: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(crowd.cache, "add", away)
    monkeypatch.setattr(crowd.cache, "get", away)
    assert board.beat().status_code == 200


def test_the_page_of_a_board_that_is_away_says_how_its_agent_is_started(cast: Cast, board: Board, client: Client) -> None:
    client.force_login(cast.alice)
    board.beat()
    assert "systemctl start edgeportal-agent" not in client.get(f"/devices/{board.device.pk}/").content.decode()
    board.beat("draining")
    page = client.get(f"/devices/{board.device.pk}/").content.decode()
    assert "Measurements and networks that wait for it go on" in page and "systemctl start edgeportal-agent" in page
    # What the terminal said when it joined.
    script = client.get("/devices/join.sh").content.decode()
    assert all(words in script for words in (
        "systemctl start edgeportal-agent", "$HOME/.edgeportal-agent", "/opt/edgeportal-agent"))
