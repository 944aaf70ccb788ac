"""A board's token: bound to its device, hashed, refused in the same words, replaced with an overlap; a copy is found out."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Scope
from apps.accounts.refusal import Refused
from apps.devices import agent_wheel
from apps.devices.boards import tokens
from apps.devices.models import Agent
from apps.live.models import Event
from tests.apps.boards import Board, prepared
from tests.apps.cast import Cast


@pytest.fixture
def board(cast: Cast) -> Board:
    return Board.joined(cast.alice, cast.team)


def test_every_bad_token_is_refused_in_the_same_words(cast: Cast, board: Board) -> None:
    other = Board.joined(cast.alice, cast.team, instance="instance-0002")
    tokens.revoke(cast.alice, other.device)
    cut = board.token[:-1] + ("A" if board.token[-1] != "A" else "B")
    bad = [other.token, cut, f"epa_{'x' * 8}_{'y' * 43}", cast.token(Scope.ADMIN), "", "\x00", "epa__"]
    answers = []
    for text in bad:
        board.token = text
        answers.append(board.beat())
    assert {answer.status_code for answer in answers} == {401} and len({answer.content for answer in answers}) == 1
    assert all(answer["WWW-Authenticate"] == "Bearer" for answer in answers)


def test_a_token_in_the_address_is_not_looked_at(board: Board) -> None:
    for name in ("token", "access_token", "key", "authorization"):
        answer = Client().post(f"/api/agent/beat?{name}={board.token}", "{}", content_type="application/json")
        assert answer.status_code == 401


def test_an_agents_token_opens_nothing_else(cast: Cast, board: Board) -> None:
    for path in ("/api/me", "/api/devices", f"/api/devices/{board.device.pk}", "/api/runs"):
        assert Client().get(path, headers={"Authorization": f"Bearer {board.token}"}).status_code == 401, path


def test_the_database_holds_a_hash_and_the_prefix_and_the_log_neither(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    from edgeportal.logs import masked

    _, prefix, secret = board.token.split("_")
    kept = board.device.agents.get()
    assert kept.prefix == prefix and secret not in str(vars(kept))
    logging.getLogger("apps").warning("got %s", board.token)
    assert secret not in masked(caplog.text)


def test_its_last_use_is_noted(board: Board) -> None:
    Agent.objects.update(last_used=timezone.now() - timedelta(hours=1))
    board.beat()
    used = board.device.agents.get().last_used
    assert used and used > timezone.now() - timedelta(minutes=1)


def test_an_old_token_is_replaced_and_lives_until_the_new_one_is_used(board: Board) -> None:
    Agent.objects.update(token_made=timezone.now() - tokens.ROTATE_AFTER)
    old, lost = board.token, board.beat().json()["token"]
    new = board.beat().json()["token"]
    assert new and new != lost, "the first answer may have been lost: there is another"
    board.token = lost
    assert board.beat().status_code == 401
    board.token = new
    assert board.beat().json()["token"] is None
    board.token = old
    assert board.beat().status_code == 401, "the old one ended with the first use of the new"


def test_an_administrator_asks_for_another_token_or_ends_it_and_nobody_else_does(cast: Cast, board: Board) -> None:
    assert board.beat().json()["token"] is None
    for person in (cast.mia, cast.victor, cast.mallory):
        for act in (tokens.ask_to_replace, tokens.revoke):
            with pytest.raises(Refused):
                act(person, board.device)
    assert board.beat().json()["token"] is None
    tokens.ask_to_replace(cast.alice, board.device)
    assert board.beat().json()["token"].startswith("epa_")
    tokens.revoke(cast.alice, board.device)
    assert board.beat().status_code == 401


def test_a_copied_card_is_turned_away_and_the_team_is_told_once(cast: Cast, board: Board) -> None:
    copy = Board(board.token, board.device, "instance-of-the-copy")
    assert {copy.beat().status_code, copy.claim().status_code} == {409}
    assert "copied card" in copy.beat().json()["title"]
    told = Event.objects.filter(stream__team=cast.team, type="notice")
    assert told.count() == 1 and "copied card" in told.get().body["text"]
    assert board.device.agents.get().copied and board.beat().status_code == 200, "the first board goes on"


@pytest.mark.parametrize("version", ["", "0.0.9", "99.0.0", "0.1", "a\nb", "0.1.0x"])
def test_an_agent_of_another_version_is_told_which_is_needed(board: Board, version: str) -> None:
    board.version = version
    answer = board.beat()
    assert answer.status_code == 426 and answer.json()["needed"] == agent_wheel.speaks()
    assert answer["Content-Type"] == "application/problem+json"


def test_another_build_of_the_same_version_is_understood_and_noted(board: Board) -> None:
    board.version = f"{agent_wheel.speaks()}+0a1b2c3d"
    assert board.beat().status_code == 200 and board.device.agents.get().version == board.version


def test_an_agent_that_shall_change_is_told_where_its_wheel_is(board: Board) -> None:
    served = agent_wheel.wheel()
    Agent.objects.update(wanted_version=served.version)
    assert board.beat().json()["wanted"] == {"version": served.version, "url": "/api/agent/wheel", "sha256": served.sha256}
    board.version = served.version
    board.beat()
    assert board.beat().json()["wanted"] is None, "it has become what it was asked to"
    Agent.objects.update(wanted_version="0.1.0+gone")
    assert board.beat().json()["wanted"] is None, "a build that is served no more is not asked for"


def test_a_board_of_another_team_sees_nothing_of_a_run(cast: Cast, board: Board) -> None:
    from apps.accounts.models import Team

    run = prepared(board.device)
    lease = board.claim().json()["token"]
    stranger = Board.joined(cast.mallory, Team.objects.get(name="Others"))
    assert stranger.claim().status_code == 204
    sha256 = run.order["files"][0]["sha256"]
    answers = [stranger.ask("GET", f"/runs/{run.pk}/files/{sha256}"), stranger.say(run, lease, 1, []),
               stranger.put(run, lease, "a.json", b"{}"), stranger.ask("POST", f"/runs/{run.pk}/release", {"lease": lease})]
    assert {answer.status_code for answer in answers} == {409} and len({answer.content for answer in answers}) == 1
