"""Switching: what a change of network costs and what holding the set costs, by how it is held, each time in a fresh process.

The set is DNNShifter's of VGG-16 at 3x32x32 for CIFAR-10: of each level the parameters and the weights that are not zero are
about those that its published notebook prints. Values are drawn, not trained: neither time nor memory depends on
them. Filters that are smallest by L1 norm are empty, of the other weights the smallest of each layer are zero; the house's own
exact removal makes the small networks, whose answers are checked against the sparse ones.
"""

from __future__ import annotations

import copy
import math
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, fx

from worker.dnn import architectures, export
from worker.dnn.surgery import apply_masks, shrink
from worker.sparsity.masking import POLICY
from worker.sparsity.masks import prunable
from worker.switching.holding import Residency
from worker.switching.preparing import write_packed
from worker.switching.process import ANSWER, RESIDENT, SWAPPED, Process
from worker.switching.setup import Setup
from worker.wording import byte_size

SHAPE, CLASSES, SEED = (3, 32, 32), 10, 7
REPEATS, ON_THE_WAY, BETWEEN, PATIENCE_S = 5, 2, 12, 120.0
LESS_OVERHEAD, LESS_MEMORY = 11.9, 3.8
# Compression of the mask: parameters after removal, weights that are not zero. From DNNShifter's published notebook of VGG-16.
PUBLISHED = {2: (14_719_818, 7_538_609), 4: (14_296_439, 3_861_504), 8: (14_228_064, 1_978_974),
             16: (13_420_775, 1_015_016), 32: (11_580_637, 417_634), 64: (8_749_089, 214_603), 128: (5_293_404, 109_207),
             256: (2_863_466, 53_280)}
WAYS: dict[str, tuple[Residency, str]] = {
    "resident": ("resident", "small"), "disk": ("disk", "small"), "packed": ("packed", "packed"),
    "dense size, reloaded": ("disk", "dense"), "dense size, all resident": ("resident", "dense")}
DENSE = "dense"


class Files(NamedTuple):
    """Of one network: as it was made small, packed, and at dense size."""

    small: Path
    packed: Path
    dense: Path
    params: int
    kept: int


class Trial(NamedTuple):
    """One fresh process. `overheads_ms`: by swap; memory in bytes, less what the process held before it held a network, which is
    `empty`; `private`: all that it holds, but pages of files; `pass_ms`: the median of what an answer took, over all networks."""

    overheads_ms: list[float]
    empty: int
    held: int
    peak: int
    gap_ms: float
    private: int
    pass_ms: float


def rows() -> Iterator[tuple[str, str]]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="ep-switching-") as folder:
        found = networks(Path(folder))
        yield from _about(found)
        yield from compared("8 variants", {name: files for name, files in found.items() if name != DENSE}, has_goals=True)
        yield from compared("8 variants and the dense network", found, has_goals=False)


def compared(what: str, found: dict[str, Files], *, has_goals: bool) -> Iterator[tuple[str, str]]:
    """Every way in turn, so that a busy minute is no single way's; what is told last are ratios of medians of one run."""
    trials: dict[str, list[Trial]] = {way: [] for way in WAYS}
    for _ in range(REPEATS):
        for way in WAYS:
            trials[way].append(trial(found, *WAYS[way]))
    for way, all_of in trials.items():
        overheads = [statistics.median(each.overheads_ms) for each in all_of]
        yield f"{what}, {way}: overhead of a swap", (
            f"{_spread(overheads, 'ms')}; longest time without an answer {_spread([each.gap_ms for each in all_of], 'ms')}")
        yield f"{what}, {way}: memory", (
            f"the whole process {_spread([(each.held + each.empty) / 1e6 for each in all_of], 'MB')}, "
            f"{statistics.median(each.empty for each in all_of) / 1e6:.0f} MB of it before a network was loaded, all but "
            f"{statistics.median(each.held + each.empty - each.private for each in all_of) / 1e6:.0f} MB its own and of no file; "
            f"peak {_spread([(each.peak + each.empty) / 1e6 for each in all_of], 'MB')}; "
            f"an answer {_spread([each.pass_ms for each in all_of], 'ms')}")
    yield from _ratios(what, trials, has_goals=has_goals)


def _ratios(what: str, trials: dict[str, list[Trial]], *, has_goals: bool) -> Iterator[tuple[str, str]]:
    """Each of trials that were made one after the other, and the median of them."""
    dear, cheap = trials["dense size, reloaded"], trials["resident"]
    less = [statistics.median(one.overheads_ms) / max(statistics.median(other.overheads_ms), 0.01)
            for one, other in zip(dear, cheap, strict=True)]
    yield f"{what}: overhead, resident against reloading dense networks", (
        f"{_spread(less, 'x')} lower{_missed(less, LESS_OVERHEAD, has_goals)}")
    large = trials["dense size, all resident"]
    for way in ("packed", "disk"):
        less = [one.held / other.held for one, other in zip(large, trials[way], strict=True)]
        whole = [(one.held + one.empty) / (other.held + other.empty) for one, other in zip(large, trials[way], strict=True)]
        private = [one.private / other.private for one, other in zip(large, trials[way], strict=True)]
        is_goal = has_goals and way == "packed"
        yield f"{what}: memory, {way} against all dense-size ones resident", (
            f"{_spread(less, 'x')} lower{_missed(less, LESS_MEMORY, is_goal)}; the whole process {_spread(whole, 'x')}"
            f"{_missed(whole, LESS_MEMORY, is_goal)}, without pages of program files {_spread(private, 'x')}")


def _missed(found: Sequence[float], goal: float, is_goal: bool) -> str:
    """The published goals are of pruned variants; a dense network beside them has no zeros to leave out."""
    return "" if not is_goal else f" ({'' if statistics.median(found) >= goal else '**MISSED** '}goal: at least {goal}x)"


def _spread(values: Sequence[float], unit: str) -> str:
    return f"{statistics.median(values):.3g} {unit} ({min(values):.3g} to {max(values):.3g}, n = {len(values)})"


def trial(found: dict[str, Files], residency: Residency, which: str) -> Trial:
    """All networks in turn, twice, always some requests on the way: nobody waits for a request to come."""
    names, image = list(found), np.random.default_rng(0).standard_normal((1, *SHAPE), dtype=np.float32)
    files = {name: str(getattr(each, which)) for name, each in found.items()}
    with Process(Setup(residency, files, names[0], SHAPE)) as process:
        empty = process.begin()["empty"]["resident_bytes"]
        drive = _Drive(process, image)
        drive.answers(4 * BETWEEN)
        drive.look()
        for name in [*names[1:], *names]:
            drive.swap(name)
            drive.answers(BETWEEN)
            drive.look()
        peak = process.memory()["peak_bytes"]
    return Trial(drive.overheads_ms, empty, round(statistics.fmean(drive.held)) - empty, peak - empty, drive.gap_ms,
                 round(statistics.fmean(drive.private)), statistics.median(drive.passes_ms))


class _Drive:
    """A closed loop: as soon as one is answered the next one is asked."""

    def __init__(self, process: Process, image: np.ndarray[Any, Any]) -> None:
        self._process, self._image, self._sent = process, image, 0
        self.overheads_ms, self.held, self.private = list[float](), list[int](), list[int]()
        self.gap_ms, self._last_ns, self.passes_ms = 0.0, 0, list[float]()
        for _ in range(ON_THE_WAY):
            self._send()

    def answers(self, count: int) -> list[float]:
        """Their passes in ms, by whoever serves."""
        passes = list[float]()
        while len(passes) < count:
            if (facts := self._hear(ANSWER)) is not None:
                passes.append((facts["ended_ns"] - facts["began_ns"]) / 1e6)
        self.passes_ms += passes
        return passes

    def swap(self, to: str) -> None:
        """From the asking to the first answer of the new one, less what its answers take after that."""
        asked_ns, first_ns, after = time.monotonic_ns(), 0, list[float]()
        self._process.swap(1, to)
        is_said = False
        while len(after) < BETWEEN or not is_said:
            heard = self._process.hear(PATIENCE_S)
            assert heard is not None
            facts = heard.frame.facts
            if heard.frame.kind == SWAPPED:
                is_said = True
                continue
            self._answered(heard.at_ns)
            if facts["variant"] == to:
                first_ns = first_ns or heard.at_ns
                after.append((facts["ended_ns"] - facts["began_ns"]) / 1e6)
        self.overheads_ms.append((first_ns - asked_ns) / 1e6 - statistics.median(after))

    def look(self) -> None:
        """What is held while it serves; asked when it has answered for a while, and what that takes is there again."""
        self._process.ask_resident()
        while (facts := self._hear(RESIDENT)) is None:
            pass
        self.held.append(facts["resident_bytes"])
        self.private.append(facts["private_bytes"])

    def _hear(self, kind: str) -> dict[str, Any] | None:
        heard = self._process.hear(PATIENCE_S)
        assert heard is not None
        if heard.frame.kind == ANSWER:
            self._answered(heard.at_ns)
        return heard.frame.facts if heard.frame.kind == kind else None

    def _answered(self, at_ns: int) -> None:
        if self._last_ns:
            self.gap_ms = max(self.gap_ms, (at_ns - self._last_ns) / 1e6)
        self._last_ns = at_ns
        self._send()

    def _send(self) -> None:
        self._process.request(self._sent, self._image)
        self._sent += 1


def networks(folder: Path) -> dict[str, Files]:
    """The dense network and one of each published compression, as files."""
    dense = architectures.build("vgg16", CLASSES, SHAPE, seed=SEED).eval()
    made = {DENSE: _written(folder, DENSE, dense, dense)}
    for compression, (params, kept) in PUBLISHED.items():
        masks = drawn(dense, params, kept)
        sparse = apply_masks(copy.deepcopy(dense), masks, POLICY).eval()
        small = shrink(dense, masks, policy=POLICY).network.eval()
        _refuse_other_answers(sparse, small)
        made[f"1/{compression}"] = _written(folder, f"c{compression}", sparse, small)
    return made


def drawn(dense: fx.GraphModule, params: int, kept: int) -> dict[str, Tensor]:
    """Masks that leave about so many parameters when empty filters are removed, and so many weights that are not zero."""
    weights = prunable(dense)
    total = sum(weight.numel() for weight in weights.values())
    share, before = math.sqrt(min(1.0, params / total)), None
    alive: dict[str, Tensor] = {}
    for name, weight in weights.items():
        rows = _largest(weight.flatten(1).abs().sum(1), math.ceil(share * len(weight)))
        grid = rows.view(-1, 1, 1, 1) if before is None else rows.view(-1, 1, 1, 1) & before.view(1, -1, 1, 1)
        alive[name], before = grid.expand_as(weight), rows
    density = min(1.0, kept / sum(int(each.sum()) for each in alive.values()))
    return {f"{name}.weight": _densest(weights[name], each, density) for name, each in alive.items()}


def _largest(scores: Tensor, count: int) -> Tensor:
    found = torch.zeros(len(scores), dtype=torch.bool)
    found[scores.topk(count).indices] = True
    return found


def _densest(weight: Tensor, alive: Tensor, density: float) -> Tensor:
    """Of those that live the share with the largest magnitude; of every filter that lives one at least."""
    scores = torch.where(alive, weight.abs(), -1.0).flatten()
    mask = torch.zeros_like(scores)
    mask[scores.topk(max(1, round(density * int(alive.sum())))).indices] = 1.0
    best = scores.view(len(weight), -1).argmax(1) + torch.arange(len(weight)) * (scores.numel() // len(weight))
    mask[best[alive.flatten(1).any(1)]] = 1.0
    return mask.view_as(weight)


def _refuse_other_answers(sparse: fx.GraphModule, small: fx.GraphModule) -> None:
    with torch.inference_mode():
        images = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0))
        apart = float((sparse(images) - small(images)).abs().max())
    if apart > 1e-4:
        raise SystemExit(f"a small network answers otherwise than its sparse one, by {apart:.1e}")


def _written(folder: Path, name: str, large: fx.GraphModule, small: fx.GraphModule) -> Files:
    paths = [folder / f"{name}.onnx", folder / f"{name}.packed", folder / f"{name}-dense-size.onnx"]
    export.to_onnx(small, SHAPE, paths[0], fold=True)
    write_packed(paths[0], paths[1])
    export.to_onnx(large, SHAPE, paths[2], fold=True)
    weights = [each for each in small.parameters() if each.dim() > 1]
    return Files(paths[0], paths[1], paths[2], sum(each.numel() for each in small.parameters()),
                 sum(int(each.count_nonzero()) for each in weights))


def _about(found: dict[str, Files]) -> Iterator[tuple[str, str]]:
    yield "a trial", (f"a fresh process, ONNX Runtime, one thread, {ON_THE_WAY} requests always on the way, every network in "
                      f"turn and again; {REPEATS} trials of each way, in turn")
    for name, files in found.items():
        sizes = [byte_size(each.stat().st_size) for each in (files.small, files.packed, files.dense)]
        yield f"network {name}", (f"{files.params:,} parameters, {files.kept:,} weights not zero: {sizes[0]} small, {sizes[1]} "
                                  f"packed, {sizes[2]} at dense size")
