"""A question to a warm worker: no row, no run. It waits in Redis as long as who asks does, the answer comes back the same way.

Rights are whoever's calls `ask`. The broker only wakes an answerer: what is asked lies under `edgeportal:ask:<id>:question` until
the wait is over, so that nobody answers late, and the reply under `edgeportal:ask:<id>` for a minute.
"""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import uuid4

import redis
from celery import current_app
from django.conf import settings
from prometheus_client import Histogram
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.accounts.refusal import Refused

log = logging.getLogger(__name__)
PREFIX, QUEUE, TASK = "edgeportal:ask:", "ask", "worker.tasks.answer"
WAITING, TOPIC = f"{PREFIX}waiting", f"{PREFIX}topic:"
KEPT_S, SLACK_S = 60, 0.5
MOST_WAITING, MOST_WAKES, MOST_LINES = 500, 20, 250
MOST_QUESTION_BYTES, MOST_REPLY_BYTES = 1_000_000, 8_000_000
ASKED = Histogram("edgeportal_question_seconds", "Time until a question was answered, or until nobody waited any more.",
                  ["name", "end"], buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5), registry=None)
_messenger = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wake-answers")


class Silent(Exception):
    """Nobody answered in time. The text is a sentence for people."""


class Superseded(Silent):
    """A newer question of the same topic came while this one waited: nobody needs this answer."""


class Broken(Silent):
    """The answerer stumbled, and its log says over what."""


class TooLong(Silent):
    """The answerer gave this question up, which would take too long. Nothing is wrong with it; asked again it takes as long."""


@dataclass(frozen=True)
class Asked:
    """A question as it waits in Redis. Of those with one topic only the newest is answered."""

    name: str
    question: dict[str, Any]
    topic: str = ""


def ask(name: str, question: dict[str, Any], *, wait_s: float = 2.0, topic: str = "") -> dict[str, Any]:
    """The answer; Silent when nobody gives one in time, Refused when the question cannot be.

    `topic`: what a person drags, so that a question which is still waiting gives way to the next (Superseded).
    """
    begun, end = time.monotonic(), "silent"
    try:
        found = _reply(Asked(name, question, _short(topic)), wait_s)
        end = next(iter(found))
        return _read(found)
    finally:
        ASKED.labels(name, end).observe(time.monotonic() - begun)


def _short(topic: str) -> str:
    return sha256(topic.encode("utf-8", "surrogatepass")).hexdigest()[:32] if topic else ""


def _reply(asked: Asked, wait_s: float) -> dict[str, Any]:
    until, number = time.monotonic() + wait_s, uuid4().hex
    written = json.dumps(asdict(asked))
    if len(written) > MOST_QUESTION_BYTES:
        raise Refused({"": f"The question takes {len(written):,} bytes to say; at most {MOST_QUESTION_BYTES:,} are taken."})
    try:
        _put(number, written, asked.topic, wait_s)
        reply = line(wait_s).blpop([key(number)], max(0.01, until - time.monotonic()))
    except redis.RedisError as error:
        log.warning("Redis did not carry a question: %s", error)
        reply = None
    if reply is None:
        raise Silent("The planner does not answer.")
    return _valid(str(reply[1]))


def _put(number: str, written: str, topic: str, wait_s: float) -> None:
    """Where an answerer finds it; and wake one, when no wake-up waits that brings it there anyway."""
    with line(wait_s).pipeline() as together:
        together.set(f"{key(number)}:question", written, px=max(1, int(1000 * wait_s)))
        if topic:
            together.set(f"{TOPIC}{topic}", number, ex=KEPT_S)
        together.rpush(WAITING, number)
        together.ltrim(WAITING, -MOST_WAITING, -1)
        together.expire(WAITING, KEPT_S)
        together.llen(QUEUE)
        wakes = together.execute()[-1]
    if wakes < MOST_WAKES:
        _messenger.submit(wake)


def wake() -> None:
    """Without an end to its life: a clock that differs from another host's makes no wake-up too old."""
    try:
        current_app.send_task(TASK, queue=QUEUE, retry=True,
                              retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0})
    except Exception as error:
        log.warning("The broker did not take the wake-up of an answerer (%s)", error)


def _valid(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found:
        log.error("The reply to a question is none: %.200s", body)
        return {"broken": True}
    return found


def _read(found: dict[str, Any]) -> dict[str, Any]:
    match found:
        case {"answer": dict(answer)}:
            return answer
        case {"refused": dict(errors)}:
            raise Refused({str(field): str(text) for field, text in errors.items()})
        case {"superseded": _}:
            raise Superseded("A newer question was asked meanwhile.")
        case {"too_long": str(text)}:
            raise TooLong(text)
    raise Broken("The planner stumbled over this question; the portal's log tells over what.")


def key(number: str) -> str:
    return f"{PREFIX}{number}"


@lru_cache(maxsize=8)
def line(wait_s: float = 2.0) -> redis.Redis:
    """A client of this process that gives up soon after who waits has."""
    patience = wait_s + SLACK_S
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=patience, socket_connect_timeout=patience, max_connections=MOST_LINES,
        retry=Retry(NoBackoff(), 0), decode_responses=True)
