"""Who listens is asked again every minute, once for all sockets of a session, and whoever may no longer is shown out."""

from __future__ import annotations

import uuid

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from apps.accounts.models import Membership, User
from apps.live import door
from apps.live.desk import door_desk
from apps.live.door import GONE, SIGNED_OUT, Door, Pass, head_for, refusals
from apps.live.models import Stream
from tests.apps.cast import Cast


class Guest:
    def __init__(self, entry: Pass) -> None:
        self.entry, self.code = entry, 0

    def show_out(self, code: int) -> None:
        self.code = code


def session_of(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


@pytest.fixture(autouse=True)
def backends(settings: object) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]  # type: ignore[attr-defined]


def test_a_member_is_told_the_head_and_a_stranger_nothing(cast: Cast) -> None:
    stream = Stream.objects.create(team=cast.team, head=7)
    assert head_for(Pass(session_of(cast.victor), stream.pk)) == 7
    assert head_for(Pass(session_of(cast.mallory), stream.pk)) is None
    assert head_for(Pass("", stream.pk)) is None
    assert head_for(Pass("no such session", stream.pk)) is None
    assert head_for(Pass(session_of(cast.victor), uuid.uuid4())) is None


def test_whoever_is_still_welcome_is_refused_nothing(cast: Cast) -> None:
    stream = Stream.objects.create(team=cast.team)
    assert refusals([Pass(session_of(cast.victor), stream.pk)]) == {}


@pytest.mark.parametrize("how", ["session ended", "password changed", "person left the house"])
def test_a_session_that_is_nobodys_any_more_is_signed_out(cast: Cast, how: str) -> None:
    entry = Pass(session_of(cast.victor), Stream.objects.create(team=cast.team).pk)
    if how == "session ended":
        Session.objects.all().delete()
    elif how == "password changed":
        cast.victor.set_password("another one")
        cast.victor.save()
    else:
        User.objects.filter(pk=cast.victor.pk).update(is_active=False)
    assert refusals([entry]) == {entry: SIGNED_OUT}


def test_who_has_left_the_team_finds_the_stream_gone(cast: Cast) -> None:
    entry = Pass(session_of(cast.victor), Stream.objects.create(team=cast.team).pk)
    Membership.objects.filter(user=cast.victor).delete()
    assert refusals([entry]) == {entry: GONE}


def test_all_sockets_of_a_session_are_shown_out_after_one_question(crowd: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "REVALIDATE_S", 0)
    asked: list[list[Pass]] = []
    monkeypatch.setattr(door, "refusals", lambda entries: (asked.append(list(entries)), refusals(entries))[1])
    stream = Stream.objects.create(team=crowd.team)
    entry, other = Pass(session_of(crowd.victor), stream.pk), Pass(session_of(crowd.ruth), stream.pk)
    guests = [Guest(entry) for _ in range(5)]
    stays = Guest(other)
    Membership.objects.filter(user=crowd.victor).delete()

    async def scene() -> None:
        one = Door()
        for guest in (*guests, stays):
            one.let_in(guest)
        await one.look()
        one.let_out(guests[0])
        door_desk.rest()

    async_to_sync(scene)()
    assert {guest.code for guest in guests} == {GONE} and stays.code == 0
    assert [sorted(entries) for entries in asked] == [sorted([entry, other])]
