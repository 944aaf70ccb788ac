"""What pruning found is found once a run: an attempt that goes on takes it from its checkpoint, and says again what was said.

Scores taken anew may rank two near neighbours the other way round, as sums on a GPU come out otherwise now and then: the
weights that were trained under one mask would be held under another.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from torch import fx

from worker.events import Event, Progress, read
from worker.listening import noting
from worker.pruning.pruned import Prune, Pruned, Subject
from worker.sparsity.packing import copied, pack, unpack

NAME = "pruned"
# Of what a method hands over, all that is neither tensors nor on its way to a training of its own.
FACTS = ("density", "round_to", "redrawn", "rewound", "untouched", "spent", "seconds")


def kept(prune: Prune, subject: Subject) -> Generator[Event, None, Pruned]:
    """What `prune` hands over, its zeros held. Methods without masks, and those that keep levels of their own, prune again."""
    known = subject.checkpoints.last(NAME)
    if known is not None and known[1]:
        yield from map(read, known[2]["said"])
        return _unpacked(known[1], known[2], subject.network)
    begun, said = time.monotonic(), list[Event]()
    pruned = yield from noting(prune(subject), lambda event: None if isinstance(event, Progress) else said.append(event))
    pruned.hold()
    if known is not None or not pruned.masks or pruned.onward is not None:
        return pruned
    took = time.monotonic() - begun if pruned.seconds is None else pruned.seconds
    facts = {name: getattr(pruned, name) for name in FACTS} | {
        "seconds": took, "said": [event.model_dump(mode="json") for event in said]}
    body = pack(pruned.network.state_dict(), {name: mask.cpu() for name, mask in pruned.masks.items()})
    subject.checkpoints.save(NAME, 0, body, facts)
    # A zero that is packed forgets its sign: this attempt goes on from the very bits that the next one would.
    return _unpacked(body, facts, pruned.network)


def _unpacked(body: bytes, facts: dict[str, Any], network: fx.GraphModule) -> Pruned:
    state, masks = unpack(body, copied(network.state_dict()))
    network.load_state_dict(state)
    return Pruned(network, masks=masks, **{name: facts[name] for name in FACTS})
