"""Frames of a part whose board takes no connections, carried by the portal: in numbered pieces through Redis, few at a time.

They go between a part and the one before it: the board that leads the run, or keeps the part before, or the worker that leads. Of
boards that take part each by itself (`standing.is_star`) the worker that leads is the one before all of them.

A call is one connection, the newest one counts, and its two ways go `out` to the part and `back` from it. A piece that comes
again because its answer was lost changes nothing, and asking for a piece confirms those before it. Nothing of it is ever a row,
and all is gone after a minute.
"""

from __future__ import annotations

import time
from functools import cache
from secrets import compare_digest
from typing import Any, Literal, NamedTuple
from uuid import UUID

import redis
from django.conf import settings
from django.db import connection
from django.db.models import F

from apps.accounts.secrecy import digest
from apps.devices.boards.unwelcome import Unwelcome
from apps.devices.models import Agent
from apps.experiments import standing
from apps.experiments.hostings import GONE
from apps.experiments.models import HELD, STANDS, Hosting, Run

Way = Literal["out", "back"]
MOST_PIECE_BYTES, MOST_UNDERWAY = 256_000, 32
KEPT_S, WAIT_S = 60, 2.0
# What comes at once is seen at once; what does not is asked after less and less often.
FIRST_LOOK_S, LAST_LOOK_S, SLOWER = 0.005, 0.05, 1.5
# The part behind the lead's own.
FIRST_KEPT = 2
STRANGER = "This slice is relayed between two boards, and this is neither of them, or the token is not that of its run."


class End(NamedTuple):
    """Who asks: the board that keeps the slice hears what goes out, whoever has the part before it what comes back."""

    hosting: UUID
    hears: Way
    says: Way


def end_of(agent: Agent, pk: UUID, token: str) -> End:
    """409 when the slice is over, 403 for anybody else."""
    row = _relayed(pk)
    knows = compare_digest(digest(token), row.token_hash)
    if knows and row.device_id == agent.device_id and Run.objects.filter(pk=row.run_id, status__in=HELD).exists():
        return End(pk, "out", "back")
    if knows and _is_before(agent, row):
        return End(pk, "back", "out")
    raise Unwelcome(403, STRANGER)


def end_of_lead(pk: UUID, run: UUID, lease: int) -> End:
    """For the worker that leads the run by this lease; 409 when the slice is over, 403 when the run is no longer its own."""
    row = _relayed(pk)
    leads = Run.objects.filter(pk=run, token=lease, status__in=HELD, board=None).values_list("recipe", flat=True).first()
    if leads is None or row.run_id != run or not (row.part == FIRST_KEPT or standing.is_star(leads)):
        raise Unwelcome(403, STRANGER)
    return End(pk, "back", "out")


def _relayed(pk: UUID) -> Hosting:
    row: Hosting | None = Hosting.objects.filter(pk=pk, state__in=STANDS, relayed=True).first()
    if row is None:
        raise Unwelcome(409, GONE)
    return row


def _is_before(agent: Agent, row: Hosting) -> bool:
    """Whether this board has the part before: it leads the run, or keeps that part for it."""
    runs = Run.objects.filter(pk=row.run_id, status__in=HELD)
    if row.part == FIRST_KEPT:
        return bool(runs.filter(board_id=agent.device_id, board_lease=F("token")).exists())
    kept = Hosting.objects.filter(run__in=runs, part=row.part - 1, device_id=agent.device_id, state__in=STANDS)
    return bool(kept.exists())


def call(end: End) -> int:
    """A new connection; the one before is over."""
    if end.says != "out":
        raise Unwelcome(403, STRANGER)
    with _redis().pipeline() as steps:
        steps.incr(_calls(end)).expire(_calls(end), 24 * 3600)
        return int(steps.execute()[0])


def called(end: End, after: int) -> int:
    """The newest call, once it is another than `after`; `after` when there is none for a while."""
    found = _awaited(lambda: _newer(_redis().get(_calls(end)), after))
    return after if found is None else int(found)


def put(end: End, call: int, number: int, piece: bytes) -> None:
    """429 while too many wait for the other side."""
    key = _current(end, call, end.says)
    taken = int(_redis().get(f"{key}:at") or 0)
    if number < taken:
        return
    if number - taken >= MOST_UNDERWAY:
        raise Unwelcome(429, "The other side has not taken what was said before.", retry_after=0.05)
    with _redis().pipeline() as steps:
        steps.hset(key, str(number), piece).expire(key, KEPT_S).execute()


def get(end: End, call: int, number: int) -> bytes | None:
    """The piece of this number, None when it does not come for a while; those before it are gone."""
    key = _current(end, call, end.hears)
    with _redis().pipeline() as steps:
        steps.hdel(key, str(number - 1)).set(f"{key}:at", number, ex=KEPT_S).execute()
    found: bytes | None = _awaited(lambda: _redis().hget(key, str(number)))
    return found


def _awaited(look: Any) -> Any:
    until, pause = time.monotonic() + WAIT_S, FIRST_LOOK_S
    while (found := look()) is None and time.monotonic() < until:
        _leave_the_database()
        time.sleep(pause)
        pause = min(SLOWER * pause, LAST_LOOK_S)
    return found


def _leave_the_database() -> None:
    """Nothing of it is needed while this waits; the next query, if there is one, opens it again."""
    if not connection.in_atomic_block:
        connection.close()


def _newer(found: Any, after: int) -> int | None:
    return int(found) if found is not None and int(found) != after else None


def _calls(end: End) -> str:
    return f"relay:{end.hosting}:calls"


def _current(end: End, call: int, way: Way) -> str:
    """What its pieces are kept under; 409 when the call is not the newest one: nobody keeps more than two ways full."""
    if int(_redis().get(_calls(end)) or 0) != call:
        raise Unwelcome(409, "This connection is over.")
    return f"relay:{end.hosting}:{call}:{way}"


@cache
def _redis() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=10, socket_connect_timeout=2)
