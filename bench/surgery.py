"""Half of the channels out of five networks: grouping, L1 choice and a smaller network, beside Torch-Pruning, in turn."""

from __future__ import annotations

import copy
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch
from torch import fx, nn

from worker.dnn.architectures import densenet, mobilenet, resnet, vgg
from worker.dnn.architectures.plan import Plan
from worker.dnn.cost import cost
from worker.dnn.form import trace
from worker.dnn.surgery import prune_channels

MAKERS = vgg.ARCHITECTURES | resnet.ARCHITECTURES | mobilenet.ARCHITECTURES | densenet.ARCHITECTURES
NETWORKS = ("vgg16", "resnet18", "resnet50", "mobilenet_v2", "densenet121")
SHAPE, CLASSES, KEEP = (3, 224, 224), 1000, 0.5
TIMES, WARM = 7, 2
FASTER, TOGETHER = 6, 4


@dataclass
class Times:
    """Seconds of each turn."""

    read: list[float]
    ours: list[float]
    theirs: list[float]

    def faster(self, *, reading: bool) -> float:
        turns = zip(self.read, self.ours, self.theirs, strict=True)
        return statistics.median(theirs / (ours + (read if reading else 0)) for read, ours, theirs in turns)


def rows() -> Iterator[tuple[str, str]]:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    yield "Torch-Pruning", f"{version('torch-pruning')}, MagnitudePruner(p=1), the classifier's outputs left alone"
    for name in NETWORKS:
        module = MAKERS[name](Plan(name, CLASSES, SHAPE, 1.0)).eval()
        ours, theirs = _widths(module), _their_widths(module)
        times = _times(module)
        yield f"{name}: milliseconds", f"{_told(times.ours)} against {_told(times.theirs)}; reading {_told(times.read)}"
        yield f"{name}: from the read form", _goal(times.faster(reading=False), FASTER)
        yield f"{name}: with reading", _goal(times.faster(reading=True), TOGETHER)
        same = ours == theirs
        yield f"{name}: parameters and MACs", f"{ours[0]:,} and {ours[1]:,}; " + (
            "Torch-Pruning the same" if same else f"**MISSED** Torch-Pruning {theirs[0]:,} and {theirs[1]:,}")


def _times(module: nn.Module) -> Times:
    """In turn, so that a busy minute of the machine hits both."""
    found = Times([], [], [])
    for turn in range(WARM + TIMES):
        gc.collect()  # not between the three: a walk through all memory empties the caches, and the short ones pay most
        theirs, network = copy.deepcopy(module), trace(module)
        seconds = _seconds(_read, module), _seconds(prune_channels, network, KEEP), _seconds(_pruned, theirs)
        if turn >= WARM:
            for kept, each in zip((found.read, found.ours, found.theirs), seconds, strict=True):
                kept.append(each)
    return found


def _read(module: nn.Module) -> fx.GraphModule:
    """Without generated code, for nobody runs the network that is read."""
    return trace(module, runnable=False)


def _seconds(work: Callable[..., Any], *given: Any) -> float:
    begun = time.perf_counter()
    work(*given)
    return time.perf_counter() - begun


def _pruned(module: nn.Module) -> nn.Module:
    """The dependency graph and one step, as its documentation shows."""
    import torch_pruning

    last = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
    pruner = torch_pruning.pruner.MagnitudePruner(
        module, torch.zeros(1, *SHAPE), importance=torch_pruning.importance.MagnitudeImportance(p=1), pruning_ratio=1 - KEEP,
        ignored_layers=[last])
    pruner.step()
    return module


def _widths(module: nn.Module) -> tuple[int, int]:
    total = cost(prune_channels(trace(module), KEEP).network, SHAPE)
    return total.params, total.macs


def _their_widths(module: nn.Module) -> tuple[int, int]:
    """Counted by our own rule, from what it left of the layers."""
    pruned = _pruned(copy.deepcopy(module)).eval()
    macs = list[int]()

    def count(layer: nn.Module, given: Any, made: torch.Tensor) -> None:
        macs.append(made[0].numel() * layer.weight[0].numel())  # type: ignore[operator, index]

    for layer in pruned.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        pruned(torch.zeros(1, *SHAPE))
    return sum(weight.numel() for weight in pruned.parameters()), sum(macs)


def _told(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.1f}"


def _goal(times: float, least: int) -> str:
    return f"{times:.1f} times faster ({'' if times >= least else '**MISSED** '}goal: at least {least})"
