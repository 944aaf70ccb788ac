"""The parts of a plan where they really stand: the first one here, the others on boards whose agents keep them."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator, Sequence
from typing import Any, Self

from worker.context import Context, HostInput
from worker.events import Event, Log
from worker.orders import Order
from worker.partitioning.slicing import streaming
from worker.partitioning.slicing.asked import Asked
from worker.partitioning.slicing.faults import GaveUp
from worker.partitioning.slicing.local import Part, Process
from worker.partitioning.slicing.setup import BESIDE_TENSORS, HERE, Engine, Setup, Stop

# A board's agent starts a slice again that died; so long it is waited for, and so often it is looked for.
RETURN_S, LOOK_S = 20.0, 0.25
# Beside a fault that names only the relay's own place on the board before it.
BY_PORTAL = "It is reached by way of the portal."


class OnBoards:
    """`first` is served here, by a process of this computer; each of `hosts` by its board, which starts it again when it dies."""

    def __init__(self, first: Part, hosts: Sequence[HostInput], *, engine: Engine, threads: int, most_bytes: int,
                 return_s: float = RETURN_S) -> None:
        self._first, self._hosts, self._return_s = first, sorted(hosts, key=lambda each: each.part), return_s
        self._setup = Setup(part=1, name=first.name, file=str(first.file.resolve()) if first.file else "", engine=engine,
                            token=self._hosts[0].token, run=self._hosts[0].run, most_bytes=most_bytes, threads=threads)
        self._process: Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def names(self) -> Sequence[str]:
        return [self._first.name, *(each.device for each in self._hosts)]

    @property
    def stands(self) -> list[str]:
        """Where each part stands, in a sentence."""
        return [f"Part 1 runs here, as {self._first.name}.", *map(_reached, self._hosts)]

    def route(self) -> Sequence[Stop]:
        if self._process is None or not self._process.is_running:
            self.close()
            self._process = Process(self._setup)
            if sorry := self._process.await_port():
                raise GaveUp(f"Part 1, {self._first.name}, could not be started: {sorry}")
        here = Stop((HERE,), self._process.port, self._setup.run, self._setup.token)
        return [here, *(Stop(each.addresses, each.port, each.run, each.token, each.pin or None) for each in self._hosts)]

    def became(self, part: int, why: str) -> str:
        """Ours is ended, and started anew with the next route. A board's is waited for: its agent starts it again."""
        if part > 1:
            host = self._hosts[part - 2]
            _await(host, self._return_s)
            return f"{why} {BY_PORTAL}" if host.relayed else why
        ended = self._process.ending() if self._process else ""
        self.close()
        return ended or why

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None


def _reached(host: HostInput) -> str:
    if host.relayed:
        return (f"Part {host.part} stands on {host.device}, relayed by the portal: what lies between is the way to the portal "
                "and back, and its own work.")
    return (f"Part {host.part} stands on {host.device}, reached directly at {host.addresses[0]}, port {host.port}, under TLS "
            f"with the certificate {host.pin[:16]}...")


def _await(host: HostInput, seconds: float) -> None:
    """Until somebody listens there again, but no longer. To one that is relayed nobody connects: a call waits for it."""
    until = time.monotonic() + seconds
    time.sleep(LOOK_S)  # What has just been killed may be heard to listen for a moment.
    while not host.relayed and time.monotonic() < until and not _is_there(host):
        time.sleep(LOOK_S)


def _is_there(host: HostInput) -> bool:
    return any(_listens(address, host.port) for address in host.addresses)


def _listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def parcelled(order: Order, engine: Engine) -> Order:
    """The order, with what of it goes to the board of each part behind the first: its file, and what its process is told."""
    pieces = order.facts["pieces"]
    most_bytes = BESIDE_TENSORS + 2 * max(int(piece["out_bytes"]) for piece in pieces)
    parcels = {str(part): {"files": [piece["file"]], "facts": {"engine": engine, "most_bytes": most_bytes}}
               for part, piece in enumerate(pieces, 1) if part > 1}
    return Order(files=order.files, facts={**order.facts, "hosted": parcels})


def apart(what: Asked, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """The first part here, each of the others on its board; what lies between them is what really lies there."""
    piece, most = what.pieces[0], streaming.most_bytes(what, context)
    first = Part(piece["name"], context.workdir / piece["file"] if piece["file"] else None)
    with OnBoards(first, context.hosts, engine=what.engine, threads=context.threads, most_bytes=most) as hosts:
        for each in hosts.stands:
            yield Log(message=each)
        return (yield from streaming.streamed(what, hosts, context, most_bytes=most))
