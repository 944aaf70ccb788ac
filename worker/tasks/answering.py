"""Questions that pages wait for, answered by one warm process: the planner loaded, the profiles last used kept parsed.

It needs Django's settings and its database connection, none of its apps. What people may ask was looked into where they asked.
"""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from celery import shared_task, signals
from django.conf import settings
from pydantic import ValidationError
from redis import Redis, RedisError

from apps.home import pulses
from apps.live import asking
from apps.live.asking import Asked
from worker.partitioning import answering as planner
from worker.partitioning.joint.answering import joint_answer
from worker.partitioning.unfit import TooMuch, Unfit
from worker.planning import Question, joint_example
from worker.planning.joint_question import JointQuestion
from worker.planning.question import Place, Range, Road
from worker.profile import Block, NetworkProfile
from worker.tasks import known_profiles
from worker.training import fitted

log = logging.getLogger(__name__)
PULSE_S, LEAST_MS, SLACK_MS = 30.0, 20, 50
TOO_LONG = "The planner would take too long for this; ask with fewer devices, fewer rules, or for fewer plans."
TOO_LARGE = "The answer takes {size:,} bytes to say; at most {most:,} are sent. Ask for fewer plans."
stopping = threading.Event()


class _TooLong(BaseException):
    """Who asked will soon not wait any more. Nothing on the way may take it for a fault of its own."""


@shared_task(name=asking.TASK)  # type: ignore[untyped-decorator]
def answer() -> None:
    """Answer what waits, the longest waiting first, until nothing does. Which message woke us does not matter."""
    line = asking.line()
    try:
        while not stopping.is_set() and (number := line.lpop(asking.WAITING)):
            _serve(line, str(number))
    except RedisError as error:
        log.warning("Redis is away, and with it who asked: %s", error)


def _serve(line: Redis, number: str) -> None:
    """One question, unless nobody waits for it any more."""
    place = f"{asking.key(number)}:question"
    with line.pipeline() as together:
        together.pttl(place)
        together.getdel(place)
        left_ms, written = together.execute()
    if written is None or left_ms < LEAST_MS:
        return
    asked = Asked(**json.loads(written))
    if asked.topic and line.get(f"{asking.TOPIC}{asked.topic}") != number:
        return _reply(line, number, '{"superseded": true}')
    _reply(line, number, said(asked, left_ms))


def _reply(line: Redis, number: str, body: str) -> None:
    size = len(body.encode())
    if size > asking.MOST_REPLY_BYTES:
        body = _refused({"": TOO_LARGE.format(size=size, most=asking.MOST_REPLY_BYTES)})
    with line.pipeline() as together:
        together.rpush(asking.key(number), body)
        together.expire(asking.key(number), asking.KEPT_S)
        together.execute()


def said(asked: Asked, left_ms: int) -> str:
    """The reply as JSON; whatever goes wrong is a sentence for who asked, and a trace for the log."""
    try:
        with _at_most(left_ms - SLACK_MS):
            return '{"answer": ' + QUESTIONS[asked.name](asked.question) + "}"
    except _TooLong:
        log.warning("A question of %s was given up after %d ms", asked.name, left_ms)
        return _given_up(TOO_LONG)
    except TooMuch as much:
        return _given_up(str(much))
    except Unfit as unfit:
        return _refused(unfit.faults)
    except ValidationError as wrong:
        return _refused({".".join(map(str, each["loc"])): each["msg"] for each in wrong.errors()})
    except Exception:
        log.exception("The question %s could not be answered", asked.name)
        return '{"broken": true}'


def _refused(errors: dict[str, str]) -> str:
    return json.dumps({"refused": errors})


def _given_up(sentence: str) -> str:
    return json.dumps({"too_long": sentence})


def _plan(question: dict[str, Any]) -> str:
    asked = Question.model_validate(question["question"])
    profiles = known_profiles.of({place.profile: place.device for place in asked.places})
    return planner.answer(asked, profiles).model_dump_json()


def _joint(question: dict[str, Any]) -> str:
    """The profiles of the example are made up here; all others are rows."""
    asked = JointQuestion.model_validate(question["question"])
    keys = {key: device for each in asked.variants for device, key in each.profiles.items()}
    made_up = {key: profile for key, profile in joint_example.profiles().items() if key in keys}
    rows = {key: device for key, device in keys.items() if key not in made_up}
    return joint_answer(asked, made_up | known_profiles.of(rows)).model_dump_json()


def _fit(question: dict[str, Any]) -> str:
    return fitted.answer(question["needs"], question["budget_bytes"]).model_dump_json()


QUESTIONS: dict[str, Callable[[dict[str, Any]], str]] = {"plan": _plan, "joint": _joint, "fit": _fit}


@contextlib.contextmanager
def _at_most(ms: int) -> Iterator[None]:
    """Interrupt what takes longer. Only a main thread can be: the one in which this program answers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, max(1, ms) / 1000)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _interrupt(*_: Any) -> None:
    raise _TooLong


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def _begin(**_: Any) -> None:
    threading.Thread(target=_pulse, name="pulse", daemon=True).start()
    _warm_up()


def _warm_up() -> None:
    """The planner has answered once before anybody asks: the first answer takes several times as long as the next."""
    blocks = tuple(Block(first=name, last=name, seconds=0.01, output_bytes=1000) for name in "abc")
    profile = NetworkProfile(network="warm-up", blocks=blocks, input_bytes=1000)
    places = tuple(Place(device=name, tier=tier, profile="any") for tier, name in enumerate(("here", "there")))
    roads = (Road(sender="here", receiver="there", latency_ms=1, bandwidth_mbps=10),)
    try:
        planner.answer(Question(network="warm-up", places=places, roads=roads, range=Range()), {"any": profile})
    except Exception:
        log.exception("The planner could not answer its first question")


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _end(**_: Any) -> None:
    stopping.set()


def _pulse() -> None:
    """Say every half minute that this host answers."""
    while not stopping.is_set():
        pause = PULSE_S
        try:
            pulses.beat(f"{settings.WORKER_NAME}@{settings.HOST}")
        except RedisError as error:
            log.warning("The pulse of the answers did not get through: %s", error)
            pause = 1.0
        stopping.wait(pause)
