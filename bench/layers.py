"""Block times against the whole network's, torch eager and ONNX Runtime, one thread, all in one run."""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils.flop_counter import FlopCounterMode

from bench.trials import settle
from worker.dnn import architectures, export
from worker.dnn.slices import Slice
from worker.profiling import eager
from worker.profiling.chain import Chain, images
from worker.profiling.layerwise import parted
from worker.profiling.parting import chained, stamped
from worker.profiling.turns import Found, Turns

NETWORKS = ("resnet18", "resnet50", "vgg16", "mobilenet_v2", "googlenet")
SHAPE, CLASSES = (3, 224, 224), 1000
REPEATS, WARM, PEER_REPEATS = 51, 3, 7
# A timing that other work disturbed is made again, and the calmest is kept, whatever it says.
ATTEMPTS = 3
ADDITIVE, COST = 0.01, 1.03


def rows() -> Iterator[tuple[str, str]]:
    settle()
    for name in NETWORKS:
        network = architectures.build(name, CLASSES, SHAPE, seed=0).eval()
        yield from _of(name, network)
        gc.collect()


def _of(name: str, network: fx.GraphModule) -> Iterator[tuple[str, str]]:
    after, parts = parted(network, SHAPE, "blocks")
    given = eager.images(SHAPE, 1)
    whole = eager.runner(network, SHAPE, batch=1, threads=1)
    found = _calmest(lambda: Turns(stamped(network, after, given), whole))
    yield f"{name}: sum of {len(parts)} blocks", _added(found)
    missed = "" if found.cost <= COST else "**MISSED** "
    yield f"{name}: a pass with clocks", f"{found.cost:.3f} plain passes ({missed}goal: at most {COST})"
    yield f"{name}: MACs", _macs(network, given, sum(part.macs for part in parts))
    fine, single = parted(network, SHAPE, "layers")
    by_layer = _calmest(lambda: Turns(stamped(network, fine, given), whole))
    yield f"{name}: at every valid cut, {len(single)} blocks", _told(by_layer)
    yield f"{name}: torch.profiler", _profiler(network, given, whole)
    slices = list(chained(network, SHAPE, after))
    yield f"{name}: each block replayed alone", _replayed(slices, given, whole)
    yield f"{name}: ONNX Runtime, a session a block", _sessions(network, slices)


def _calmest(make: Callable[[], Turns]) -> Found:
    """By how much wall time there was to CPU time: not by how well it came out."""
    tries = list[Found]()
    for _ in range(ATTEMPTS):
        tries.append(_taken(make(), REPEATS))
        if not tries[-1].whole.noise:
            break
    return min(tries, key=lambda found: found.wall_s / found.cpu_s)


def _taken(turns: Turns, repeats: int) -> Found:
    for _ in turns.warm(WARM):
        pass
    gc.collect()
    for _ in range(repeats):
        turns.take()
    return turns.found


def _told(found: Found) -> str:
    noise = f", noisy: {'; '.join(found.whole.noise)}" if found.whole.noise else ""
    return f"{1e3 * found.sum_s:.2f} ms, whole {1e3 * found.whole_s:.2f} ms, {100 * found.additivity_error:+.2f} %{noise}"


def _added(found: Found) -> str:
    missed = "" if abs(found.additivity_error) <= ADDITIVE else "**MISSED** "
    return f"{_told(found)} ({missed}goal: within {100 * ADDITIVE:.0f} %)"


def _macs(network: fx.GraphModule, given: Tensor, ours: int) -> str:
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        network(given)
    theirs, rest = divmod(counted.get_total_flops(), 2)
    same = ours == theirs and not rest
    return f"{ours:,}; FlopCounterMode / 2 {'the same' if same else f'**MISSED** {theirs:,}'}"


def _profiler(network: fx.GraphModule, given: Tensor, whole: Callable[[], object]) -> str:
    """Its operators' own times and its cost, in turn with plain passes."""
    sums, costs = list[float](), list[float]()
    for turn in range(PEER_REPEATS + 1):
        plain = _seconds(whole)
        begun = time.perf_counter()
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
            inner = _seconds(whole)
        if turn:  # the first one loads it
            own: Any = profiler.key_averages()
            sums.append(sum(each.self_cpu_time_total for each in own) / 1e6 / plain)
            costs.append((time.perf_counter() - begun) / plain)
            del inner
    return (f"operators' sum {statistics.median(sums):.3f} of a plain pass, a profiled pass costs "
            f"{statistics.median(costs):.2f} plain passes")


def _replayed(slices: Sequence[Slice], given: Tensor, whole: Callable[[], object]) -> str:
    """Block after block, each as often in a row as it is repeated: its weights and input stay in the caches."""
    total, value = 0.0, given
    with torch.inference_mode():
        for part in slices:
            def call(network: fx.GraphModule = part.network, fed: Tensor = value) -> object:
                return network(fed)

            call()
            total += statistics.median(_seconds(call) for _ in range(PEER_REPEATS))
            value = part.network(value)
    plain = statistics.median(_seconds(whole) for _ in range(PEER_REPEATS))
    return f"sum {total / plain:.3f} of a plain pass"


def _sessions(network: fx.GraphModule, slices: Sequence[Slice]) -> str:
    with tempfile.TemporaryDirectory(prefix="ep-layers-") as folder:
        files = [Path(folder) / f"{number}.onnx" for number in range(len(slices))]
        for part, file in zip(slices, files, strict=True):
            export.to_onnx(part.network, part.in_shape, file)
        export.to_onnx(network, SHAPE, Path(folder) / "whole.onnx")
        chain = Chain(files, Path(folder) / "whole.onnx", images(SHAPE, 1), threads=1)
        apart = chain.check()
        told = _told(_calmest(lambda: Turns(chain.by_blocks, chain.in_one_piece, chain.ready)))
    return f"{told}; answers within {apart:.0e}"


def _seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
