"""The pulse of every worker: a mark in Redis that fades when it is not renewed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache

import redis
from django.conf import settings

PREFIX, FADES_S, PATIENCE_S = "edgeportal:pulse:", 100, 2.0


@cache
def line() -> redis.Redis:
    """A client of this process that never waits for long."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S)


def beat(worker: str) -> None:
    """Say that this worker is here."""
    line().set(f"{PREFIX}{worker}", int(time.time()), ex=FADES_S)


def heard() -> dict[str, float]:
    """Seconds since the last pulse of each worker that had one lately, by its name."""
    return {name: max(0.0, time.time() - at) for name, at in _marks()}


def _marks() -> Iterator[tuple[str, float]]:
    for key in line().scan_iter(match=f"{PREFIX}*", count=1000):
        at = line().get(key)
        if at is not None:
            yield key.decode().removeprefix(PREFIX), float(at)
