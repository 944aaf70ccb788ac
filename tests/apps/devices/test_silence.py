"""A board that falls silent is told of once, to its team and by mail to those who lead it; its return makes that good."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPException
from typing import Any

import pytest
from django.conf import settings as configured
from django.core import mail
from django.utils import timezone

from apps.devices import silence
from apps.devices.models import Device
from apps.live.models import Stream
from tests.apps.cast import Cast
from worker.tasks import hosting


def silent(cast: Cast, name: str, minutes: float = 11, **more: Any) -> Device:
    return Device.objects.create(team=cast.team, name=name, last_seen=timezone.now() - timedelta(minutes=minutes), **more)


def test_the_team_is_told_once(cast: Cast) -> None:
    board = silent(cast, "board")
    silent(cast, "not for long", minutes=9)
    silent(cast, "retired", retired=True)
    silent(cast, "long ago", minutes=60 * 25)
    assert silence.alert() == [board] and silence.alert() == []
    said = [event.body for event in Stream.of_team(cast.team).events.filter(type="device")]
    assert said == [{"device": str(board.pk), "name": "board", "state": "contact lost", "alert": "silent"}]
    assert mail.outbox == []


def test_its_return_clears_the_mark_and_the_next_silence_is_told_again(cast: Cast) -> None:
    board = silent(cast, "board", host=configured.HOST)
    silence.alert()
    hosting.tell()
    board.refresh_from_db()
    assert board.alerted is None and board.state == "online"
    Device.objects.update(last_seen=timezone.now() - timedelta(minutes=11))
    assert silence.alert() == [board]


def test_administrators_get_one_mail_for_a_whole_room(cast: Cast, settings: Any) -> None:
    settings.MAIL = True
    silent(cast, "one")
    silent(cast, "two")
    silence.alert()
    (sent,) = mail.outbox
    assert sent.to == ["alice@example.org"] and sent.subject == "No word from 2 devices"
    assert "go on when they are back" in sent.body and "- one, last heard" in sent.body and "- two, last heard" in sent.body


def test_a_mail_server_that_refuses_stops_nothing(cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise SMTPException

    settings.MAIL = True
    monkeypatch.setattr(silence, "send_mail", refuse)
    board = silent(cast, "board")
    assert silence.alert() == [board]
    board.refresh_from_db()
    assert board.alerted is not None
