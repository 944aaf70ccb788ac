"""A client's state on its way from one edge server to another, while the client waits for its gradient.

Behind the step of a batch and before its gradient goes back nothing else is under way. The state counts as moved when the other
server has said the hash of what it took in; until then, and where it never does, the client stays. Where the client then cannot
reach the other one it comes back, for its state is kept here until the round's end.

Ullah, Wu, Rodgers, Varghese: "FedFly", 2022, arXiv 2111.01516; the acknowledgement and the ways back are ours.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from worker.federated.flight import Unfit, size
from worker.federated.real.desk import Desk
from worker.federated.real.words import ACK, MOVE_TO, MOVED, SORRY, STAYED, Going, Strayed, digest, sorry, whole_in
from worker.links.calling import connect
from worker.links.faults import LinkFault, Refused
from worker.links.frames import Frame
from worker.links.wire import Address, Wire

if TYPE_CHECKING:
    from worker.federated.real.edge import Edge, Round
    from worker.federated.real.setup import Setup

log = logging.getLogger(__name__)
# Between two edge servers hearing of a round.
BEGINS_S = 10.0
CANNOT = "The state that came cannot be gone on with."


def answered(edge: Edge, round_: Round, desk: Desk, going: Going) -> Frame | None:
    """What a client is told that is to move; None where it stays, which the coordinator hears of."""
    carried_bytes, took_s = 0, 0.0
    if going.on_move == "migrates":
        try:
            carried_bytes, took_s = handed_over(edge.setup, round_.peers[going.edge], desk, round_.ack_s)
        except (LinkFault, Strayed, KeyError) as fault:
            edge.tell(STAYED, desk.work, after=going.after, to=going.edge, why=str(fault)[:500])
            return None
    there = edge.setup.name if going.on_move == "waits" else going.edge
    edge.tell(MOVED, desk.work, after=going.after, to=there, moved_bytes=carried_bytes, moved_s=took_s)
    return Frame(MOVE_TO, {"edge": there, "on_move": going.on_move, "away_s": going.away_s})


def handed_over(setup: Setup, address: Address, desk: Desk, ack_s: float) -> tuple[int, float]:
    """Bytes of the message; seconds from packing it to having its hash back. A LinkFault or Strayed where it does not come."""
    began = time.monotonic()
    frame = desk.packed()
    with connect(address, token=setup.token, run=setup.run, patience_s=ack_s, most_bytes=setup.most_bytes) as wire:
        wire.send(frame)
        said = wire.receive()
    if said.kind == SORRY:
        raise Refused(f"The other edge server did not take it: {said.facts.get('why')!s:.300}")
    if said.kind != ACK or said.facts.get("hash") != digest(frame):
        raise Strayed("The other edge server took in something else than was sent.")
    return size(frame), time.monotonic() - began


def taken_in(edge: Edge, wire: Wire, frame: Frame) -> None:
    """The other end of it. The same message twice makes no difference, an older one is refused."""
    try:
        wire.send(Frame(ACK, {"hash": _put(edge, frame)}))
    except (Strayed, Unfit) as fault:
        wire.send(sorry(str(fault)))
    except LinkFault:
        raise
    except Exception:
        log.exception("A state could not be taken in.")
        wire.send(sorry(CANNOT))


def _put(edge: Edge, frame: Frame) -> str:
    told = frame.facts.get("ticket")
    if not isinstance(told, dict):
        raise Strayed(CANNOT)
    _, work = edge.work_of(told.get("client"), whole_in(told, "round"), BEGINS_S)
    hash_ = digest(frame)
    with edge.turn:
        known, half = edge.known(work.client), edge.half(work)
        if known is not None and known.hash == hash_:
            return hash_
        if half is None or (known is not None and known.batch > whole_in(told, "batch") + 1):
            raise Strayed(f"{work.client} is further than that here, or trains alone.")
        edge.drop(work.client)
        edge.put(Desk.taken_over(work, half, frame))
    return hash_
