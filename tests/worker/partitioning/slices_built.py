"""A small network in three parts, as files, with images and their answers: what tests of slices that run start from."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from safetensors.numpy import load_file

from worker.context import Context, DatasetInput, ModelInput
from worker.events import Event
from worker.partitioning.slicing import preparing
from worker.partitioning.slicing.asked import Asked, asked
from worker.partitioning.slicing.chain import Chain
from worker.partitioning.slicing.local import Local, Part
from worker.partitioning.slicing.setup import Engine
from worker.planning.parted import read_links, read_plan

PLAN = "pi until pool1; edge until relu3; cloud"
LINKS = "pi to edge: 4 ms, 20 Mbit/s; edge to cloud: 2 ms, 100 Mbit/s"
MOST_BYTES = 1 << 20
Result = TypeVar("Result")


class Built(NamedTuple):
    what: Asked
    context: Context
    arrays: dict[str, Any]


def built(folder: Path, plan: str = PLAN, links: str = LINKS, engine: Engine = "onnxruntime", *, images: int = 8) -> Built:
    context = Context(folder, inputs={"model": ModelInput("lenet5", architecture="lenet5"), "dataset": DatasetInput("digits")})
    parts = read_plan(plan)
    order, _ = heard(preparing.prepare(parts, read_links(links, [part.name for part in parts]), engine, images, context))
    what = asked(order, engine=engine, images=images, warmup=1, context=context)
    return Built(what, context, load_file(folder / "images.safetensors"))


def heard(running: Generator[Event, None, Result]) -> tuple[Result, list[Event]]:
    """What a generator of events returns, and what it said."""
    events = list[Event]()
    while True:
        try:
            events.append(next(running))
        except StopIteration as end:
            return end.value, events


def hosts(of: Built, *, run: str = "test") -> Local:
    what = of.what
    parts = [Part(piece["name"], of.context.workdir / piece["file"] if piece["file"] else None, link)
             for piece, link in zip(what.pieces, [*what.links, None], strict=True)]
    return Local(parts, run=run, engine=what.engine, threads=1, most_bytes=MOST_BYTES)


def chain(of: Built, on: Local, patience_s: float = 20.0) -> Chain:
    return Chain(on, first=of.arrays["images"][:1], most_bytes=MOST_BYTES, patience_s=patience_s)


def answers(of: Built, through: Chain, *numbers: int) -> tuple[bool, list[Event]]:
    """Whether these images are answered as the slices did in one process, bit for bit, and what was said meanwhile."""
    said, same = list[Event](), True
    for number in numbers:
        ran, events = heard(through.image(number, of.arrays["images"][number:number + 1]))
        said += events
        same &= np.array_equal(ran.answer, of.arrays["slices"][number:number + 1])
    return same, said


def eventually(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    """Ended, and taken notice of."""
    return not Path(f"/proc/{pid}").exists()
