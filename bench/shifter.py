"""DNNShifter on a VGG down to 0.4 % of its weights: every level's variant beside the fused sparse network it was made of."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import interpolate

from bench.trials import run, settle
from worker import datasets
from worker.context import DatasetInput
from worker.datasets.data import Data, Part, channel_statistics
from worker.dnn import architectures, files

SHAPE, WIDTH, SEED = (1, 16, 16), 0.5, 7
EPOCHS, LEVELS, FRACTION, LAST = 10, 13, 0.35, 0.004
SMALLER, FASTER = 5.14, 1.67


def rows() -> Iterator[tuple[str, str]]:
    settle()
    with tempfile.TemporaryDirectory(prefix="ep-shifter-") as folder:
        model, data = _model(Path(folder)), _digits(Path(folder))
        found = run("portfolio.dnnshifter", seed=SEED, model=model, dataset=data, epochs=EPOCHS, levels=LEVELS, fraction=FRACTION,
                    rewind=0.1, portfolio="all", batch_size=16, learning_rate=0.03)
    yield "network", (f"VGG-11 with {WIDTH:g} of its channels, digits at 16x16, {EPOCHS} epochs a level of 16 images a step, "
                      f"{FRACTION:.0%} of the weights pruned a level, seed {SEED}; {found['epoch_equivalents']:.0f} epochs")
    for row in found["levels"]:
        yield f"level {row['level']}, density {row['density']:.2%}", _told(row)
    yield from _goals(found["levels"][-1])


def _told(row: dict[str, Any]) -> str:
    return (f"{100 * row['accuracy']:.1f} %, {row['different']} of {row['test_images']} predictions unlike the sparse network's; "
            f"{row['spatial_compression']:.2f}x fewer parameters, {row['latency_speed_up']:.2f}x faster, "
            f"{row['memory_saving']:.2f}x less memory (counted){'; noisy' if row['latency_noisy'] else ''}")


def _goals(last: dict[str, Any]) -> Iterator[tuple[str, str]]:
    reached = last["density"] <= LAST
    for what, value, goal in (("spatial compression", last["spatial_compression"], SMALLER),
                              ("latency, fused against fused", last["latency_speed_up"], FASTER)):
        missed = "" if reached and value >= goal else "**MISSED** "
        yield f"{what} at {last['density']:.2%}", f"{value:.2f}x ({missed}goal: at least {goal}x at {LAST:.1%})"


def _model(folder: Path) -> str:
    network = architectures.build("vgg11", 10, SHAPE, width=WIDTH, seed=SEED)
    file = folder / "vgg11-half.safetensors"
    files.save(network, file, in_shape=SHAPE, classes=10, name="vgg11")
    return str(file)


def _digits(folder: Path) -> str:
    """The digits at 16x16: a VGG halves its image four times, and at 32x32 the levels would take an hour."""
    small = datasets.load(DatasetInput("digits"))
    parts = {name: Part(_larger(part.images), part.labels) for name, part in small.parts.items()}
    mean, std = channel_statistics(parts["train"].images)
    file = folder / "digits16.safetensors"
    datasets.save(Data("digits16", SHAPE, small.classes, small.labels, mean, std, small.channel_order, parts), file)
    return str(file)


def _larger(images: torch.Tensor) -> torch.Tensor:
    larger = interpolate(torch.as_tensor(images).float(), size=SHAPE[1:], mode="bilinear", align_corners=False)
    return larger.round().to(torch.uint8)
