"""The measuring half of a run: each part alone, then image after image through all of them. NumPy only; boards run it too."""

from __future__ import annotations

import math
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.context import Context
from worker.events import Event, Log, Progress
from worker.links import bodies
from worker.partitioning.slicing import telling
from worker.partitioning.slicing.asked import Asked
from worker.partitioning.slicing.chain import Chain, Hosts
from worker.partitioning.slicing.faults import GaveUp
from worker.partitioning.slicing.local import Local, Part
from worker.partitioning.slicing.measured import Found
from worker.partitioning.slicing.predicting import predicted
from worker.partitioning.slicing.setup import BESIDE_TENSORS
from worker.profiling.pulse import Pulse

IMAGES, WHOLE, SLICES = "images.safetensors", "whole", "slices"
CHECKPOINT, PORTIONS = "slices", 10
ALONE_S = 1.0
RUN = "slices"
AGAIN = ("The run goes on: what each part takes alone was timed before, in processes that are no more; images that were measured "
         "then are kept.")


def here(what: Asked, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """All parts on this computer, a process each, with emulated links between."""
    parts = [Part(piece["name"], context.workdir / piece["file"] if piece["file"] else None, link)
             for piece, link in zip(what.pieces, [*what.links, None], strict=True)]
    most = most_bytes(what, context)
    with Local(parts, run=RUN, engine=what.engine, threads=context.threads, most_bytes=most) as hosts:
        return (yield from streamed(what, hosts, context, most_bytes=most))


def most_bytes(what: Asked, context: Context) -> int:
    """Of one frame: what parts hand on, or an image as the first one gets it."""
    return max(what.most_bytes, BESIDE_TENSORS + 2 * _given(context.workdir)["images"][:1].nbytes)


def streamed(
    what: Asked, hosts: Hosts, context: Context, *, most_bytes: int,
) -> Generator[Event, None, dict[str, Any]]:
    """Drive the hosts, wherever they are; returns the run's summary."""
    given = _given(context.workdir)
    kept = context.checkpoints.last(CHECKPOINT)
    found = Found.from_bytes(kept[1]) if kept else Found()
    yield from telling.begun(what, context)
    if kept:
        yield Log(message=AGAIN)
    with Chain(hosts, first=given["images"][:1], most_bytes=most_bytes, patience_s=what.patience_s) as chain:
        yield Progress(done=0, total=1, stage="starting the parts")
        abouts = yield from chain.opened()
        yield from telling.who(what, abouts)
        yield from _warm(what, chain, given)
        found.alone_ns = found.alone_ns or (yield from _alone(what, chain, found, context))
        expected = predicted(found.alone_ns, what.links, what.out_bytes)
        yield from telling.expected(what, expected)
        yield from telling.images(what, found, 0)
        yield from _through(what, chain, given, found, context)
        found.restarts += chain.restarts
    _judge(what, found)
    yield from telling.ended(what, expected, found, context)
    return telling.summary(what, expected, found, context)


def _given(folder: Path) -> dict[str, NDArray[Any]]:
    """Read by what frames are read by: a board has no other library for it."""
    return bodies.read(np.fromfile(folder / IMAGES, np.uint8))


def _warm(what: Asked, chain: Chain, given: dict[str, NDArray[Any]]) -> Generator[Event, None, None]:
    pulse = Pulse()
    for number in range(what.warmup):
        yield from chain.image(number, _image(given, number))
        if pulse.due():
            yield Progress(done=number, total=what.warmup, stage="warming up")


def _alone(what: Asked, chain: Chain, found: Found, context: Context) -> Generator[Event, None, list[list[int]]]:
    """Each part in its own process while all others wait; kept before anything is said of it."""
    samples = list[list[int]]()
    for part, piece in enumerate(what.pieces, 1):
        yield Progress(done=part - 1, total=len(what.pieces), stage="timing each part alone")
        samples.append((yield from chain.alone(part, what.repeats, ALONE_S)) if piece["file"] else [])
    found.alone_ns = samples
    context.checkpoints.save(CHECKPOINT, 0, found.as_bytes(), {})
    return samples


def _through(
    what: Asked, chain: Chain, given: dict[str, NDArray[Any]], found: Found, context: Context,
) -> Generator[Event, None, None]:
    pulse, portion, said = Pulse(), math.ceil(what.images / PORTIONS), found.images
    while found.images < what.images:
        number = found.images
        ran = yield from chain.image(number, _image(given, number))
        found.add(ran, _image(given, number, SLICES), _image(given, number, WHOLE))
        if found.images % portion == 0 or found.images == what.images:
            # Kept first: what was said is never contradicted by a run that goes on from here.
            context.checkpoints.save(CHECKPOINT, found.images, found.as_bytes(), {})
            yield from telling.images(what, found, said)
            said = found.images
        if pulse.due():
            yield Progress(done=found.images, total=what.images, stage="images")


def _image(given: dict[str, NDArray[Any]], number: int, which: str = "images") -> NDArray[Any]:
    place = number % len(given["images"])
    return given[which][place:place + 1]


def _judge(what: Asked, found: Found) -> None:
    """On one machine the same slices answer the same, to the last bit; what does not is wrong, however fast."""
    if math.isinf(found.apart):
        raise GaveUp("The parts answered with numbers that are none, where the whole network has others: something is wrong with "
                     "one of them.")
    if what.emulated and not found.bit_equal:
        raise GaveUp("The parts in processes of their own answered otherwise than the same slices in one process, by up to "
                     f"{found.apart:.1e} of the largest number of the whole network's answer: something is wrong with them.")
    if what.emulated and what.engine == "torch" and found.apart:
        raise GaveUp(f"The parts answered otherwise than the whole network, by up to {found.apart:.1e} of its largest number; "
                     "operation by operation in torch they must be the same to the last bit.")
