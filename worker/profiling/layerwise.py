"""A network parted into blocks where torch is: written as slices for ONNX Runtime, here or on a board, or timed in torch."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator
from typing import Any

import torch
from torch import fx

from worker.context import Context
from worker.dnn import export
from worker.dnn.describe import describe
from worker.dnn.shapes import Shape
from worker.events import Event, Log, Progress
from worker.orders import Order
from worker.profiling import blocks, eager
from worker.profiling.blocks import Grain
from worker.profiling.blockwise import Asked, timed
from worker.profiling.parting import chained, stamped
from worker.profiling.parts import Part
from worker.profiling.pulse import Pulse
from worker.profiling.stopwatch import Plan
from worker.profiling.subject import subject
from worker.profiling.turns import Turns
from worker.profiling.variants import Variant
from worker.structure import FLOAT32_BYTES


def prepare(grain: Grain, most_tensors: int, context: Context) -> Generator[Event, None, Order]:
    """One ONNX file a block, and the whole network's."""
    if most_tensors > 1:
        yield Log(level="warning", message="A slice takes one tensor: places that more go across are no cuts in ONNX Runtime.")
    variant = yield from _opened(context)
    after, parts = parted(variant.network, variant.in_shape, grain)
    slices, pulse = list[str](), Pulse()
    for number, part in enumerate(chained(variant.network, variant.in_shape, after), 1):
        slices.append(f"block-{number:04d}.onnx")
        export.to_onnx(part.network, part.in_shape, context.workdir / slices[-1])
        if pulse.due():
            yield Progress(done=number, total=len(parts), stage="writing the blocks")
    return Order(files=(*slices, variant.onnx.name), facts={
        "network": variant.as_summary(), "sha256": _given_sha256(variant, context), "in_shape": list(variant.in_shape),
        "input_bytes": _input_bytes(variant.in_shape),
        "parts": [part.model_dump() for part in parts], "slices": slices})


def by_torch(
    grain: Grain, most_tensors: int, plan: Plan, *, batch: int, context: Context,
) -> Generator[Event, None, dict[str, Any]]:
    """One pass over the network a repeat, with a clock between its blocks."""
    variant = yield from _opened(context)
    after, parts = parted(variant.network, variant.in_shape, grain, most_tensors)
    asked = Asked(variant, _given_sha256(variant, context), parts, _input_bytes(variant.in_shape), eager.ENGINE, batch, plan)
    turns = Turns(stamped(variant.network, after, eager.images(variant.in_shape, batch)),
                  eager.runner(variant.network, variant.in_shape, batch=batch, threads=context.threads))
    return (yield from timed(asked, turns, context))


def parted(
    network: fx.GraphModule, in_shape: Shape, grain: Grain, most_tensors: int = 1,
) -> tuple[list[str], tuple[Part, ...]]:
    """Behind which layers the network is cut, and what each block holds."""
    known = describe(network, in_shape)
    cuts = blocks.borders(known, grain, most_tensors)
    return [cut.after for cut in cuts], blocks.parts(known, cuts)


def _opened(context: Context) -> Generator[Event, None, Variant]:
    torch.set_num_threads(context.threads)
    variant = (yield from subject(context)).variant
    assert isinstance(variant, Variant)  # the recipe takes no other precision than fp32
    yield variant.said(given=True)
    return variant


def _given_sha256(variant: Variant, context: Context) -> str:
    """Of the file that the run was given, by which others know the network; of one drawn here, of what was written."""
    file = context.model().file
    if file is None:
        return variant.sha256
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _input_bytes(in_shape: Shape) -> int:
    return FLOAT32_BYTES * math.prod(in_shape)
