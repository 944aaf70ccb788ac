"""Who may listen is asked for all that wait together, and again every minute; whoever may no longer is shown out."""

from __future__ import annotations

import asyncio
import threading
import uuid
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.accounts.models import Membership, Team, User
from apps.live import door
from apps.live.desk import door_desk
from apps.live.door import GONE, SIGNED_OUT, Door, Pass, heads_for, refusals
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
    welcome = Pass(session_of(cast.victor), stream.pk)
    strangers = [Pass(session_of(cast.mallory), stream.pk), Pass("", stream.pk), Pass("no such session", stream.pk),
                 Pass("nosuchsession", stream.pk), Pass("\x00", stream.pk), Pass(session_of(cast.victor), uuid.uuid4())]
    assert heads_for([welcome, *strangers]) == {welcome: 7}


def test_each_is_answered_for_their_own_team_and_streams(cast: Cast) -> None:
    mine, other = Stream.objects.create(team=cast.team, head=1), Stream.objects.create(team=cast.team, head=2)
    theirs = Stream.objects.create(team=Team.objects.get(name="Others"), head=3)
    victor, ruth, mallory = (session_of(person) for person in (cast.victor, cast.ruth, cast.mallory))
    asked = [Pass(key, stream.pk) for key in (victor, ruth, mallory) for stream in (mine, other, theirs)]
    assert heads_for(asked) == {Pass(victor, mine.pk): 1, Pass(victor, other.pk): 2, Pass(ruth, mine.pk): 1,
                                Pass(ruth, other.pk): 2, Pass(mallory, theirs.pk): 3}


def test_a_rush_is_a_question_a_person_not_one_a_socket(cast: Cast, django_assert_num_queries: Any) -> None:
    streams = [Stream.objects.create(team=cast.team).pk for _ in range(5)]
    keys = [session_of(person) for person in (cast.victor, cast.victor, cast.ruth)]
    asked = [Pass(key, pk) for key in keys for pk in streams]
    with django_assert_num_queries(4):
        assert len(heads_for(asked)) == 15


def test_who_comes_while_a_question_is_on_its_way_waits_for_the_next_with_all_others(
        crowd: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    go_on = threading.Event()

    def slowly(entries: list[Pass]) -> dict[Pass, int]:
        asked.append(len(entries))
        go_on.wait(60)
        return heads_for(entries)

    monkeypatch.setattr(door, "heads_for", slowly)
    streams = [Stream.objects.create(team=crowd.team, head=number).pk for number in range(30)]
    key = session_of(crowd.victor)

    async def scene() -> list[int | None]:
        one = Door()
        first = asyncio.create_task(one.head_for(Pass(key, streams[0])))
        while not asked:
            await asyncio.sleep(0.01)
        others = [asyncio.create_task(one.head_for(Pass(key, pk))) for pk in (*streams[1:], streams[1], uuid.uuid4())]
        await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(first, *others)

    assert async_to_sync(scene)() == [*range(30), 1, None]
    assert asked == [1, 30]


def test_a_question_that_fails_fails_for_those_who_asked_it_alone(crowd: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream.objects.create(team=crowd.team, head=4)
    entry = Pass(session_of(crowd.victor), stream.pk)

    async def scene() -> int | None:
        one = Door()
        with monkeypatch.context() as broken, pytest.raises(LookupError):
            broken.setattr(door, "heads_for", lambda entries: {}["nothing"])
            await one.head_for(entry)
        return await one.head_for(entry)

    assert async_to_sync(scene)() == 4


def test_whoever_is_still_welcome_is_refused_nothing(cast: Cast) -> None:
    stream = Stream.objects.create(team=cast.team)
    assert refusals([Pass(session_of(cast.victor), stream.pk)]) == {}


@pytest.mark.parametrize("how", ["session ended", "session expired", "password changed", "person left the house"])
def test_a_session_that_is_nobodys_any_more_is_signed_out(cast: Cast, how: str) -> None:
    entry = Pass(session_of(cast.victor), Stream.objects.create(team=cast.team).pk)
    if how == "session ended":
        Session.objects.all().delete()
    elif how == "session expired":
        Session.objects.update(expire_date=timezone.now())
    elif how == "password changed":
        cast.victor.set_password("another one")
        cast.victor.save()
    else:
        User.objects.filter(pk=cast.victor.pk).update(is_active=False)
    assert refusals([entry]) == {entry: SIGNED_OUT} and heads_for([entry]) == {}


def test_who_has_left_the_team_finds_the_stream_gone(cast: Cast) -> None:
    entry = Pass(session_of(cast.victor), Stream.objects.create(team=cast.team).pk)
    Membership.objects.filter(user=cast.victor).delete()
    assert refusals([entry]) == {entry: GONE}


def test_all_sockets_of_a_session_are_shown_out_after_one_question(
        crowd: Cast, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.REVALIDATE_S = 0
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
