"""Scores for the weights of ResNet-18 at 32x32: SynFlow, SNIP and GraSP beside bare passes forwards and backwards, in turn."""

from __future__ import annotations

import copy
import gc
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch import fx
from torch.nn.functional import cross_entropy

from worker.dnn import architectures
from worker.sparsity.gradients import grasp, snip
from worker.sparsity.masks import Masks, density, prunable
from worker.sparsity.schedules import exponential
from worker.sparsity.selection import select
from worker.sparsity.synflow import Flow, masks_of, rounds

NAME, SHAPE, DENSITY, ROUNDS = "resnet18", (3, 32, 32), 0.1, 100
BATCH, TURNS = 128, 5
SYNFLOW, GRASP, SNIP = 1.5, 3.5, 1.1
Times = tuple[list[float], list[float]]


def rows() -> Iterator[tuple[str, str]]:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    yield "network", f"{NAME} at {'x'.join(map(str, SHAPE))}, one thread; each keeps {DENSITY:.0%} of the weights"
    for dtype in (torch.float32, torch.float64):
        bare, ours = _synflow(dtype)
        what = f"SynFlow, {ROUNDS} rounds, {str(dtype).removeprefix('torch.')}"
        yield f"{what}: seconds", f"{sum(ours):.2f}; {ROUNDS} passes {sum(bare):.2f}"
        yield what, _goal(sum(ours) / sum(bare), SYNFLOW, f"{ROUNDS} passes")
    for name, most, score in (("SNIP", SNIP, snip), ("GraSP", GRASP, grasp)):
        bare, ours = _scored(score)
        what = f"{name}, a batch of {BATCH}"
        yield f"{what}: seconds", f"{statistics.median(ours):.2f}; one pass {statistics.median(bare):.2f}"
        yield what, _goal(statistics.median(each / one for one, each in zip(bare, ours, strict=True)), most, "one pass")


def _synflow(dtype: torch.dtype) -> Times:
    """A pass and a round, a hundred times: a busy minute of the machine hits both. What comes before and after counts too."""
    network = architectures.build(NAME, in_shape=SHAPE, seed=1)
    plain, ones = _plain(network, dtype), torch.ones(1, *SHAPE, dtype=dtype)
    _backwards(plain, plain(ones).sum())
    begun = time.perf_counter()
    flow = Flow(network, prunable(network), SHAPE, dtype=dtype)
    turns, bare, ours = rounds(flow, exponential(DENSITY, ROUNDS)), list[float](), [time.perf_counter() - begun]
    for _ in range(ROUNDS):
        bare.append(_seconds(lambda: _backwards(plain, plain(ones).sum())))
        begun = time.perf_counter()
        living = next(turns)
        ours.append(time.perf_counter() - begun)
    ours.append(_seconds(lambda: _check(masks_of(flow, living))))
    return bare, ours


def _plain(network: fx.GraphModule, dtype: torch.dtype) -> fx.GraphModule:
    """The network of the absolute weights, as it is."""
    plain = copy.deepcopy(network).to(dtype).eval()
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.abs_()
    return plain


def _scored(score: Callable[..., dict[str, torch.Tensor]]) -> Times:
    network = architectures.build(NAME, in_shape=SHAPE, seed=1)
    batch = torch.randn(BATCH, *SHAPE), torch.arange(BATCH) % 10
    bare, ours = list[float](), list[float]()
    for _ in range(TURNS + 1):
        gc.collect()
        bare.append(_seconds(lambda: _backwards(network, cross_entropy(network(batch[0]), batch[1]))))
        network.zero_grad(set_to_none=True)
        ours.append(_seconds(lambda: _check(select(score(network, prunable(network), [batch]), density=DENSITY))))
    return bare[1:], ours[1:]


def _backwards(network: fx.GraphModule, loss: torch.Tensor) -> None:
    network.zero_grad(set_to_none=True)
    loss.backward()


def _check(masks: Masks) -> None:
    assert abs(density(masks) - DENSITY) < 1e-6


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _goal(times: float, most: float, of: str) -> str:
    return f"{times:.2f} times {of} ({'' if times <= most else '**MISSED** '}goal: at most {most:g})"
