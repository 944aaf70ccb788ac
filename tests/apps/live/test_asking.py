"""A question that a page waits for: answered in time or not at all, by what waits in Redis and leaves nothing there."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apps.accounts.refusal import Refused
from apps.live import asking
from apps.live.asking import Broken, Silent, Superseded, TooLong, ask
from tests.portal import strain, until
from worker.partitioning.unfit import TooMuch, Unfit
from worker.tasks import answering

Answerer = Callable[[dict[str, Any]], str]


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    """No question of another test; and what a test leaves fades."""
    asking.line.cache_clear()
    for key in left():
        asking.line().delete(key)
    yield
    asking.line.cache_clear()
    assert not [key for key in left() if not 0 < asking.line().ttl(key) <= asking.KEPT_S]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answerer], None]:
    """What answers questions of the name `test`, woken as a worker would be."""
    def use(answerer: Answerer) -> None:
        monkeypatch.setitem(answering.QUESTIONS, "test", answerer)
        monkeypatch.setattr(asking, "wake", answering.answer)
    return use


def left() -> list[str]:
    return [str(key) for key in asking.line().keys(f"{asking.PREFIX}*")]


def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "wake", lambda: None)


def test_an_answer_comes_back_whole_and_leaves_nothing(answers: Callable[[Answerer], None]) -> None:
    answers(lambda question: json.dumps({"twice": 2 * question["number"], "said": "ü"}))
    assert ask("test", {"number": 21}) == {"twice": 42, "said": "ü"}
    assert left() == []


def test_who_hears_nothing_is_told_so_when_the_wait_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody(monkeypatch)
    begun = time.monotonic()
    with pytest.raises(Silent, match=r"^The planner does not answer\.$"):
        ask("test", {}, wait_s=0.2)
    assert 0.2 <= time.monotonic() - begun < 1.8 * strain()


def test_an_old_question_is_not_answered_late(monkeypatch: pytest.MonkeyPatch, answers: Callable[[Answerer], None]) -> None:
    nobody(monkeypatch)
    with pytest.raises(Silent):
        ask("test", {"number": 1}, wait_s=0.05)
    heard: list[Any] = []
    answers(lambda question: heard.append(question) or "{}")
    assert ask("test", {"number": 2}) == {}
    assert heard == [{"number": 2}] and left() == []


def test_a_refusal_says_its_fields(answers: Callable[[Answerer], None]) -> None:
    def unfit(question: dict[str, Any]) -> str:
        raise Unfit({"rules.0": "there is no device fog"})

    answers(unfit)
    with pytest.raises(Refused) as refused:
        ask("test", {})
    assert refused.value.errors == {"rules.0": "there is no device fog"}


@pytest.mark.parametrize("name", ["test", "no such question"])
def test_what_breaks_is_a_sentence_for_who_asked_and_a_trace_in_the_log(
        answers: Callable[[Answerer], None], caplog: pytest.LogCaptureFixture, name: str) -> None:
    answers(lambda question: str(question["secret"]))
    with caplog.at_level(logging.ERROR), pytest.raises(Broken) as broken:
        ask(name, {})
    assert "KeyError" in caplog.text and "KeyError" not in str(broken.value) and str(broken.value).endswith(".")


@pytest.mark.parametrize("body", ["", "no JSON", "[]", "{}", "null", '{"answer": 3}', '{"refused": "all"}', '{"what": 1}'])
def test_a_reply_that_is_none_breaks_nothing(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    def reply() -> None:
        asking.line().rpush(asking.key(str(asking.line().lpop(asking.WAITING))), body)

    monkeypatch.setattr(asking, "wake", reply)
    with pytest.raises(Broken):
        ask("test", {})
    for key in left():
        asking.line().delete(key)


def test_a_question_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(Refused, match=r"at most 1,000,000 are taken"):
        ask("test", {"text": "x" * asking.MOST_QUESTION_BYTES})
    assert left() == []


def test_an_answer_that_is_too_large_is_refused_in_a_sentence(
        answers: Callable[[Answerer], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_REPLY_BYTES", 100)
    answers(lambda question: json.dumps({"text": "x" * 200}))
    with pytest.raises(Refused, match=r"at most 100 are sent"):
        ask("test", {})


def test_of_one_topic_only_the_newest_question_is_answered(
        monkeypatch: pytest.MonkeyPatch, answers: Callable[[Answerer], None]) -> None:
    heard: list[int] = []
    answers(lambda question: heard.append(question["number"]) or "{}")
    nobody(monkeypatch)
    with ThreadPoolExecutor(4) as crowd:
        asked = []
        for number, topic in ((1, "mine"), (2, "mine"), (3, "another's"), (4, "mine")):
            asked.append(crowd.submit(ask, "test", {"number": number}, wait_s=20.0, topic=topic))
            until(lambda many=number: asking.line().llen(asking.WAITING) == many, 20, "it waits")
        answering.answer()
        ended = [each.exception() for each in asked]
    assert heard == [3, 4]
    assert [type(each) for each in ended] == [Superseded, Superseded, type(None), type(None)]


def test_a_topic_fades_and_says_nothing_of_whose_it_is(answers: Callable[[Answerer], None]) -> None:
    answers(lambda question: "{}")
    ask("test", {}, topic="session\ud800 and page")
    (key,) = left()
    assert "session" not in key and len(key) < 80 and 0 < asking.line().ttl(key) <= asking.KEPT_S


def test_what_waits_for_nobody_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody(monkeypatch)
    monkeypatch.setattr(asking, "MOST_WAITING", 3)
    for _ in range(5):
        with pytest.raises(Silent):
            ask("test", {}, wait_s=0.01)
    assert asking.line().llen(asking.WAITING) == 3


def test_a_queue_of_wake_ups_that_nobody_takes_stays_short(monkeypatch: pytest.MonkeyPatch) -> None:
    asking.line().delete(asking.QUEUE)
    asking.line().rpush(asking.QUEUE, *["{}"] * asking.MOST_WAKES)
    woken: list[int] = []
    monkeypatch.setattr(asking, "wake", lambda: woken.append(1))
    try:
        with pytest.raises(Silent):
            ask("test", {}, wait_s=0.01)
    finally:
        asking.line().delete(asking.QUEUE)
    assert woken == []


def test_a_redis_that_is_away_is_silence_at_once(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    asking.line.cache_clear()
    with pytest.raises(Silent):
        ask("test", {})
    assert "hunter2" not in caplog.text


def test_a_question_that_takes_too_long_is_given_up_before_who_asked_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the main thread, where the program answers; long enough before for a machine that halts in between."""
    monkeypatch.setattr(answering, "SLACK_MS", 1500)
    monkeypatch.setitem(answering.QUESTIONS, "test", lambda question: threading.Event().wait(60) or "{}")
    nobody(monkeypatch)
    with ThreadPoolExecutor(1) as crowd:
        asked = crowd.submit(ask, "test", {}, wait_s=2.0)
        until(lambda: asking.line().llen(asking.WAITING), 10, "it waits")
        answering.answer()
        assert isinstance(asked.exception(), Silent)
        assert strain() > 2 or isinstance(asked.exception(), TooLong)


def test_more_than_can_be_gone_through_is_no_fault_of_the_question(answers: Callable[[Answerer], None]) -> None:
    def much(question: dict[str, Any]) -> str:
        raise TooMuch({"rules": "More than a million plans are as good as each other."})

    answers(much)
    with pytest.raises(TooLong, match=r"^More than a million plans"):
        ask("test", {})
