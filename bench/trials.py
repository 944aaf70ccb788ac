"""Runs of recipes inside the bench's own process, one thread each, and how their numbers are told: mean, spread, seeds."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from worker import flags
from worker.context import Context
from worker.dnn import files
from worker.dnn.form import trace
from worker.dnn.initialisation import reinitialise
from worker.events import Failed, Finished
from worker.executor import execute

SEEDS = (1, 2, 3)


def run(recipe: str, *, seed: int, **told: Any) -> dict[str, Any]:
    """The summary of one run as `python -m worker run` would make it; its folder is a temporary one."""
    found = flags.find(recipe)
    params = found.params(seed=seed, **told)
    with tempfile.TemporaryDirectory(prefix="ep-bench-") as folder:
        context = Context(workdir=Path(folder), inputs=flags.resolve(params), seed=seed)
        for event in execute(found, params, context):
            if isinstance(event, Failed):
                raise RuntimeError(f"{recipe}: {event.reason}")
            if isinstance(event, Finished):
                return event.summary
    raise RuntimeError(f"{recipe} ended without a word")


def network(name: str, in_shape: tuple[int, ...], make: Callable[[], nn.Module]) -> str:
    """A network of the bench's own, untrained, as a file of the house; its path."""
    path = Path(_folder()) / f"{name}.safetensors"
    if not path.exists():
        drawn = trace(make())
        reinitialise(drawn, 0)
        files.save(drawn, path, in_shape=in_shape, classes=10, name=name)
    return str(path)


@cache
def _folder() -> str:
    return tempfile.mkdtemp(prefix="ep-bench-networks-")


def mlp() -> nn.Module:
    """64-128-128-10, no batch-norm: at 2 % density and below it tells methods apart; a CNN on digits does not."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn() -> nn.Module:
    """Five convolutions, 16-16-32-32-64, batch-norm, two poolings, one linear layer."""
    widths, layers, before = (16, 16, 32, 32, 64), list[nn.Module](), 1
    for place, width in enumerate(widths):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if place in (1, 3) else []
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


def spread(values: Sequence[float], form: str = ".1f") -> str:
    """Mean and standard deviation over the seeds."""
    if len(values) < 2:
        return format(values[0], form)
    return f"{statistics.fmean(values):{form}} ± {statistics.stdev(values):{form}}"


def accuracies(summaries: Sequence[dict[str, Any]], which: str = "accuracy_after") -> str:
    return f"{spread([100 * one[which] for one in summaries])} %"


def settle() -> None:
    torch.set_num_threads(1)
