"""A small residual network as a structure, and variants that are made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apps.accounts.models import Team
from apps.catalog import blobs
from apps.catalog.models import RegisteredModel, Variant
from worker.structure import Cut, Input, Layer, Parity, Structure


def layer(name: str, op: str, *inputs: str, y: float, params: int = 0, macs: int = 0, side: int = 8, channels: int = 4,
          **more: Any) -> Layer:
    held = 4 * channels * side * side
    return Layer(name=name, op=op, params=params, macs=macs, activation_bytes=held, living_bytes=2 * held,
                 out_shape=(channels, side, side), inputs=inputs, y=y, **more)


def structure(width: int = 4, **more: Any) -> Structure:
    """Stem, a block of two layers with a way around it, their sum, an answer; `width`: channels inside the block."""
    layers = (
        layer("stem.conv", "Conv2d", "x", y=1, params=36, macs=2304, arguments={"kernel_size": [3, 3], "stride": [1, 1]}),
        layer("block.conv1", "Conv2d", "stem.conv", y=2, params=36 * width, macs=2304 * width, channels=width,
              arguments={"kernel_size": [3, 3], "out_channels": width}),
        layer("block.conv2", "Conv2d", "block.conv1", y=3, params=36 * width, macs=2304 * width,
              arguments={"kernel_size": [3, 3], "in_channels": width}),
        layer("add", "add", "block.conv2", "stem.conv", y=4, routes=((), ((1.0, 2.0), (1.0, 3.0)))),
        layer("head.fc", "Linear", "add", y=5, params=40, macs=40, channels=10, side=1),
    )
    cuts = (Cut(after="stem.conv", tensors=("stem.conv",), bytes=1024, head_macs=2304),
            Cut(after="add", tensors=("add",), bytes=1024, head_macs=2304 + 4608 * width),
            Cut(after="head.fc", tensors=("head.fc",), bytes=40, head_macs=2344 + 4608 * width))
    facts = {"params": sum(each.params for each in layers), "macs": sum(each.macs for each in layers),
             "activation_bytes": max(each.living_bytes for each in layers), "layers": layers, "cuts": cuts, "answer": "head.fc"}
    return Structure(in_shape=(1, 8, 8), out_shape=(10,), input=Input(name="x"), **{**facts, **more})


def chain(length: int) -> Structure:
    """So many layers, one behind the other."""
    layers = tuple(layer(f"layers.{at}", "ReLU", f"layers.{at - 1}" if at else "x", y=at + 1, params=at) for at in range(length))
    return structure(layers=layers, cuts=(), answer=layers[-1].name)


def drawn(team: Team, folder: Path, name: str = "drawn", made_of: Structure | None = None, **more: Any) -> Variant:
    """A variant whose structure is kept beside it."""
    made = made_of or structure(parity=Parity(max_abs=2e-6, max_relative=3.1e-7))
    file = folder / "structure.json"
    file.write_text(made.model_dump_json())
    kept = blobs.keep(file)
    new = {"team": team, "name": f"{name} net", "in_shape": [1, 8, 8], "classes": 10}
    model = more.pop("model", None) or RegisteredModel.objects.create(**new)
    facts = {"params": made.params, "macs": made.macs, "activation_bytes": made.activation_bytes, "size_bytes": 12}
    return Variant.objects.create(team=team, model=model, name=name, file=kept, structure=kept, **facts, **more)
