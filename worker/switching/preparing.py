"""Networks as files to serve from, each with its accuracy, and images to ask them: all that needs torch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from safetensors.numpy import save
from torch import fx

from worker import datasets
from worker.context import Context, ModelInput, write_durably
from worker.datasets import Data, normalise
from worker.dnn import export, files
from worker.events import Event, Log, Progress
from worker.orders import Order
from worker.profiling.recall import Work, once
from worker.profiling.variants import Variant, write
from worker.profiling.written import slug
from worker.switching.asked import Network
from worker.switching.densesize import at_dense_size
from worker.switching.packing import LEAST_BYTES, Span, pack
from worker.switching.running import IMAGES
from worker.training.accuracy import Score, measured, score

MOST_IMAGES = 64
FLOAT = onnx.TensorProto.FLOAT
NO_DENSE_FORM = ("{name} has no form at the size of {dense}: other layers, or channels whose order matters. Where networks are "
                 "held at dense size it has its own.")


def prepare(fields: Sequence[str], context: Context, *, is_dense_wanted: bool) -> Generator[Event, None, Order]:
    """`fields`: which inputs are networks, the one at whose size others are compared being the one with most parameters."""
    torch.set_num_threads(context.threads)
    data = datasets.load(context.dataset())
    made = list[Variant]()
    for field, given, name in _different(fields, context):
        made.append((yield from _made(field, given, name, data, context)))
        yield Progress(done=len(made), total=len(fields), stage="writing the networks")
    dense = max(made, key=lambda each: each.facts.params)
    entries = list[Network]()
    for variant in made:
        found = yield from once(context.checkpoints, f"accuracy-{slug(variant.name)}", _scored(variant, data))
        yield measured(Score(found["correct"], found["n"]), data, variant.name)
        entries.append((yield from _entry(variant, dense, found, context.workdir, is_dense_wanted=is_dense_wanted)))
    write_durably(context.workdir / IMAGES, save({"images": _images(data)}))
    return Order(files=tuple(dict.fromkeys(_files(entries, is_dense_wanted=is_dense_wanted))), facts={
        "networks": [asdict(entry) for entry in entries], "shape": list(data.in_shape), "dataset": data.name,
        "dense": dense.name})


def _different(fields: Sequence[str], context: Context) -> Iterator[tuple[str, ModelInput, str]]:
    """Each network once, under a name of its own: variants of one model are told apart without the model's."""
    seen, names = set[tuple[str, Path | None]](), dict[str, int]()
    are_of_one = len({context.model(field).name for field in fields}) == 1
    for field in fields:
        given = context.model(field)
        if (given.title, given.file) in seen and given.file is not None:
            continue
        seen.add((given.title, given.file))
        title = given.variant if are_of_one and given.variant else given.title
        names[title] = names.get(title, 0) + 1
        yield field, given, title if names[title] == 1 else f"{title}, {names[title]}"


def _made(field: str, given: ModelInput, name: str, data: Data, context: Context) -> Generator[Event, None, Variant]:
    loaded = files.open_model(given, num_classes=data.classes, in_shape=data.in_shape, seed=context.seed)
    if not loaded.trained:
        yield Log(level="warning", message=f"{name} is not trained, as far as is known: what it answers is a guess.")
    variant = yield from write(loaded.network, name, in_shape=data.in_shape, classes=data.classes, folder=context.workdir,
                               trained=loaded.trained, fold=True)
    yield variant.said(given=True).model_copy(update={"given_as": field})
    return variant


def _scored(variant: Variant, data: Data) -> Work:
    found = yield from score(variant.network, data, "test")
    variant.network.cpu()
    return {"correct": found.correct, "n": found.n, "accuracy": found.accuracy}


def _entry(
    variant: Variant, dense: Variant, found: dict[str, Any], folder: Path, *, is_dense_wanted: bool,
) -> Generator[Event, None, Network]:
    packed = folder / f"{slug(variant.name)}.packed"
    write_packed(variant.onnx, packed)
    large = variant.onnx
    if is_dense_wanted and variant is not dense:
        large = yield from _large(variant, dense, folder)
    facts = variant.facts
    return Network(variant.name, variant.onnx.name, packed.name, large.name, found["accuracy"], found["n"],
                 variant.onnx.stat().st_size, large.stat().st_size, packed.stat().st_size, facts.params, facts.macs)


def _large(variant: Variant, dense: Variant, folder: Path) -> Generator[Event, None, Path]:
    network: fx.GraphModule | None = at_dense_size(variant.network, dense.network, variant.in_shape)
    if network is None:
        yield Log(level="warning", message=NO_DENSE_FORM.format(name=variant.name, dense=dense.name))
        return variant.onnx
    path = folder / f"dense-size-{slug(variant.name)}.onnx"
    export.to_onnx(network, variant.in_shape, path, fold=True)
    return path


def write_packed(network: Path, path: Path) -> None:
    """The ONNX file as `packing` keeps it."""
    body = network.read_bytes()
    write_durably(path, pack(body, spans(body)))


def spans(body: bytes) -> list[Span]:
    """Where the larger float32 weights of an ONNX file lie in it."""
    found, at = list[Span](), 0
    for tensor in onnx.load_model_from_string(body).graph.initializer:
        raw = tensor.raw_data
        if tensor.data_type != FLOAT or len(raw) < LEAST_BYTES:
            continue
        begin = body.find(raw, at)
        if begin >= 0:
            found.append((begin, at := begin + len(raw)))
    return found


def _files(entries: Sequence[Network], *, is_dense_wanted: bool) -> Iterator[str]:
    yield IMAGES
    for entry in entries:
        yield entry.file
        yield entry.packed
        if is_dense_wanted:
            yield entry.dense


def _images(data: Data) -> np.ndarray[Any, np.dtype[np.float32]]:
    return normalise(data.parts["test"].images[:MOST_IMAGES], data).contiguous().numpy()
