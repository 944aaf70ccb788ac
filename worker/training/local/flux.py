"""A run of local learning: the plan first, then block by block with the activations in a cache on disk, then the exit to keep.

Classic local learning is the same with one block: all units learn in one sweep, from the images, with one batch size.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

from torch import fx

from worker.context import Context, write_durably
from worker.datasets import Data
from worker.dnn.cost import Cost, cost
from worker.dnn.units import Unit, Units, joined, units
from worker.events import Event, FileMade, Labels, Log, Metric
from worker.profiling.opening import Start, opened
from worker.profiling.phases import Phases
from worker.profiling.variants import Variant, write
from worker.training import wants
from worker.training.accuracy import Score, commonest, compared, guessing, judged, score
from worker.training.hardware import chosen as device_of
from worker.training.hardware import resting, settle, working
from worker.training.limits import foretold, kept_to
from worker.training.local import exits, heads
from worker.training.local.block import Block, Finished, Place
from worker.training.local.cache import Caches, Dtype
from worker.training.local.exits import Exit
from worker.training.local.heads import Head
from worker.training.local.learner import UnitLearner
from worker.training.local.plan import Budget, Plan, PlannedBlock, one_sweep, planned
from worker.training.local.shelf import Shelf
from worker.training.memory.demand import MB
from worker.training.settings import Settings
from worker.wording import counted, figures

EXIT_ACCURACY, EXIT_PARAMS, KEPT = "exit_accuracy", "exit_params", "kept_exit_accuracy"
PLAN_FILE = "plan.json"


@dataclass(frozen=True)
class Terms:
    """`blocks`: by memory, or one of all units. `tolerance`: how much less accurate than the best exit the one that is kept may
    be, as a fraction; nothing keeps the last exit, the whole network."""

    settings: Settings
    budget: Budget
    head: Head = "half"
    blocks: Literal["by memory", "one"] = "by memory"
    tolerance: float | None = 0.01
    cache: Dtype = "float32"
    start: Start = "given"


def train(terms: Terms, context: Context, name: str) -> Generator[Event, None, dict[str, Any]]:
    """The run; resumed, it tells what it had told and goes on in the block, and at the epoch, where it was."""
    settle(threads=context.threads, seed=context.seed)
    phases = Phases()
    given = yield from opened(context, terms.start)
    data, network = given.data, given.network
    before = (yield from judged(network, data, "given")) if given.trained else None
    yield phases.end("open")
    yield Log(message="Rehearsing each unit's step without memory, to plan blocks and batches before anything is trained.")
    plan = plan_of(network, data, terms)
    yield from _told(plan, terms, data, context)
    yield phases.end("plan")
    run = _Run(terms, context, data, units(network, data.in_shape), plan)
    whole = cost(network, data.in_shape)
    yield from run.train(phases)
    found = list(run.exits())
    best, kept = exits.best(found), found[-1] if terms.tolerance is None else exits.chosen(found, terms.tolerance)
    yield _exit_told(KEPT, kept)
    after, made, best_score = yield from run.kept(kept, best, name)
    yield made.said()
    run.clear()
    yield phases.end("test and save")
    return {
        "params_before": whole.params, "params_after": made.facts.params, "macs_before": whole.macs,
        "macs_after": made.facts.macs, "size_bytes_after": made.facts.size_bytes,
        "accuracy_before": before.accuracy if before else None,
        "accuracy_after": after.accuracy, "test_images": after.n, "validation_accuracy": kept.accuracy,
        "accuracy_best_exit": best_score.accuracy, "exit": kept.number, "best_exit": best.number,
        "exits": [each.as_json() for each in found], "plan": plan.as_json(), "memory_budget_bytes": plan.budget_bytes,
        "predicted_memory_bytes": plan.predicted_bytes, "measured_memory_bytes": run.measured_bytes,
        "train_seconds": round(run.seconds, 3), "epoch_equivalents": terms.settings.epochs,
        "variants": [made.as_summary() | {"accuracy": after.accuracy}],
        "verdict": _verdict(found, kept, best, after, best_score, _against(whole, made), data)
        + kept_to(plan.budget_bytes, run.measured_bytes),
    }


def plan_of(network: fx.GraphModule, data: Data, terms: Terms) -> Plan:
    """Blocks and batches; Infeasible or NoUnits where there are none. No batch is larger than the train part."""
    budget = replace(terms.budget, cap=min(terms.budget.cap, len(data.parts["train"])))
    wanted = wants.of_units(units(network, data.in_shape), terms.head, terms.settings)
    return planned(wanted, budget) if terms.blocks == "by memory" else one_sweep(wanted, budget)


@dataclass
class _Run:
    terms: Terms
    context: Context
    data: Data
    parts: Units
    plan: Plan
    seconds: float = 0.0
    measured_bytes: int = 0
    accuracies: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.caches = Caches(self.context.workdir / "cache", self.data, self.terms.cache)
        self.shelf = Shelf(self.context.workdir / "units")
        self.heads = wants.heads_of(self.parts, self.terms.head)
        # Only the block in hand is resident: the whole network would take what the budget was to save.
        for number, unit in enumerate(self.parts.units, 1):
            self.shelf.put(number, unit.network)
        self.shelf.put(0, self.parts.head.network)

    def train(self, phases: Phases) -> Generator[Event, None, None]:
        for number, block in enumerate(self.plan.blocks, 1):
            finished = yield from self._block(number, block)
            self.seconds += finished.seconds
            self.accuracies += finished.accuracies
            self.measured_bytes = max(self.measured_bytes, finished.measured_bytes)
            yield from self._exits_told(block)
            yield Log(message=self._learned(number, block))
            yield phases.end(f"block {number}")
        self.seconds += self.caches.seconds(len(self.plan.blocks) - 1)

    def _learned(self, number: int, block: PlannedBlock) -> str:
        mine = islice(self.exits(), block.first - 1, block.last)
        found = ", ".join(f"exit {each.number} {100 * each.accuracy:.1f} %" for each in mine)
        return f"Block {number} of {len(self.plan.blocks)}, {block.words}, has learned: {found} accurate on the validation part."

    def _exits_told(self, block: PlannedBlock) -> Iterator[Metric]:
        for each in islice(self.exits(), block.first - 1, block.last):
            yield Metric(name=EXIT_PARAMS, value=each.params, labels=_named(each))
            yield _exit_told(EXIT_ACCURACY, each)

    def _block(self, number: int, block: PlannedBlock) -> Generator[Event, None, Finished]:
        last = number == len(self.plan.blocks)
        best = max(self.accuracies, default=0.0)
        place = Place(number, len(self.plan.blocks), self.seconds + self.caches.seconds(number - 1), best)
        learners = self._resident(block)
        # What an attempt before this one has finished needs no samples: its own may be gone.
        source = self.caches.open(number - 1 if self.caches.has(number - 1) else 0)
        work = Block(learners, block, source, self.data, self.terms.settings, place, device_of())
        finished = yield from work.train(self.context.checkpoints)
        if not last and not self.caches.has(number) and not self._finished(number + 1):
            shape = self.parts.units[block.last - 1].out_shape
            yield from self.caches.write(number, work.through, shape, block.batch)
        self._evict(block, learners)
        return finished

    def _finished(self, number: int) -> bool:
        known = self.context.checkpoints.last(f"training-block-{number}")
        return known is not None and known[2]["epoch"] >= self.terms.settings.epochs

    def _resident(self, block: PlannedBlock) -> list[UnitLearner]:
        """The block's units and exits on the device, with an optimiser each."""
        made = []
        for number in block.numbers:
            unit, head = self._unit(number).network, self.heads[number - 1]
            self.shelf.take(number, unit)
            if number == len(self.parts.units):
                self.shelf.take(0, head)
            else:
                heads.drawn(head, self.context.seed + number)
            for module in (unit, head):
                working(module, device_of())
            made.append(UnitLearner(unit, head, self.terms.settings))
        return made

    def _evict(self, block: PlannedBlock, learners: Sequence[UnitLearner]) -> None:
        for number, learner in zip(block.numbers, learners, strict=True):
            self.shelf.put(number, resting(learner.unit))
            self.shelf.put(-number, resting(learner.head))

    def _unit(self, number: int) -> Unit:
        return self.parts.units[number - 1]

    def exits(self) -> Iterator[Exit]:
        """Those that have learned, from the first on."""
        params = 0
        for number, (unit, head, accuracy) in enumerate(zip(self.parts.units, self.heads, self.accuracies, strict=False), 1):
            params += _params(unit.network)
            yield Exit(number, unit.name, params + _params(head), accuracy)

    def kept(self, kept: Exit, best: Exit, name: str) -> Generator[Event, None, tuple[Score, Variant, Score]]:
        """The exit to keep as a variant, tested; and how the best exit does on the same images."""
        network = self._cut(kept)
        own = kept.number == len(self.parts.units)
        after = yield from judged(network, self.data, label := name if own else f"{name} exit {kept.number}")
        made = yield from write(network, label, in_shape=self.data.in_shape, classes=self.data.classes, trained=True,
                                folder=self.context.workdir)
        other = after if best == kept else (yield from score(self._cut(best), self.data, "test"))
        return after, made, other

    def _cut(self, exit: Exit) -> fx.GraphModule:
        """The network up to an exit, its weights from the shelf."""
        pieces = [self._unit(number).network for number in range(1, exit.number + 1)]
        for number, piece in enumerate(pieces, 1):
            self.shelf.take(number, piece)
        self.shelf.take(-exit.number, self.heads[exit.number - 1])
        return joined([*pieces, self.heads[exit.number - 1]]).eval()

    def clear(self) -> None:
        """What only a run that goes on would need."""
        self.caches.clear()
        self.shelf.clear()


def _params(network: fx.GraphModule) -> int:
    return sum(weight.numel() for weight in network.parameters())


def _told(plan: Plan, terms: Terms, data: Data, context: Context) -> Iterator[Event]:
    write_durably(context.workdir / PLAN_FILE, json.dumps(plan.as_json(), indent=1).encode())
    yield FileMade(path=PLAN_FILE, name=PLAN_FILE, media_type="application/json")
    for number, block in enumerate(plan.blocks, 1):
        yield Log(message=f"Block {number}: {block.words}, {counted(block.batch, 'image')} a step; predicted "
                          f"{block.predicted_bytes / MB:,.1f} of {plan.budget_bytes / MB:,.6g} MB, "
                          f"{block.resident_bytes / MB:,.1f} MB of them weights and optimiser states.")
    yield from foretold({block.name: block.predicted_bytes for block in plan.blocks}, plan.budget_bytes)


def _exit_told(name: str, each: Exit) -> Metric:
    """Its accuracy, at the step of its parameters: one is drawn against the other."""
    return Metric(name=name, value=each.accuracy, step=each.params, labels=_named(each))


def _named(each: Exit) -> Labels:
    return {"exit": f"exit {each.number}"}


def _verdict(
    found: Sequence[Exit], kept: Exit, best: Exit, after: Score, best_score: Score, against: str, data: Data,
) -> str:
    told = f"{100 * after.accuracy:.1f} % accurate at exit {kept.number} of {len(found)}"
    if doubt := guessing(after, data.classes, commonest(data)):
        told += f", {doubt}"
    told += against
    if best != kept:
        told += f"; {compared(best_score, after, f'the best exit, {best.number}')}"
    return told if best != kept else f"{told} (test, n = {after.n})"


def _against(whole: Cost, made: Variant) -> str:
    """The exit that was kept beside the whole network: a head may need more MACs than all the layers in whose place it stands."""
    facts, said = made.facts, ""
    if facts.params < whole.params:
        said = f", with {whole.params / facts.params:.3g} times fewer parameters than the whole network"
    if facts.macs <= whole.macs:
        return said
    more = f"{figures(100 * (facts.macs / whole.macs - 1))} % more MACs"
    why = "the exit's own layers cost more than those that it leaves out"
    return f"{said} but {more}: {why}" if said else f", with {more} than the whole network: {why}"
