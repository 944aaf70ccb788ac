"""Federated learning on unlike devices: an agent beside the best there is, moves against beginning anew, a thousand clients."""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.trials import run, settle
from worker import datasets
from worker.context import Checkpoints, DatasetInput
from worker.datasets import Data, Part
from worker.dnn import architectures
from worker.dnn.form import trace
from worker.events import Event, Metric
from worker.federated.adapt import policies
from worker.federated.adapt.knobs import Knobs
from worker.federated.adapt.oracles import Oracle
from worker.federated.adapting import Adaptive, Ruled, points_of
from worker.federated.averaging import fedavg
from worker.federated.course import Course, Plan, Weather, settled
from worker.federated.dealing import dealt
from worker.federated.learning import Pace
from worker.federated.places import Place, halves, places, state_bytes
from worker.federated.real.course import Real, RealCourse
from worker.federated.round_clock import Between, Moving, Takes, takes
from worker.federated.sides import Terms, lot
from worker.federated.states import State
from worker.federated.telling import typical
from worker.federated.trial import Trial
from worker.federated.ways import Chooser, Fixed, OnMove, Way
from worker.planning.fleet import Fleet, Placed, Server, Speed
from worker.planning.fleets import Move, Rate
from worker.recipes.federated import BOARDS
from worker.training.accuracy import Score

REPEATS = 3
SEEDS, ROUNDS, BATCHES, BATCH, NOISE = (1, 2, 3, 4, 5), 100, 100, 100, 0.05
CIFAR, MBPS, LATENCY_MS, SLOW_MBPS, EDGE = (3, 32, 32), 75.0, 2.0, 5.0, Server("edge", 50e9, 0, False)
# Ten rounds each, one board after the other, as published.
WINDOWS = {"jetson": 51, "pi4-1": 61, "pi4-2": 71, "pi3-1": 81, "pi3-2": 91}
AGENT, CLASSIC, ORACLE, GREEDY, FIXED = "FedAdapt", "classic", "oracle", "greedy", "all behind the first pool"


def rows() -> Iterator[tuple[str, str]]:
    settle()
    for part in PARTS.values():
        yield from part()


# Offloading

def offloading() -> Iterator[tuple[str, str]]:
    yield from _testbed("fixed bandwidth", lambda number: {}, typical_goal=50.0, round_goal=57.0)
    yield from _testbed("changing bandwidth", _changing, changing=True)
    yield from _speeds()
    yield "the testbed", (f"VGG-5 at 3x32x32, {BATCHES} batches of {BATCH} images a round, {ROUNDS} rounds, {NOISE:.0%} noise; "
                          + ", ".join(f"{name} {speed:g}" for name, speed in BOARDS.items())
                          + f" GMAC/s in training, {MBPS:g} Mbit/s, edge {EDGE.macs_per_s / 1e9:g} GMAC/s: typed, not measured; "
                            "emulated seconds; three groups, 500 trials of the agent, seeds 1 to 5")


def _changing(number: int) -> dict[str, float]:
    return {name: SLOW_MBPS for name, first in WINDOWS.items() if first <= number < first + 10}


def _testbed(what: str, rates: Callable[[int], dict[str, float]], *, typical_goal: float = 0.0, round_goal: float = 0.0,
             changing: bool = False) -> Iterator[tuple[str, str]]:
    found = [_timed(_fleet(BOARDS), rates, seed) for seed in SEEDS]
    rounds = range(ROUNDS) if not changing else range(50, ROUNDS)
    less = partial(_less, found, rounds)
    yield f"{what}: a typical device's time, median over devices", _told(less(AGENT, CLASSIC, typical), typical_goal)
    yield f"{what}: the slowest device's time", _told(less(AGENT, CLASSIC, _slowest), 0.0)
    yield f"{what}: round time", _told(less(AGENT, CLASSIC, _round), round_goal)
    if changing:
        windows = {name: _less(found, range(first - 1, first + 9), AGENT, CLASSIC, _round) for name, first in WINDOWS.items()}
        for name, window in windows.items():
            yield f"{what}: round time while {name} has {SLOW_MBPS:g} Mbit/s", _told(window, 0.0)
        yield f"{what}: round time in the best of these windows", _told(max(windows.values(), key=statistics.mean), 40.0)
    above = [-each for each in less(AGENT, ORACLE, _round)]
    missed = "**MISSED** " if statistics.mean(above) > 10 else ""
    yield f"{what}: round time against the oracle's", f"{_spread(above)} % more ({missed}goal: within 10 %)"
    others = "; ".join(f"{name} {_spread(less(name, CLASSIC, _round))} % less than classic" for name in (GREEDY, FIXED, ORACLE))
    yield f"{what}: round time of the others", others


def _speeds() -> Iterator[tuple[str, str]]:
    """How much the answer owes to the typed speeds."""
    for what, factor, mbps in (("boards twice as fast", 2.0, MBPS), ("boards half as fast", 0.5, MBPS),
                               ("links of 20 Mbit/s", 1.0, 20.0)):
        fleet = _fleet({name: factor * speed for name, speed in BOARDS.items()}, mbps)
        found = [_timed(fleet, lambda number: {}, SEEDS[0])]
        less = partial(_less, found, range(ROUNDS))
        yield f"{what}, fixed bandwidth, one seed", (
            f"typical device {less(AGENT, CLASSIC, typical)[0]:.0f} % less, round {less(AGENT, CLASSIC, _round)[0]:.0f} % less; "
            f"against the oracle {-less(AGENT, ORACLE, _round)[0]:+.1f} %")


def _fleet(speeds: dict[str, float], mbps: float = MBPS) -> Fleet:
    return Fleet(tuple(Placed(name, Speed(speed * 1e9, mbps, LATENCY_MS), EDGE.name, None, False)
                       for name, speed in speeds.items()), (EDGE,))


def _timed(fleet: Fleet, rates: Callable[[int], dict[str, float]], seed: int) -> dict[str, list[Takes]]:
    """Every round of every way on the clock."""
    network = architectures.outline("vgg5", 10, CIFAR)
    found = places(network, CIFAR)
    points = points_of(found)
    knobs = Knobs(seed=seed, relative_times=True, bandwidth_seen=True)
    choosers: dict[str, Chooser] = {
        AGENT: Adaptive(points, 3, knobs, SLOW_MBPS), CLASSIC: Fixed(-1), ORACLE: Ruled(Oracle(points)),
        GREEDY: Ruled(policies.Greedy(points)), FIXED: Fixed(0)}
    with tempfile.TemporaryDirectory(prefix="ep-bench-") as folder:
        for _ in choosers[AGENT].begin(Trial(fleet, found, BATCH, {}, {}), Checkpoints(Path(folder))):
            pass
    return {name: [_round_of(name, chooser, Trial(fleet, found, BATCH, rates(number), _slow(fleet, seed, number), _sizes(fleet)))
                   for number in range(1, ROUNDS + 1)] for name, chooser in choosers.items()}


def _slow(fleet: Fleet, seed: int, number: int) -> dict[str, float]:
    draw = np.random.default_rng([seed, number])
    return {who.name: float(np.exp(NOISE * draw.standard_normal())) for who in fleet.clients}


def _sizes(fleet: Fleet) -> dict[int, list[int]]:
    return {number: [BATCH] * BATCHES for number in range(len(fleet.clients))}


def _round_of(name: str, chooser: Chooser, trial: Trial) -> Takes:
    cuts = chooser.choose(trial)
    found = takes(Way(name, chooser), cuts, trial, range(len(trial.sizes)), trial.sizes, (), Between(1000, 1, 0), {}, 2.0)
    chooser.saw(cuts, trial.seconds(cuts))
    return found


def _round(found: Takes) -> float:
    return found.seconds


def _slowest(found: Takes) -> float:
    return max(spent.ended_s for spent in found.spent)


def _less(found: Sequence[dict[str, list[Takes]]], rounds: Sequence[int], one: str, other: str,
          of: Callable[[Takes], float]) -> list[float]:
    """By how many percent less time `one` takes than `other` over these rounds, for each seed."""
    def total(each: dict[str, list[Takes]], way: str) -> float:
        return sum(of(each[way][number]) for number in rounds)

    return [100 * (1 - total(each, one) / total(each, other)) for each in found]


def _told(less: Sequence[float], goal: float) -> str:
    told = f"{_spread(less)} % less than classic federated learning (emulated)"
    return told if not goal else f"{told} ({'' if statistics.mean(less) >= goal else '**MISSED** '}goal: at least {goal:.0f} %)"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"


# Learning

def learning() -> Iterator[tuple[str, str]]:
    """The same network whoever trains which layers: once with the agent, once classic."""
    told: dict[str, Any] = {"model": "vgg5", "dataset": "digits32", "rounds": 10, "batch_size": 50, "learning_rate": 0.01}
    agent, classic = (run(recipe, seed=1, **told) for recipe in ("federated.fedadapt", "federated.fedavg"))
    alike = agent["variants"][0]["sha256"] == classic["variants"][0]["sha256"]
    yield "accuracy after 10 rounds of digits32, five clients", (
        f"FedAdapt {100 * agent['accuracy_after']:.1f} %, classic {100 * classic['accuracy_after']:.1f} % (test, n = "
        f"{agent['test_images']}); {'the same network, bit for bit' if alike else '**MISSED** not the same network'}")


# Moves

def moving() -> Iterator[tuple[str, str]]:
    for part, published in ((50, 33.0), (90, 45.0)):
        less = _moved(part)
        ideal = 100 * (part / 100) / (1 + part / 100)
        yield f"a move at {part} % of a round, on the clock: the moving device's round", (
            f"{less:.1f} % less than beginning anew (published: up to {published:.0f} %; by arithmetic {ideal:.1f} % where "
            "moving costs nothing)")


def _moved(part: int) -> float:
    network = architectures.outline("vgg5", 10, CIFAR)
    found = places(network, CIFAR)
    fleet = Fleet(_fleet({"pi3-1": 0.5}).clients, (EDGE, replace(EDGE, name="other")))
    after = BATCHES * part // 100 - 1
    edge = halves(network, CIFAR, found[1].after).edge
    assert edge is not None
    state = 2 * state_bytes(edge) + BATCH * found[1].sent_bytes  # weights, momentum, the gradient
    times = {}
    for on_move in ("migrates", "restarts"):
        way = Way(on_move, Fixed(1), on_move)
        trial = Trial(fleet, found, BATCH, {}, {})
        times[on_move] = takes(way, [1], trial, [0], {0: [BATCH] * BATCHES}, [Moving("pi3-1", after, "other", state)],
                               Between(75.0, 2.0, 0), {}, 2.0).spent[0].ended_s
    return 100 * (1 - times["migrates"] / times["restarts"])


def moving_really() -> Iterator[tuple[str, str]]:
    """A device and two edge servers, each a process; the state goes over a link of 75 Mbit/s."""
    for part, published in ((0.5, 33.0), (0.9, 45.0)):
        ways: tuple[OnMove, ...] = ("migrates", "restarts", "stays")
        rounds = [{on_move: _really(part, on_move) for on_move in ways} for _ in range(REPEATS)]  # in turn: a busy spell hits all
        found = {on_move: [each[on_move] for each in rounds] for on_move in ways}
        moved, again, stayed = (statistics.median(each.seconds for each in found[on_move]) for on_move in found)
        alike = len({each.weights for each in found["migrates"] + found["stays"]}) == 1
        yield f"a move at {100 * part:.0f} % of a round, real processes: the moving device's round", (
            f"{100 * (1 - moved / again):.1f} % less than beginning anew (published: up to {published:.0f} %): {moved:.2f} s "
            f"beside {again:.2f} s, {stayed:.2f} s without a move")
        transfer = found["migrates"][0]
        yield f"the same: what goes to the other edge server, median of {REPEATS}", (
            f"{transfer.moved_bytes / 1e6:.2f} MB in {statistics.median(each.moved_s for each in found['migrates']):.2f} s; "
            + ("the weights are those without a move, bit for bit" if alike else "**MISSED** other weights than without a move"))


@dataclass(frozen=True)
class Really:
    seconds: float
    moved_s: float
    moved_bytes: int
    weights: bytes


def _really(part: float, on_move: OnMove) -> Really:
    """One round of 78 batches of 32 images, all processes there before it begins."""
    settle()
    data = datasets.load(DatasetInput("digits32"))
    network = settled(architectures.build("vgg5", data.classes, data.in_shape, seed=1))
    servers = (EDGE, replace(EDGE, name="other"))
    fleet = Fleet(_fleet({"pi": 1.0}).clients, servers)
    plan = Plan(1, Pace(2, 32, 1), Terms(0.01, 0.9), between=Between(MBPS, LATENCY_MS, 0.0))
    weather = Weather(moves=(Move(1, part, "pi", "other"),))
    images = [np.arange(1248)]
    with tempfile.TemporaryDirectory(prefix="ep-bench-") as folder:
        course = RealCourse(network, data, fleet, places(network, data.in_shape), images, plan, [Way("way", Fixed(1), on_move)],
                            fedavg, weather, real=Real(DatasetInput("digits32"), Path(folder)))
        said = list(course.rounds(Checkpoints(Path(folder) / "checkpoints")))
    told = {event.name: event.value or 0.0 for event in said if isinstance(event, Metric) and event.step == 1}
    state = b"".join(tensor.numpy().tobytes() for _, tensor in sorted(course.state.items()))
    return Really(told["round_seconds"], told.get("moved_seconds", 0.0), int(told.get("moved_bytes", 0)), state)


# A thousand clients

class Linear(Course):
    """A course whose clients learn a linear model, all at once in NumPy: what is left is the bookkeeping."""

    def _learnt(self, number: int, present: Sequence[int], cuts: Sequence[int], moving: Sequence[Any],
                ) -> Generator[Event, None, tuple[dict[int, State], dict[str, int]]]:
        yield from ()
        weight, bias = (self.state[name].numpy().astype(np.float64) for name in ("fc.weight", "fc.bias"))
        images, labels = self._all
        own = np.stack([self.parts[place] for place in present])
        x, y = images[own], labels[own]
        scores = x @ weight.T + bias
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        error = (scores / scores.sum(-1, keepdims=True) - np.eye(len(bias))[y]) / own.shape[1]
        weights = (weight - self.plan.rate(number, self.learning_rate) * np.einsum("kbc,kbd->kcd", error, x)).astype(np.float32)
        biases = (bias - self.plan.rate(number, self.learning_rate) * error.sum(1)).astype(np.float32)
        return {place: {"fc.weight": torch.from_numpy(weights[at]), "fc.bias": torch.from_numpy(biases[at])}
                for at, place in enumerate(present)}, {}

    @property
    def _all(self) -> tuple[np.ndarray, np.ndarray]:
        part = self.data.parts["train"]
        return part.images.flatten(1).double().numpy() / 255.0 - 0.5, part.labels.numpy()

    def _validated(self) -> Generator[Event, None, Score]:
        yield from ()
        images, labels = self._all
        guesses = (images @ self.state["fc.weight"].numpy().T + self.state["fc.bias"].numpy()).argmax(-1)
        return Score(int((guesses == labels).sum()), len(labels))


def thousand() -> Iterator[tuple[str, str]]:
    took = {count: _many(count) for count in (250, 500, 1000, 2000)}
    seconds, accuracy = took[1000]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    yield "1,000 emulated clients, 100 rounds, a linear model", (
        f"{seconds:.1f} s of one core ({'' if seconds < 60 else '**MISSED** '}goal: under 60 s), the process {peak:.2f} GB at "
        f"most ({'' if peak < 1 else '**MISSED** '}goal: under 1 GB), {100 * accuracy:.0f} % accurate")
    each = {count: 1e6 * found[0] / (count * ROUNDS) for count, found in took.items()}
    worst = max(each.values()) / min(each.values())
    yield "the same with other numbers of clients, a client's round", (
        ", ".join(f"{count:,}: {value:.0f} µs" for count, value in each.items())
        + f"; at most {worst:.2f} times the least ({'' if worst < 1.5 else '**MISSED** '}goal: it grows with their number alone)")


def _many(count: int) -> tuple[float, float]:
    """Seconds of one core, and the accuracy on what was learnt from."""
    draw = np.random.default_rng(0)
    labels = np.arange(10 * count) % 10
    images = np.clip(128 + 60 * draw.standard_normal((10, 64))[labels] + 40 * draw.standard_normal((10 * count, 64)), 0, 255)
    part = Part(torch.from_numpy(images.astype(np.uint8).reshape(-1, 1, 8, 8)), torch.from_numpy(labels))
    data = Data("drawn", (1, 8, 8), 10, tuple(map(str, range(10))), (0.5,), (0.25,), "", {"train": part, "validation": part})
    network = trace(_Flat())
    fleet = Fleet(tuple(Placed(f"phone-{number}", Speed(1e9 * (1 + number % 7), 5.0 + number % 50, 10.0), EDGE.name, None, False)
                        for number in range(count)), (replace(EDGE, slots=8),))
    cut = Place("flatten", 0.5, 8_488_192, 16_384, 300_000)  # what is timed is VGG-5 parted behind its second pool
    plan = Plan(ROUNDS, Pace(10, 10, 0), Terms(0.5), patience=3.0)
    course = Linear(network, data, fleet, (cut, replace(cut, after="", share=1.0)), dealt(labels, count, "alike", seed=0), plan,
                    [Way("split", Fixed(0)), Way(CLASSIC, Fixed(-1))], fedavg,
                    Weather(rates=tuple(Rate(f"phone-{lot(str(number)) % count + 1}", 1.0, number, number + 9)
                                        for number in range(1, ROUNDS, 10))))
    begun = time.process_time()
    with tempfile.TemporaryDirectory(prefix="ep-bench-") as folder:
        said = [event.value for event in course.rounds(Checkpoints(Path(folder)))
                if isinstance(event, Metric) and event.name == "accuracy"]
    return time.process_time() - begun, said[-1] or 0.0


class _Flat(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.flatten, self.fc = nn.Flatten(), nn.Linear(64, 10)
        nn.init.zeros_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.flatten(images))  # type: ignore[no-any-return]


PARTS = {"offloading": offloading, "learning": learning, "moving": moving, "processes": moving_really,
         "thousand": thousand}
