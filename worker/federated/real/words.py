"""What is said in a round, and how: the kinds of frames, what a client has to do, and tensors as messages carry them.

    coordinator -> edge    GLOBAL      the round's weights, what each client has to do, where the other edge servers are
    device -> edge         HELLO       who it is, which round, the last batch whose gradient it awaits (-1: none)
    edge -> device         WORK        its part of the weights, and its images' positions where it has not got them
    device -> edge         ACTIVATIONS a batch behind the cut, with its labels
    edge -> device         GRADIENT    the gradient of that; or MOVE_TO another edge server, where it goes on
    edge -> edge           MIGRATE     a client's state; ACK with the frame's hash
    device -> edge         WEIGHTS     its part of the network after the round; then BYE
    edge -> coordinator    HERE, UPDATE, ENDED, GONE, MOVED, STAYED: what became of a client
    to whoever errs        SORRY       why not

and with a board, over the one connection that its coordinator makes to it:

    board -> coordinator   READY       what it computes with
    coordinator -> board   ORDER       where it belongs in a round
    board -> coordinator   CALL        the edge server that it wants; what follows goes there and back, until LEAVE
    coordinator -> board   GONE        the edge server cannot be spoken to any more

Wu, Ullah, Rodgers, Varghese: "FedAdapt", 2022, arXiv 2107.04271; Ullah, Wu, Rodgers, Varghese: "FedFly", 2022, arXiv 2111.01516.
The hash, the acknowledgement and what follows a failure are ours.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from numpy.typing import NDArray
from torch import Tensor

from worker.federated.flight import array, laid, tensor_of, unlaid
from worker.federated.learning import Pace, draw
from worker.federated.sides import Terms
from worker.federated.states import State
from worker.links import frames
from worker.links.frames import Frame

COORDINATE, GLOBAL, HELLO, WORK, ACTIVATIONS, GRADIENT = "coordinate", "global", "hello", "work", "activations", "gradient"
MOVE_TO, WEIGHTS, BYE, SORRY, ACK = "move-to", "weights", "bye", "sorry", "ack"
HERE, UPDATE, ENDED, GONE, MOVED, STAYED = "here", "update", "ended", "gone", "moved", "stayed"
READY, ORDER, CALL, LEAVE = "ready", "order", "call", "leave"
WEIGHT, OWN, SENT, LABELS, BACK = "weight/", "own/", "sent", "labels", "back"
# The batch before the first one.
NONE_YET = -1


class Talk(Protocol):
    def send(self, frame: Frame) -> None: ...
    def receive(self) -> Frame: ...


class Strayed(ValueError):
    """Something came that does not belong here; the text is a sentence for whoever sent it."""


@dataclass(frozen=True)
class Going:
    """A move behind batch `after` (from 0). `on_move`: its state goes with it (migrates), the round begins anew there (restarts),
    or it is back after `away_s` seconds (waits)."""

    after: int
    edge: str
    on_move: str
    away_s: float = 0.0


@dataclass(frozen=True)
class Work:
    """What a client does in a round: `images` of its own, the layers up to `cut` on the device; all of them where it is empty."""

    client: str
    round: int
    cut: str
    images: int
    terms: Terms
    pace: Pace
    goings: tuple[Going, ...] = ()

    @property
    def draw(self) -> str:
        return draw(self.pace, self.client, self.round)

    def as_facts(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Work:
        rest = {name: facts[name] for name in ("client", "round", "cut", "images")}
        return cls(**rest, terms=Terms(**facts["terms"]), pace=Pace(**facts["pace"]),
                   goings=tuple(Going(**each) for each in facts["goings"]))


def weights(state: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    return {WEIGHT + name: array(tensor) for name, tensor in state.items()}


def state_in(frame: Frame) -> State:
    return {name.removeprefix(WEIGHT): tensor_of(found) for name, found in frame.tensors.items() if name.startswith(WEIGHT)}


def activations(work: Work, batch: int, sent: Tensor, labels: Tensor) -> Frame:
    how, flat = laid(sent)
    return Frame(ACTIVATIONS, {"round": work.round, "batch": batch, "how": how}, {SENT: array(flat), LABELS: array(labels)})


def gradient(work: Work, batch: int, back: Tensor, **seconds: float) -> Frame:
    how, flat = laid(back)
    return Frame(GRADIENT, {"round": work.round, "batch": batch, "how": how, **seconds}, {BACK: array(flat)})


def tensor_in(frame: Frame, name: str) -> Tensor:
    """A batch's tensor, laid out as it was where it was made. Strayed where there is none; Unfit where it cannot be read."""
    if name not in frame.tensors or not isinstance(frame.facts.get("how"), dict):
        raise Strayed(f"A frame {frame.kind!r} has the tensor {name!r} and says how it is laid out.")
    return unlaid(tensor_of(frame.tensors[name]), frame.facts["how"])


def digest(frame: Frame) -> str:
    """SHA-256 of the frame's bytes, the same on both sides."""
    found = hashlib.sha256()
    for part in frames.parts(frame):
        found.update(part)
    return found.hexdigest()


def sorry(why: str) -> Frame:
    return Frame(SORRY, {"why": why[:500]})


def seconds_in(facts: Mapping[str, Any], name: str, most: float) -> float:
    """What somebody says that something took; 0 where that cannot be."""
    told = facts.get(name)
    is_number = isinstance(told, int | float) and not isinstance(told, bool) and math.isfinite(told)
    return min(max(float(told), 0.0), most) if is_number else 0.0  # type: ignore[arg-type]


def whole_in(facts: Mapping[str, Any], name: str) -> int:
    """A whole number. Strayed where it is none."""
    told = facts.get(name)
    if type(told) is not int:
        raise Strayed(f"{name} is a whole number; got {told!r:.40}.")
    return told
