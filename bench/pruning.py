"""Reconvene, DRIVE, DNNShifter and their baselines on digits: experiments E2 to E5, each over three seeds."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from apps.experiments.paired import paired
from bench.trials import SEEDS, accuracies, cnn, mlp, network, run, settle, spread

Row = tuple[str, str]
# Spatial compression of VGG-16 by the closed form of its layers' sparsities.
SHAPES = {0.5: 3.4, 0.75: 9.0, 0.875: 16.1, 0.9375: 21.2, 0.96875: 23.8, 0.99219: 112.0}
CNN_EPOCHS, CNN_SPARSITY, CIFAR_EPOCHS = 10, 0.875, 30
MLP_EPOCHS, DENSITIES, COMPARED = 20, (0.1, 0.05, 0.02, 0.01), 0.02
DRIVE_WARM_UP, FEWER = 2, 43
LEVELS, FRACTION = 12, 0.35
Cost = tuple[float, float]
DRIVE, RIVAL, LOTTERY = "DRIVE, sum_norm", "SNIP, 20 rounds, after 2 epochs", "IMP, rewinding"
IMAGES = {"dataset": "digits", "batch_size": 128, "start": "initialisation", "reference": False}
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("pruning.random", {}),
    "magnitude at initialisation": ("pruning.magnitude", {}),
    "SNIP": ("pruning.snip", {"iterations": 1}),
    "SNIP, 20 rounds": ("pruning.snip", {"iterations": 20}),
    "SynFlow, 100 rounds": ("pruning.synflow", {}),
    "magnitude after 2 epochs": ("pruning.magnitude", {"warm_up_epochs": 2}),
    RIVAL: ("pruning.snip", {"iterations": 20, "warm_up_epochs": 2}),
    "GraSP": ("pruning.grasp", {}),
    DRIVE: ("pruning.drive", {"combine": "sum_norm"}),
    "DRIVE, sum_raw": ("pruning.drive", {"combine": "sum_raw"}),
    LOTTERY: ("pruning.imp", {}),
}


def rows() -> Iterator[Row]:
    settle()
    yield from _shapes()
    yield from _reconvene()
    yield from _drive()
    yield from _shifter()
    if "CIFAR" in os.environ:
        yield from _cifar(os.environ["CIFAR"])


def _shapes() -> Iterator[Row]:
    """E2: no training, no data; each seed is another draw of the weights."""
    for sparsity, predicted in SHAPES.items():
        found = [run("pruning.reconvene", seed=seed, model="vgg16", dataset="digits32", sparsity=sparsity, epochs=0)
                 for seed in SEEDS]
        fewer, work = ([one[f"{word}_before"] / one[f"{word}_after"] for one in found] for word in ("params", "macs"))
        seconds = statistics.median(one["prune_seconds"] for one in found)
        yield (f"E2 Reconvene, VGG-16, p = {sparsity:g}",
               f"{spread(fewer, '.2f')}x fewer parameters (closed form: {predicted:g}x), {spread(work, '.2f')}x fewer MACs, "
               f"pruned in {seconds:.2f} s")


def _reconvene() -> Iterator[Row]:
    """E3: a small CNN; the dense one is trained as long."""
    told = IMAGES | {"model": network("cnn", (1, 8, 8), cnn), "epochs": CNN_EPOCHS}
    narrow = [run("pruning.reconvene", seed=seed, **told | {"sparsity": CNN_SPARSITY, "reference": True}) for seed in SEEDS]
    yield "E3 CNN 16-16-32-32-64, dense", f"{accuracies(narrow, 'accuracy_before')}, {narrow[0]['params_before']:,} parameters"
    yield f"E3 Reconvene, p = {CNN_SPARSITY}", _sized(narrow)
    uniform = [run("pruning.l1_channels", seed=seed, **told | {"budget_params": one["params_after"]})
               for seed, one in zip(SEEDS, narrow, strict=True)]
    single = {name: [run(f"pruning.{name}", seed=seed, **told | {"sparsity": CNN_SPARSITY}) for seed in SEEDS]
              for name in ("magnitude", "synflow")}
    others = {"uniform widths of as many parameters": uniform, "magnitude at initialisation, single weights": single["magnitude"],
              "SynFlow, single weights": single["synflow"]}
    for name, found in others.items():
        yield f"E3 {name}", _sized(found)
    yield "E3 Reconvene against dense", _against(narrow, [one["accuracy_before"] for one in narrow])
    for name, found in others.items():
        yield f"E3 Reconvene against {name}", _against(narrow, [one["accuracy_after"] for one in found])


def _sized(found: list[dict[str, Any]]) -> str:
    params = ", ".join(f"{one['params_after']:,}" for one in found)
    seconds = statistics.median(one["prune_seconds"] for one in found)
    return f"{accuracies(found)}, {params} parameters stored, pruned in {seconds:.2f} s"


def _against(found: list[dict[str, Any]], other: list[float]) -> str:
    """Paired by seed: the mean difference with Student's 95 %."""
    test = paired([100 * (one["accuracy_after"] - beside) for one, beside in zip(found, other, strict=True)])
    assert test is not None and test.low is not None and test.high is not None
    return f"{test.mean:+.1f} points, 95 % from {test.low:+.1f} to {test.high:+.1f}, n = {test.n} seeds"


def _drive() -> Iterator[Row]:
    """E4: an MLP down to one weight in a hundred; every method trains 20 epochs, IMP so many at each level. Nothing is made
    small, for a method that empties a whole layer shall be told by its accuracy."""
    told = IMAGES | {"model": network("mlp", (1, 8, 8), mlp), "classifier": True, "compact": False}
    costs, kept = dict[str, Cost](), dict[str, list[dict[str, Any]]]()
    for name, (recipe, more) in METHODS.items():
        found = {density: [_masked(recipe, density, seed, told | more) for seed in SEEDS] for density in DENSITIES}
        yield f"E4 {name}", "; ".join(f"{density:.0%}: {accuracies(each)}" for density, each in found.items())
        costs[name], kept[name] = _cost(found[COMPARED]), found[COMPARED]
    for name in (RIVAL, "SNIP", "SynFlow, 100 rounds", LOTTERY):
        yield (f"E4 DRIVE against {name}, at {COMPARED:.0%}",
               _against(kept[DRIVE], [one["accuracy_after"] for one in kept[name]]))
    yield from _dear(costs)


def _masked(recipe: str, density: float, seed: int, told: dict[str, Any]) -> dict[str, Any]:
    before = told.get("warm_up_epochs", DRIVE_WARM_UP if recipe == "pruning.drive" else 0)
    return run(recipe, seed=seed, **{**told, "sparsity": 1 - density, "epochs": MLP_EPOCHS - before})


def _cost(found: list[dict[str, Any]]) -> Cost:
    return tuple(statistics.fmean(one[word] for one in found)  # type: ignore[return-value]
                 for word in ("prune_epoch_equivalents", "prune_seconds"))


def _dear(costs: dict[str, Cost]) -> Iterator[Row]:
    """What it took to get from the fresh network to the mask; the training after it costs all of them the same."""
    for name, (epochs, seconds) in costs.items():
        yield f"E4 {name}: pruning to {COMPARED:.0%}", f"{epochs:.2f} epoch-equivalents, {seconds:.2f} s"
    epochs, seconds = (costs[LOTTERY][place] / costs[DRIVE][place] for place in (0, 1))
    missed = "" if epochs >= FEWER else "**MISSED** "
    yield (f"E4 DRIVE against IMP, both with {MLP_EPOCHS} epochs of training, pruning to {COMPARED:.0%}",
           f"{epochs:.0f}x fewer epoch-equivalents ({missed}goal: at least {FEWER}), {seconds:.0f}x fewer seconds")


def _shifter() -> Iterator[Row]:
    """E5: one search a seed, every level shrunk; against the sparse network of the same level, both with batch-norm folded."""
    told = {name: IMAGES[name] for name in ("dataset", "batch_size", "start")}
    found = [run("portfolio.dnnshifter", seed=seed, model=network("cnn", (1, 8, 8), cnn), epochs=CNN_EPOCHS,
                 levels=LEVELS, fraction=FRACTION, portfolio="all", **told)["levels"] for seed in SEEDS]
    for rows_ in zip(*found, strict=False):  # a search ends where a layer has run dry
        yield f"E5 level {rows_[0]['level']}, density {rows_[0]['density']:.2%}", _level(rows_)


def _level(found: Sequence[dict[str, Any]]) -> str:
    smaller, faster, lighter = (spread([row[word] for row in found], ".2f")
                                for word in ("spatial_compression", "latency_speed_up", "memory_saving"))
    other = sum(row["different"] for row in found)
    return (f"{spread([100 * row['accuracy'] for row in found])} %, {other} of {sum(row['test_images'] for row in found)} "
            f"predictions unlike the sparse network's; {smaller}x fewer parameters, {faster}x faster, "
            f"{lighter}x less memory (counted)")


def _cifar(file: str) -> Iterator[Row]:
    """On a data set of yours, as EdgePortal keeps it: what fits a night of one core."""
    told = {"model": "vgg16", "dataset": file, "sparsity": CNN_SPARSITY, "epochs": CIFAR_EPOCHS, "start": "initialisation",
            "batch_size": 128, "augment": "crop_flip"}
    for name in ("reconvene", "synflow", "magnitude", "drive"):
        first = name == "reconvene"
        found = [run(f"pruning.{name}", seed=seed, **told | {"reference": first}) for seed in SEEDS]
        if first:
            yield "CIFAR dense", accuracies(found, "accuracy_before")
        yield f"CIFAR {name}, p = {CNN_SPARSITY}", _sized(found)
