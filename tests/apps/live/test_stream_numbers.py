"""A stream numbers its rows without a gap, whoever writes, and keeps a fact once."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from apps.live.models import Event, Saying, Stream
from tests.apps.cast import Cast


def say(stream: Stream, *sayings: Saying) -> list[int]:
    with transaction.atomic():
        return [event.seq for event in stream.append(sayings)]


def test_numbers_follow_each_other(cast: Cast) -> None:
    stream = Stream.objects.create(team=cast.team)
    assert say(stream, Saying("log", {}), Saying("log", {})) == [1, 2]
    assert say(stream, Saying("log", {})) == [3]
    stream.refresh_from_db()
    assert stream.head == 3


def test_a_fact_said_again_is_kept_once(cast: Cast) -> None:
    stream = Stream.objects.create(team=cast.team)
    say(stream, Saying("metric", {"value": 1}, "accuracy:1"))
    again = say(stream, Saying("metric", {"value": 2}, "accuracy:1"), Saying("metric", {"value": 3}, "accuracy:2"))
    assert again == [2]
    assert [event.body["value"] for event in stream.events.all()] == [1, 3]


def test_a_fact_twice_in_one_batch_is_kept_once(cast: Cast) -> None:
    stream = Stream.objects.create(team=cast.team)
    assert say(stream, Saying("metric", {}, "a"), Saying("metric", {}, "a")) == [1]


def test_a_rolled_back_batch_leaves_no_gap(cast: Cast) -> None:
    stream = Stream.objects.create(team=cast.team)
    with pytest.raises(RuntimeError), transaction.atomic():
        stream.append([Saying("log", {})])
        raise RuntimeError
    stream.refresh_from_db()
    assert say(stream, Saying("log", {})) == [1]


def test_many_writers_leave_no_gap_and_no_double(crowd: Cast) -> None:
    stream = Stream.objects.create(team=crowd.team)

    def write(name: int) -> None:
        for i in range(20):
            say(Stream.objects.get(pk=stream.pk), Saying("log", {"by": name, "i": i}))
        connection.close()

    writers = [threading.Thread(target=write, args=(name,)) for name in range(5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    rows = list(Event.objects.filter(stream=stream).values_list("seq", "body__by", "body__i"))
    assert [seq for seq, _, _ in rows] == list(range(1, 101))
    for name in range(5):
        assert [i for _, by, i in rows if by == name] == list(range(20))
