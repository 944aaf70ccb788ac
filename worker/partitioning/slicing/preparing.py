"""Slices of a plan as files, images to send through them, and what they must answer: all that needs torch."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import fx

from worker.context import Context, write_durably
from worker.datasets import Data, normalise
from worker.dnn import export, files
from worker.dnn.describe import describe
from worker.dnn.shapes import Shape, output_shape
from worker.dnn.slices import Slice
from worker.events import Event, Progress
from worker.orders import Order
from worker.partitioning.slicing.setup import Engine
from worker.partitioning.slicing.streaming import IMAGES, SLICES, WHOLE
from worker.partitioning.transfer.carrying import carry, sends_int8
from worker.planning.parted import INPUT, LinkAsked, PartAsked, refuse_slow, uncut
from worker.profiling.chain import Chain
from worker.profiling.parting import chained
from worker.profiling.pulse import Pulse
from worker.profiling.subject import subject
from worker.profiling.variants import Variant
from worker.structure import FLOAT32_BYTES

# Of a large network's images fewer are kept, and sent again and again.
MOST_IMAGES, MOST_IMAGES_BYTES = 64, 64_000_000


@dataclass(frozen=True)
class Piece:
    """A part as a file; none where it only holds the input. `out_bytes`: what it hands on."""

    name: str
    file: str
    out_bytes: int
    layers: str


def prepare(
    parts: Sequence[PartAsked], links: Sequence[LinkAsked], engine: Engine, images: int, context: Context,
) -> Generator[Event, None, Order]:
    """One file a part, and the images with the answers of the whole network and of the same slices in one process."""
    torch.set_num_threads(context.threads)
    found = yield from subject(context)
    variant = found.variant
    assert isinstance(variant, Variant)  # the recipe takes no other precision than fp32
    yield variant.said(given=True)
    refuse(variant.network, variant.in_shape, parts)
    pieces = yield from _written(variant, parts, engine, context.workdir)
    refuse_slow(links, [each.out_bytes for each in pieces])
    given = _images(found.data, images)
    whole, slices = _answers(variant, [context.workdir / each.file for each in pieces if each.file], engine, given, context)
    write_durably(context.workdir / IMAGES, save({"images": given, WHOLE: whole, SLICES: slices}))
    return Order(files=(*(each.file for each in pieces if each.file), IMAGES), facts={
        "network": variant.as_summary(), "pieces": [vars(each) for each in pieces], "links": [vars(each) for each in links],
        "dataset": found.data.name, "different": len(given)})


def refuse(network: fx.GraphModule, in_shape: Shape, parts: Sequence[PartAsked]) -> None:
    """ValueError where the network cannot be cut behind one of these layers, or the parts do not follow each other."""
    if sentence := uncut(parts, describe(network, in_shape)):
        raise ValueError(sentence)


def _written(
    variant: Variant, parts: Sequence[PartAsked], engine: Engine, folder: Path,
) -> Generator[Event, None, list[Piece]]:
    """`part-1.onnx`, or `part-1.safetensors` for torch."""
    cuts = [part.until for part in parts if part.until not in ("", INPUT)]
    slices, receives_int8 = _slices(variant, cuts), False
    pieces, pulse = list[Piece](), Pulse()
    for number, part in enumerate(parts, 1):
        if part.until == INPUT:
            pieces.append(Piece(part.name, "", FLOAT32_BYTES * math.prod(variant.in_shape), ""))
            continue
        piece = next(slices)
        file = f"part-{number}.{'onnx' if engine == 'onnxruntime' else 'safetensors'}"
        _write(piece, folder / file, engine, f"{variant.name}, part {number}")
        out = output_shape(piece.network, piece.in_shape)
        is_int8 = engine == "onnxruntime" and sends_int8(piece.network)
        if is_int8 or receives_int8:
            carry(folder / file, sends=is_int8, receives=receives_int8)
        pieces.append(Piece(part.name, file, (1 if is_int8 else FLOAT32_BYTES) * math.prod(out), _layers(piece)))
        receives_int8 = is_int8
        if pulse.due():
            yield Progress(done=number, total=len(parts), stage="writing the parts")
    return pieces


def _slices(variant: Variant, cuts: Sequence[str]) -> Iterator[Slice]:
    return chained(variant.network, variant.in_shape, cuts)


def _write(piece: Slice, path: Path, engine: Engine, name: str) -> None:
    if engine == "onnxruntime":
        export.to_onnx(piece.network, piece.in_shape, path)
    else:
        out = output_shape(piece.network, piece.in_shape)
        files.save(piece.network, path, in_shape=piece.in_shape, classes=out[0], name=name)


def _layers(piece: Slice) -> str:
    layers = describe(piece.network, piece.in_shape).layers
    return layers[0].name if len(layers) == 1 else f"{layers[0].name} to {layers[-1].name}"


def _images(data: Data, count: int) -> NDArray[np.float32]:
    """Of the test part, as the network takes them."""
    most = max(1, MOST_IMAGES_BYTES // (FLOAT32_BYTES * math.prod(data.in_shape)))
    return normalise(data.parts["test"].images[:min(count, most, MOST_IMAGES)], data).contiguous().numpy()


def _answers(
    variant: Variant, slices: Sequence[Path], engine: Engine, given: NDArray[np.float32], context: Context,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Of the whole network, and of the slices one behind the other in one process, image by image."""
    if engine == "torch":
        networks = [files.load(each).network for each in slices]
        return _stacked(given, [variant.network]), _stacked(given, networks)
    answers = []
    for which in ("whole", "blocks"):
        chain = Chain(slices, variant.onnx, given[:1], context.threads)
        chain.ready(which)
        answers.append(np.concatenate([_answer(chain, which, given[each:each + 1]) for each in range(len(given))]))
    return answers[0], answers[1]


def _answer(chain: Chain, which: str, image: NDArray[np.float32]) -> NDArray[np.float32]:
    chain.images = image
    return chain.answer(which)


def _stacked(given: NDArray[np.float32], networks: Sequence[fx.GraphModule]) -> NDArray[Any]:
    found = []
    with torch.inference_mode():
        for place in range(len(given)):
            value = torch.from_numpy(given[place:place + 1])
            for network in networks:
                value = network(value)
            found.append(value.numpy())
    return np.concatenate(found)
