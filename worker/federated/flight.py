"""What an edge server knows of a client, as it goes to another one in the middle of a round, and the client goes on there.

Taken behind a batch's step on the server and before its gradient goes back: the client waits for that very message, so nothing
is under way. With it go the server's half of the network, its optimiser's state, the count of batches, the loss and the gradient;
what the device has stays on the device.

Ullah, Wu, Harvey, Kilpatrick, Spence, Varghese: "FedFly: Towards Migration in Edge-based Distributed Federated Learning", IEEE
Communications Magazine 60(11), 2022, arXiv 2111.01516.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from worker.federated.sides import EdgeSide, Terms, axes_of, core
from worker.federated.states import faults
from worker.links import frames
from worker.links.frames import Frame

MIGRATE, VERSION = "migrate", 1
WEIGHT, MOMENTUM, ANCHOR, GRADIENT = "weight/", "momentum/", "anchor/", "gradient"


class Unfit(ValueError):
    """What came is no state of this client that one could go on with; the message says why."""


@dataclass(frozen=True)
class Ticket:
    """Whose state it is and how far: `batch` of the round is behind the server, its gradient not yet with the client."""

    client: str
    round: int
    cut: str
    batch: int
    images: int
    draw: str


def carried(side: EdgeSide, ticket: Ticket, gradient: Tensor) -> Frame:
    """The message. Its tensors are copies."""
    tensors = {WEIGHT + name: tensor for name, tensor in side.state().items()}
    for name, weight in side.weights.items():
        held = side.optimiser.state.get(weight, {}).get("momentum_buffer")
        if held is not None:
            tensors[MOMENTUM + name] = held.detach().cpu().clone()
    tensors |= {ANCHOR + name: start for name, start in side.anchor.items()}
    how, tensors[GRADIENT] = laid(gradient)
    facts = {"version": VERSION, "ticket": asdict(ticket), "loss": side.loss if math.isfinite(side.loss) else None,
             "batches": side.batch, "gradient": how, "terms": asdict(side.terms)}
    return Frame(MIGRATE, facts, {name: array(tensor) for name, tensor in tensors.items()})


def landed(frame: Frame, network: nn.Module, ticket: Ticket) -> tuple[EdgeSide, Tensor]:
    """The side to go on with, in `network`, a half of the same cut, and the gradient that is still to be sent.

    Unfit where it is another client's, round's or cut's, or not whole.
    """
    facts, tensors = frame.facts, {name: tensor_of(each) for name, each in frame.tensors.items()}
    if frame.kind != MIGRATE or facts.get("version") != VERSION or facts.get("ticket") != asdict(ticket):
        raise Unfit(f"This is the state of {str(facts.get('ticket'))[:200]}; {asdict(ticket)} was expected.")
    own = {name.removeprefix(WEIGHT): tensor for name, tensor in tensors.items() if name.startswith(WEIGHT)}
    # Numbers that are not finite may go: a client that diverged is left out of the average, and is told why there.
    if why := faults(own, network.state_dict(), is_finite_asked=False):
        raise Unfit(f"The state of {ticket.client} cannot be gone on with: {why}.")
    network.load_state_dict(own)
    side = EdgeSide(network, Terms(**facts["terms"]), ticket.draw)
    side.batch, side.loss = int(facts["batches"]), math.nan if facts["loss"] is None else float(facts["loss"])
    for name, weight in side.weights.items():
        for kept in (MOMENTUM, ANCHOR):
            if kept + name in tensors and tensors[kept + name].shape != weight.shape:
                raise Unfit(f"The state of {ticket.client} cannot be gone on with: {kept}{name} is not of the weight's shape.")
        if MOMENTUM + name in tensors:
            side.optimiser.state[weight] = {"momentum_buffer": tensors[MOMENTUM + name].to(weight.device)}
    for name, own_start in side.anchor.items():
        if ANCHOR + name not in tensors:
            raise Unfit(f"The state of {ticket.client} cannot be gone on with: it does not say where {name} began the round.")
        # What the round began with, not what came: the pull is towards that.
        side.anchor[name] = tensors[ANCHOR + name].to(own_start.device)
    where = next(iter(side.weights.values())).device
    return side, unlaid(tensors[GRADIENT].to(where), facts["gradient"])


def size(frame: Frame) -> int:
    """Bytes of the message on a connection."""
    return frames.size(frame)


def laid(tensor: Tensor) -> tuple[dict[str, list[int]], Tensor]:
    """A tensor as its memory has it, contiguous, and how it is read; messages know no other order."""
    own = core(tensor.detach().cpu())
    axes = axes_of(own)
    return {"axes": axes, "shape": list(tensor.shape)}, own.permute(axes).contiguous()


def unlaid(tensor: Tensor, how: dict[str, list[int]]) -> Tensor:
    """As it was before it was sent. Unfit where it cannot be read so."""
    axes, shape = how.get("axes", []), how.get("shape", [])
    whole = all(isinstance(each, list) and all(type(one) is int and one >= 0 for one in each) for each in (axes, shape))
    if not whole or sorted(axes) != list(range(tensor.dim())) or len(shape) != tensor.dim():
        raise Unfit(f"A tensor of {tensor.dim()} axes cannot be read as {how!s:.80}.")
    own = tensor.permute([axes.index(axis) for axis in range(tensor.dim())])
    if any(have not in (1, wanted) for have, wanted in zip(own.shape, shape, strict=True)):
        raise Unfit(f"A tensor of {tuple(own.shape)} cannot be read as {how!s:.80}.")
    return own.expand(shape)


def array(tensor: Tensor) -> NDArray[Any]:
    found: NDArray[Any] = tensor.detach().cpu().contiguous().numpy()
    return found


def tensor_of(found: NDArray[Any]) -> Tensor:
    """A tensor of its own memory, whatever becomes of the frame's."""
    return torch.from_numpy(np.array(found, copy=True, order="C"))
