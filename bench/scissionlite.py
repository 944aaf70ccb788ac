"""ScissionLite's transfer layers in ResNet-20 on five folds of digits32, paired: traffic, accuracy, overhead, break-even."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from apps.experiments.paired import paired
from bench.folds import against, folds
from bench.trials import settle, spread
from worker import datasets, flags
from worker.context import Context, DatasetInput
from worker.events import Failed, Finished
from worker.executor import execute

AFTER, EPOCHS, TUNING, BATCH = "stages.1.2.relu2", 15, 6, 64
POOLED, SMALLEST = "max-pool", "max-pool, int8"
UNCHANGED = "identity"
OTHERS = ("average, int8", "strided, int8", "bottleneck 4, int8")
LAYERS = (POOLED, SMALLEST, *OTHERS, UNCHANGED)
LESS = {POOLED: 4.0, SMALLEST: 16.0}
MOST_DROP = 0.5  # points, in the mean
LATENCY_MS, BANDWIDTH_MBPS = 20.0, 20.0


def rows() -> Iterator[tuple[str, str]]:
    settle()
    begun, found = time.process_time(), list[dict[str, Any]]()
    for number, data in enumerate(folds(datasets.load(DatasetInput("digits32")))):
        with tempfile.TemporaryDirectory(prefix="ep-transfer-") as folder:
            file = Path(folder) / f"fold-{number}.safetensors"
            datasets.save(data, file)
            found.append(_fold(number, Path(folder), str(file)))
        before, after = 100 * found[-1]["accuracy_before"], found[-1]["accuracies"]
        each = ", ".join(f"{name} {100 * after[name]:.1f}" for name in LAYERS)
        yield f"fold {number + 1}, tested on {found[-1]['test_images']}", f"uncut {before:.1f} %; with the layer inside: {each}"
    yield from _told(found)
    yield "trained", (f"ResNet-20 from initialisation for {EPOCHS} epochs of {BATCH} images a step, then with each transfer "
                      f"layer behind {AFTER} for {TUNING} epochs, taught by the uncut network, best epoch by validation; one "
                      f"seed a fold; {(time.process_time() - begun) / 60:.0f} minutes of one core in all")


def _fold(number: int, folder: Path, data: str) -> dict[str, Any]:
    seed = number + 1
    trained, where = _run("training.backprop", folder / "uncut", seed=seed, model="resnet20", dataset=data, epochs=EPOCHS,
                          batch_size=BATCH)
    summary, place = _run(
        "partitioning.scissionlite", folder / "cut", seed=seed, model=str(where / trained["variants"][0]["file"]), dataset=data,
        after=AFTER, layers="; ".join(LAYERS), wanted=len(LAYERS), tries=len(LAYERS), max_drop=100.0, epochs=TUNING,
        batch_size=BATCH, latency_ms=LATENCY_MS, bandwidth_mbps=BANDWIDTH_MBPS)
    offers = {each["layer"]: each for each in json.loads((place / "offers.json").read_text())["offers"]}
    return summary | {"offers": offers, "accuracies": {name: each["accuracy"] for name, each in offers.items()}}


def _run(recipe: str, folder: Path, **told: Any) -> tuple[dict[str, Any], Path]:
    found = flags.find(recipe)
    params = found.params(**told)
    for event in execute(found, params, Context(workdir=folder, inputs=flags.resolve(params), seed=params.seed)):
        if isinstance(event, Failed):
            raise RuntimeError(f"{recipe}: {event.reason}")
        if isinstance(event, Finished):
            return event.summary, folder
    raise RuntimeError(f"{recipe} ended without a word")


def _told(found: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    before = [100 * one["accuracy_before"] for one in found]
    same = [100 * one["accuracies"][UNCHANGED] for one in found]
    yield "uncut, and trained on as long without a transfer layer", f"{spread(before)} %, {spread(same)} %"
    for name in LAYERS[:-1]:
        yield f"{name}: traffic", _traffic(name, found)
        after = [100 * one["accuracies"][name] for one in found]
        yield f"{name}: accuracy", f"{spread(after)} %; against the uncut network, paired by fold: {_drop(name, before, after)}"
        yield f"{name}: accuracy against as much training without it", against([b - a for a, b in zip(same, after, strict=True)])
    for name in (POOLED, SMALLEST):
        yield f"{name}: down, packing, up", _overhead(name, found)
    yield from _rivals(found)


def _traffic(name: str, found: Sequence[dict[str, Any]]) -> str:
    sent = {(one["offers"][name]["raw_bytes"], one["offers"][name]["bytes"]) for one in found}
    ((raw, small),) = sent
    goal = LESS.get(name)
    missed = f" (goal: {goal:g}x)" + ("" if raw == goal * small else " **MISSED**") if goal else ""
    return f"{raw:,} to {small:,} bytes an image, {raw / small:g}x less{missed}"


def _drop(name: str, before: Sequence[float], after: Sequence[float]) -> str:
    points = [b - a for a, b in zip(before, after, strict=True)]
    mean = statistics.fmean(points)
    goal = "" if name not in LESS else f" (goal: at most {MOST_DROP:g} points lost{'' if -mean <= MOST_DROP else '; **MISSED**'})"
    assert paired(points) is not None
    return f"{against(points)}{goal}"


def _overhead(name: str, found: Sequence[dict[str, Any]]) -> str:
    parts = (statistics.median(1e3 * one["offers"][name][part] for one in found) for part in ("down_s", "convert_s", "up_s"))
    took = [sum(one["offers"][name][part] for part in ("down_s", "convert_s", "up_s")) for one in found]
    saved = found[0]["offers"][name]["raw_bytes"] - found[0]["offers"][name]["bytes"]
    edge = saved / statistics.median(took) / 125_000
    return (f"{', '.join(f'{each:.3f}' for each in parts)} ms in the median of the folds; faster than the feature map as it is "
            f"below {edge:,.0f} Mbit/s, were both sides this computer")


def _rivals(found: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """The picture itself is smaller than most feature maps of small pictures: that is said, whoever looks better by it."""
    names = [each["name"] for each in found[0]["pictures"]]
    for name in names:
        rows = [next(each for each in one["pictures"] if each["name"] == name) for one in found]
        sizes, right = (statistics.fmean(each[key] for each in rows) for key in ("bytes", "accuracy"))
        yield f"the picture as {name}, all on the receiver", f"{sizes:,.0f} bytes, {100 * right:.1f} % right"
    best = {one["latency_best_way"] for one in found}
    at = f"{BANDWIDTH_MBPS:g} Mbit/s and {LATENCY_MS:g} ms, a receiver ten times as fast as this computer"
    yield f"fastest at {at}", "; ".join(sorted(best))
