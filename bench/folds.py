"""Reconvene beside the unstructured pruning that it replaces: VGG-16 at p = 0.875 on five folds of digits32, paired."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from apps.experiments.paired import paired
from bench.trials import run, settle, spread
from worker import datasets
from worker.context import DatasetInput
from worker.datasets import Data, Part
from worker.datasets.data import PARTS, channel_statistics
from worker.dnn import architectures, files

FOLDS, SPLIT_SEED, SPARSITY = 5, 1998, 0.875
# A quarter of VGG-16's channels, and as many epochs as five folds of two networks take ten minutes of one core for.
WIDTH, EPOCHS, BATCH = 0.25, 12, 64
TEST_TO_TRAIN = (1 / FOLDS) / ((1 - 1 / FOLDS) * 7 / 8)  # an eighth of what is not tested validates
RECONVENE, SINGLE = "pruning.reconvene", "pruning.magnitude"


def rows() -> Iterator[tuple[str, str]]:
    settle()
    begun, found = time.process_time(), dict[str, list[dict[str, Any]]]({RECONVENE: [], SINGLE: []})
    with tempfile.TemporaryDirectory(prefix="ep-folds-") as folder:
        model = _model(Path(folder))
        for number, data in enumerate(folds(datasets.load(DatasetInput("digits32")))):
            file = Path(folder) / f"fold-{number}.safetensors"
            datasets.save(data, file)
            for recipe, summaries in found.items():
                summaries.append(run(recipe, seed=number + 1, model=model, dataset=str(file), sparsity=SPARSITY, epochs=EPOCHS,
                                     batch_size=BATCH, start="initialisation", reference=False))
            narrow, masked = (100 * found[recipe][-1]["accuracy_after"] for recipe in (RECONVENE, SINGLE))
            tested = len(data.parts["test"])
            yield f"fold {number + 1}, tested on {tested}", f"Reconvene {narrow:.1f} %, single weights {masked:.1f} %"
    yield from _told(found)
    yield "trained", (f"VGG-16 with {WIDTH:g} of its channels from initialisation, {EPOCHS} epochs of {BATCH} images a step, no "
                      f"augmentation, one seed a fold; {(time.process_time() - begun) / 60:.0f} minutes of one core in all")


def _told(found: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    narrow, masked = ([100 * one["accuracy_after"] for one in found[recipe]] for recipe in (RECONVENE, SINGLE))
    first, other = found[RECONVENE][0], found[SINGLE][0]
    yield "Reconvene", (f"{spread(narrow)} %, {first['params_before'] / first['params_after']:.1f}x fewer parameters, pruned in "
                        f"{statistics.median(one['prune_seconds'] for one in found[RECONVENE]):.2f} s")
    yield "single weights at initialisation, the same p", (
        f"{spread(masked)} %, {other['params_before'] / other['params_after']:.1f}x fewer parameters stored")
    yield "Reconvene against single weights, paired by fold", against([a - b for a, b in zip(narrow, masked, strict=True)])


def against(points: Sequence[float]) -> str:
    """The mean of the differences with 95 %: as if the folds were independent, and as Nadeau and Bengio (2003) widen it, because
    folds share most of their training images: by the ratio of images that are tested to those that are trained on."""
    test = paired(points)
    assert test is not None and test.low is not None
    half = test.mean - test.low
    wide = half * math.sqrt(1 + test.n * TEST_TO_TRAIN)
    return (f"{test.mean:+.1f} points, 95 % from {test.mean - half:+.1f} to {test.mean + half:+.1f}; for folds that share "
            f"training images from {test.mean - wide:+.1f} to {test.mean + wide:+.1f}; sign flips p = {test.p:.2f}")


def _model(folder: Path) -> str:
    file = folder / "vgg16-narrow.safetensors"
    network = architectures.build("vgg16", 10, (3, 32, 32), seed=0, width=WIDTH)
    files.save(network, file, in_shape=(3, 32, 32), classes=10, name="vgg16")
    return str(file)


def folds(whole: Data) -> Iterator[Data]:
    """All images dealt out to five test parts, each class in its proportion; an eighth of the rest validates. Always the same."""
    images = torch.cat([torch.as_tensor(whole.parts[part].images) for part in PARTS])
    labels = torch.cat([torch.as_tensor(whole.parts[part].labels) for part in PARTS])
    dealt = _dealt(labels.numpy())
    for number in range(FOLDS):
        rest = np.flatnonzero(dealt % FOLDS != number)
        held = dealt[rest] // FOLDS % 8 == number
        train, validation, test = rest[~held], rest[held], np.flatnonzero(dealt % FOLDS == number)
        parts = {name: Part(images[rows], labels[rows]) for name, rows in zip(PARTS, (train, validation, test), strict=True)}
        mean, std = channel_statistics(parts["train"].images)
        yield replace(whole, name=f"digits32 fold {number + 1}", mean=mean, std=std, parts=parts)


def _dealt(labels: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.int64]:
    """A place for each image: those of a class lie in a row by lot, one class behind the other."""
    lots = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    places = np.empty(len(labels), dtype=np.int64)
    places[lots[np.argsort(labels[lots], kind="stable")]] = np.arange(len(labels))
    return places
