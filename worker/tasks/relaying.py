"""Tensors from this computer, which leads a run, to a board that takes no connections: the portal's own relay, without HTTP.

Each piece is asked for by the lease of the run: a worker that lost it brings and hears nothing more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID

import redis
from django.db import InterfaceError, OperationalError, connection

from apps.devices.boards.unwelcome import Unwelcome
from apps.experiments import relaying, standing
from apps.experiments.models import Run
from worker.agent.relaying import HERE, Calling
from worker.agent.wording import Away, Refused
from worker.context import HostInput

WAITS = 429


class ByLease:
    """The lead's end of one slice."""

    def __init__(self, run: Run, hosting: str) -> None:
        self._run, self._lease, self._hosting = run.pk, run.token, UUID(hosting)

    def call(self) -> int:
        with _told():
            return relaying.call(self._end())

    def called(self, after: int) -> int:
        with _told():
            return relaying.called(self._end(), after)

    def put(self, call: int, number: int, piece: bytes) -> None:
        with _told():
            relaying.put(self._end(), call, number, piece)

    def get(self, call: int, number: int) -> bytes | None:
        with _told():
            return relaying.get(self._end(), call, number)

    def close(self) -> None:
        connection.close()

    def _end(self) -> relaying.End:
        return relaying.end_of_lead(self._hosting, self._run, self._lease)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """In the words of who carries: what another try may cure, and what is over."""
    try:
        yield
    except Unwelcome as unwelcome:
        if unwelcome.status == WAITS:
            raise Away(str(unwelcome), unwelcome.retry_after) from None
        raise Refused(unwelcome.status, str(unwelcome), {}) from None
    except (OperationalError, InterfaceError, redis.RedisError) as error:
        connection.close()
        raise Away(f"The portal's database or Redis does not answer ({type(error).__name__}).") from error


@contextlib.contextmanager
def reached(run: Run, hosts: Sequence[HostInput]) -> Iterator[tuple[HostInput, ...]]:
    """The hosts as they are reached from this computer, where the portal relays to those with whom it speaks itself."""
    is_star = standing.is_star(run.recipe)
    with contextlib.ExitStack() as open_:
        yield tuple(_reached(run, each, open_, is_near=is_star or each.part == relaying.FIRST_KEPT) for each in hosts)


def _reached(run: Run, host: HostInput, open_: contextlib.ExitStack, *, is_near: bool) -> HostInput:
    if not host.relayed or not is_near:
        return host
    relay = open_.enter_context(contextlib.closing(Calling(ByLease(run, host.relayed))))
    return replace(host, addresses=(HERE,), port=relay.port)
