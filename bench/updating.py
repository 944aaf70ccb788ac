"""Partial updates beside full ones: accuracy over all rounds and bytes sent; an update on a device, and a hundred power cuts."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from apps.experiments.paired import paired
from bench.power_cuts import Board, cuts
from bench.trials import network, run, settle, spread
from worker.dnn import architectures, export
from worker.updating.change import make
from worker.updating.places import places, put

SEEDS, RATIOS = (1, 2, 3, 4, 5), (0.005, 0.01, 0.1)
WAYS = {"DPU": "updating.dpu", "GCPU": "updating.gcpu", "RPU": "updating.random", "pruning": "updating.pruning"}
ROUNDS = {"first_images": 100, "round_images": 100, "rounds": 10, "epochs": 10, "tuning_epochs": 10, "rate": 0.005}
# What the authors print: an MLP on MNIST at 0.005, a VGG on CIFAR-10 at 0.01, a ResNet-56 on CIFAR-100 at 0.1.
PUBLISHED = {("DPU", 0.005): -0.17, ("GCPU", 0.005): -0.72, ("RPU", 0.005): -4.04, ("pruning", 0.005): -1.45,
             ("DPU", 0.01): 0.33, ("GCPU", 0.01): -1.51, ("RPU", 0.01): -11.35, ("pruning", 0.01): -4.35,
             ("DPU", 0.1): -0.42, ("GCPU", 0.1): -3.87, ("RPU", 0.1): -7.78, ("pruning", 0.1): -2.35}
NEAR_POINTS, MOST_SHARE, CUTS = 0.5, 0.05, 100


def mlp() -> nn.Module:
    """64-300-100-10: the widths of the authors' MLP behind 64 pixels, 50,200 weights."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))


def rows() -> Iterator[tuple[str, str]]:
    settle()
    begun = time.process_time()
    yield from _compared(network("mlp-300-100", (1, 8, 8), mlp))
    yield "trained", ("MLP 64-300-100-10 from initialisation on digits, 100 images and 100 more a round, 10 rounds, 10 + 10 "
                      f"epochs of 32 images a step, Adam from 0.005 down; {len(SEEDS)} seeds; accuracy on 360 test images of "
                      f"what the edge has after each round; {(time.process_time() - begun) / 60:.0f} minutes of one core")
    yield from _on_a_device()


def _compared(model: str) -> Iterator[tuple[str, str]]:
    def one(recipe: str, seed: int, **told: Any) -> dict[str, Any]:
        return run(recipe, seed=seed, model=model, dataset="digits", start="initialisation", **ROUNDS, **told)

    full = [one("updating.full", seed) for seed in SEEDS]
    yield "full updating", (f"{spread([100 * each['mean_accuracy'] for each in full])} % over all rounds, "
                            f"{full[0]['everything_bytes'] / 10 / 1e3:.0f} kB a round")
    for ratio in RATIOS:
        found = {name: [one(recipe, seed, ratio=ratio, reference=False) for seed in SEEDS] for name, recipe in WAYS.items()}
        for name, summaries in found.items():
            yield f"{name}, k = {ratio:g}", _against(name, ratio, summaries, full, found["RPU"])


def _against(name: str, ratio: float, found: list[dict[str, Any]], full: list[dict[str, Any]], lot: list[dict[str, Any]]) -> str:
    points = _differences(found, full)
    test = paired(points)
    assert test is not None and test.low is not None and test.high is not None
    sent = 100 * sum(one["sent_share"] for one in found) / len(found)
    told = (f"{test.mean:+.2f} points against full updating (95 % {test.low:+.2f} to {test.high:+.2f}; published "
            f"{PUBLISHED[name, ratio]:+.2f}); {_kilobytes(found):.1f} kB an update, {sent:.2f} % of the bytes of sending "
            "everything in every round")
    near = ratio != 0.1 or test.mean >= -NEAR_POINTS
    above = sum(_differences(found, lot)) > 0
    return told + ("" if name != "DPU" or (near and above) else " **MISSED**")


def _differences(found: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[float]:
    return [100 * (a["mean_accuracy"] - b["mean_accuracy"]) for a, b in zip(found, other, strict=True)]


def _kilobytes(found: list[dict[str, Any]]) -> float:
    return sum(one["sent_bytes"] for one in found) / max(1, sum(one["updates_sent"] for one in found)) / 1e3


def _on_a_device() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory(prefix="ep-updates-") as name:
        folder = Path(name)
        for architecture in ("resnet20", "vgg16"):
            old, new = _two_versions(architecture, folder)
            what = f"{architecture} as ONNX, 1 % of its weights, its biases and its batch-norm"
            yield what, _taken(folder / architecture, old, new)
        old, new = _two_versions("resnet20", folder)
        found = cuts(Board(folder / "cut", old, new), CUTS)
        went_on = sum(after > before for before, after in found)
        yield f"{CUTS} power cuts (kill -9) while updates of resnet20 are taken", (
            f"the old network {CUTS - went_on} times, a newer one {went_on} times, each whole and what its number says; "
            f"{found[-1][1]} updates taken in all")


def _two_versions(architecture: str, folder: Path) -> tuple[bytes, bytes]:
    """A network's file, and the same with one weight in a hundred and all else changed."""
    shape = (3, 32, 32)
    file = folder / f"{architecture}.onnx"
    export.to_onnx(architectures.build(architecture, 10, shape, seed=0).eval(), shape, file)
    old, chance, state = file.read_bytes(), np.random.default_rng(0), dict[str, np.ndarray]()
    for place in places(old):
        if place.type == "F32":
            numbers = place.of(old).view("<f4").copy()
            moved = chance.random(numbers.size) < 0.01 if place.is_weight else np.ones(numbers.size, bool)
            numbers[moved] *= 1.01
            numbers[moved] += 1e-6
            state[place.name] = numbers
    return old, put(old, state)


def _taken(folder: Path, old: bytes, new: bytes) -> str:
    change = make(old, new)
    board = Board(folder, old, new)
    update = board.update(1)
    begun = time.monotonic()
    taken = board.deployed.take(update)
    seconds = time.monotonic() - begun
    assert taken.version.file.read_bytes() == new
    part = len(update) / len(old)
    return (f"{len(update) / 1e3:.1f} kB of {len(old) / 1e3:.0f} kB: {100 * part:.2f} %, {len(update) - len(change)} bytes of it "
            f"address and signature; taken in {seconds:.2f} s{'' if part < MOST_SHARE else ' **MISSED**'}")
