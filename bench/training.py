"""Four ways of training inside memory budgets: what fits, what an epoch costs, how soon a target is reached, what is kept.

`python -m bench training:frontier` (or `:cost`, `:output`, `:target`) is a part alone, `:tight` the races of `:target` at the
tightest budget of backprop. `:tuning`, the grid that the settings of races are chosen from, takes half an hour and is none of the
whole. Each figure is kept in var/bench/training.jsonl as it comes, for a day: who is stopped goes on there; without the file all
is measured anew.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from functools import cache

from bench.budgets import BACKPROP, CHECKPOINTING, HEADS, LOCAL, METHODS, NEUROFLUX, TRAIN_IMAGES, WHOLE, fit, work
from bench.figures import FOLDER, Cell, Figures, Found
from bench.folds import FOLDS, against
from bench.trials import settle, spread
from worker.training.memory.demand import MB

Row = tuple[str, str]
Course = list[tuple[float, float]]
NAMES = {BACKPROP: "backprop", CHECKPOINTING: "checkpointing", LOCAL: "local learning", NEUROFLUX: "NeuroFlux"}
VGG, RESNET = NETWORKS = ("vgg16", "resnet18")
# Budgets in MB; the tightest that backprop runs in stands among them.
FRONTIER = {VGG: (60, 130, 200, 260, 400), RESNET: (60, 80, 130, 260, 400)}
RACES = {VGG: (60, 130, 260), RESNET: (80, 130, 260)}
LINEAR_MB, SMALL_MB, MOST_BATCH, MOST_STEP = 200, 130, 256, 64
CHEAPER, SOONER, FEWER, NEAR_POINTS, MINUTES = 0.75, 0.5, 10.9, 1.0, 40
TARGETS, RATE, CAP_S, FOLD_EPOCHS = (0.95, 0.97, 0.98), 0.05, 120, 4
SEEDS = (1, 2, 3)
# The most images a step, the learning rate, the epochs (of each block): chosen by `tuning`, for both networks and all targets.
Setting = tuple[int, float, int]
SETTINGS: dict[str, Setting] = {BACKPROP: (MOST_STEP, RATE, 8), CHECKPOINTING: (MOST_STEP, RATE, 8), LOCAL: (MOST_STEP, RATE, 8),
                                NEUROFLUX: (8, RATE, 2)}
# Whole networks with fewer than FEW images a step have two settings, a short and a long one, and the better of them by target.
FEW, SMALL_STEPS = 32, ((MOST_STEP, 0.025, 2), (MOST_STEP, 0.0125, 8))
GRID: dict[str, list[Setting]] = {
    BACKPROP: [(MOST_STEP, rate, epochs) for epochs in (2, 8) for rate in (0.0125, 0.025, RATE)],
    NEUROFLUX: [(most, RATE, epochs) for epochs in (1, 2) for most in (8, 16)]}


def rows() -> Iterator[Row]:
    for part in MEASURED.values():
        yield from part()
    minutes = _figures().minutes
    missed = "" if minutes <= MINUTES else " **MISSED**"
    yield "measured", (f"{minutes:.0f} minutes in all on two cores, one thread a process (goal: at most {MINUTES}{missed}); "
                       f"{TRAIN_IMAGES} training images of digits32, one seed but for races of {len(SEEDS)}")


@cache
def _figures() -> Figures:
    settle()
    return Figures(FOLDER / "training.jsonl")


@cache
def tightest(network: str) -> int:
    """The smallest whole MB that backprop runs in."""
    needed = fit(network, BACKPROP, 1, MOST_BATCH).needed_bytes
    assert needed is not None
    return math.ceil(needed / MB)


def _budgets(network: str, others: dict[str, tuple[int, ...]]) -> list[int]:
    return sorted({*others[network], tightest(network)})


def _fits(network: str, budget_mb: int, most_batch: int = MOST_BATCH) -> Found:
    cell = {"part": "fits", "network": network, "budget_mb": budget_mb, "most_batch": most_batch}
    return _figures().here(cell, work)


def frontier() -> Iterator[Row]:
    """Which methods fit into which budget, as foretold; and what real steps of them took."""
    places = [(network, budget) for network in NETWORKS for budget in _budgets(network, FRONTIER)]
    over = list[str]()
    cells = [{"part": "peak", "network": network, "budget_mb": budget, "method": method, "most_batch": MOST_BATCH}
             for network, budget in places for method in METHODS if _fits(network, budget)[method]["fits"]]
    found = _figures().measured(cells, work, 2)
    for network, budget in places:
        told = []
        for method in METHODS:
            said = _fits(network, budget)[method]
            if said["fits"]:
                cell, peaks = next(found)
                assert (cell["network"], cell["budget_mb"], cell["method"]) == (network, budget, method)
                over += [f"{NAMES[method]} at {budget} MB"] if max(peaks["peaks_bytes"]) > budget * MB else []
                told.append(_fitting(method, said, peaks))
            else:
                told.append(f"{NAMES[method]} needs {said['needed_bytes'] / MB:.1f} MB")
        yield f"{network}, {budget} MB", "; ".join(told)
    yield "steps that took more than their budget", f"{len(over)} of {len(cells)} (goal: none{' **MISSED**' if over else ''})"
    yield from _only_neuroflux()


def _fitting(method: str, said: Found, peaks: Found) -> str:
    batches = ", ".join(str(block["batch"]) for block in said["blocks"])
    foretold, took = max(peaks["predicted_bytes"]) / MB, max(peaks["peaks_bytes"]) / MB
    return f"{NAMES[method]} {batches} images a step, predicted {foretold:.1f}, measured {took:.1f} MB"


def _only_neuroflux() -> Iterator[Row]:
    said, roomy = _fits(VGG, SMALL_MB), _fits(VGG, LINEAR_MB)
    alone = said[NEUROFLUX]["fits"] and not any(said[method]["fits"] for method in WHOLE)
    rest = roomy[BACKPROP]["at_rest_bytes"]
    yield f"{VGG} in {SMALL_MB} MB", (f"NeuroFlux {'trains' if said[NEUROFLUX]['fits'] else 'does not fit'}; backprop and "
                                      f"checkpointing {'cannot' if alone else 'can'}: {rest / MB:.1f} MB before the first sample "
                                      f"(goal: NeuroFlux alone{'' if alone else ' **MISSED**'})")


def cost() -> Iterator[Row]:
    """An epoch's CPU time by each kind of exit against backprop at the same budget: in one process, backprop before and after."""
    cells = [{"part": "cost", "network": network, "budget_mb": budget, "most_batch": MOST_STEP} for network, budget in
             ((VGG, tightest(VGG)), (VGG, LINEAR_MB), (RESNET, tightest(RESNET)))]
    for cell, found in _figures().measured(cells, work, 2):
        network, budget = cell["network"], cell["budget_mb"]
        both = [each["steps_s"] for each in found["backprop"]]
        yield (f"{network}, {budget} MB: an epoch by backprop",
               f"{both[0]:.1f} and, behind the others, {both[1]:.1f} s of one core, "
               f"{_fits(network, budget, MOST_STEP)[BACKPROP]['batch']} images a step")
        for kind in HEADS:
            share = found[kind]["steps_s"] / statistics.fmean(both)
            yield (f"{network}, {budget} MB: an epoch by NeuroFlux, exits {kind}",
                   f"{found[kind]['steps_s']:.1f} s, {share:.2f}x{_cheap(network, budget, kind, share)}; once a training "
                   f"{found[kind]['between_s']:.1f} s for validation, checkpoints and the cache")


def _cheap(network: str, budget: int, kind: str, share: float) -> str:
    if network != VGG or (kind, budget) not in (("linear", LINEAR_MB), ("half", tightest(VGG))):
        return ""
    return f" (goal: at most {CHEAPER:g}x{'' if share <= CHEAPER else ' **MISSED**'})"


def output() -> Iterator[Row]:
    """What NeuroFlux keeps of VGG-16, on five folds, beside the best of its exits."""
    most, rate, _ = SETTINGS[NEUROFLUX]
    cells = [{"part": "fold", "network": VGG, "budget_mb": SMALL_MB, "most_batch": most, "fold": fold, "epochs": FOLD_EPOCHS,
              "learning_rate": rate, "exits": "half", "tolerance_points": NEAR_POINTS} for fold in range(FOLDS)]
    found = []
    for cell, one in _figures().measured(cells, work, 2):
        found.append(one)
        yield (f"fold {cell['fold'] + 1}, tested on {one['test_images']}",
               f"exit {one['exit']} {100 * one['accuracy_after']:.1f} %, {_fewer(one):.1f}x fewer parameters; the best, exit "
               f"{one['best_exit']}, {100 * one['accuracy_best_exit']:.1f} %")
    points = [100 * (one["accuracy_after"] - one["accuracy_best_exit"]) for one in found]
    least = min(map(_fewer, found))
    missed = "" if least >= FEWER else " **MISSED**"
    yield "parameters of the output model", (f"{spread([_fewer(one) for one in found])}x fewer, in each fold at least "
                                             f"{least:.1f}x (goal: {FEWER}x{missed})")
    near = statistics.fmean(points) >= -NEAR_POINTS
    yield "output model against the best exit, paired by fold", (
        f"{against(points)} (goal: at most {NEAR_POINTS:g} points less in the mean{'' if near else ' **MISSED**'})")
    yield "trained", (f"{VGG} inside {SMALL_MB} MB, at most {most} images a step, {FOLD_EPOCHS} epochs a block, half exits, "
                      f"tolerance {NEAR_POINTS:g} points of validation by all that is neither trained on nor tested; "
                      f"{sum(one['cpu_s'] for one in found) / 60:.0f} minutes of one core")


def _fewer(one: Found) -> float:
    return float(one["params_before"] / one["params_after"])


def target() -> Iterator[Row]:
    """How soon each method is so often right, the fastest of its settings by target."""
    yield from _raced([(network, budget) for network in NETWORKS for budget in _budgets(network, RACES)])


def tight() -> Iterator[Row]:
    """The same at the tightest budget of backprop alone."""
    yield from _raced([(network, tightest(network)) for network in NETWORKS])


def _raced(races: list[tuple[str, int]]) -> Iterator[Row]:
    found = _figures().measured([cell for race in races for cell in _racing(*race)], work, 2)
    for network, budget in races:
        courses = [(cell, next(found)[1]["course"]) for cell in _racing(network, budget)]
        for aim in TARGETS:
            best = _soonest(courses, aim)
            told = "; ".join(f"{NAMES[method]} {_seconds(reached)}" for method, reached in best.items())
            yield f"{network}, {budget} MB: {100 * aim:g} % of the validation images", told + _soon(network, budget, best)
    yield "target", (f"CPU seconds of one core from the plan on, validation, checkpoints and the cache counted in; at backprop's "
                     f"tightest budget the median of {len(SEEDS)} seeds for it and for NeuroFlux, else one seed; NeuroFlux by "
                     f"one setting everywhere, {_set(SETTINGS[NEUROFLUX])}; backprop and checkpointing below {FEW} images a step "
                     f"by the faster of two by target, {' and '.join(map(_set, SMALL_STEPS))}, else {_set(SETTINGS[BACKPROP])}")


def _set(setting: Setting) -> str:
    most, rate, epochs = setting
    return f"at most {most} images a step, rate {rate:g}, {epochs} epochs"


def tuning() -> Iterator[Row]:
    """The races at backprop's tightest budget on other images than those that judge: what settings are chosen by."""
    cells = [_race(network, tightest(network), method, setting) | {"tuning": True}
             for network in NETWORKS for method, settings in GRID.items() for setting in settings]
    for cell, found in _figures().measured(cells, work, 2):
        reached = ((aim, _reached(found["course"], aim)) for aim in TARGETS)
        setting = _set((cell["most_batch"], cell["learning_rate"], cell["epochs"]))
        yield (f"{cell['network']}, {cell['budget_mb']} MB, {NAMES[cell['method']]}: {setting}",
               "; ".join(f"{100 * aim:g} % {_seconds(seconds)}" for aim, seconds in reached))


def _race(network: str, budget: int, method: str, setting: Setting) -> Cell:
    most, rate, epochs = setting
    return {"part": "target", "network": network, "budget_mb": budget, "method": method, "most_batch": most, "epochs": epochs,
            "learning_rate": rate, "target": max(TARGETS), "cap_s": CAP_S}


def _racing(network: str, budget: int) -> list[Cell]:
    """The races of all ways that fit; at backprop's tightest budget its first setting and NeuroFlux's have all seeds."""
    said, tight, cells = _fits(network, budget, MOST_STEP), budget == tightest(network), list[Cell]()
    for method in (method for method in METHODS if said[method]["fits"]):
        few = method in WHOLE and said[method]["batch"] < FEW
        for place, setting in enumerate(SMALL_STEPS if few else (SETTINGS[method],)):
            seeds = SEEDS if tight and method in (BACKPROP, NEUROFLUX) and not place else SEEDS[:1]
            cells += [_race(network, budget, method, setting) | {"seed": seed} for seed in seeds]
    return sorted(cells, key=lambda cell: (int(cell["seed"]), int(cell["epochs"]), -METHODS.index(cell["method"])))


def _soonest(courses: list[tuple[Cell, Course]], aim: float) -> dict[str, float | None]:
    """By which method it was reached, after how many seconds by its faster setting, the median of its seeds; None by a method
    that did not get there."""
    best = dict[str, float | None]()
    settings = dict[tuple[str, float, int], list[float]]()
    for cell, course in courses:
        key = (cell["method"], cell["learning_rate"], cell["epochs"])
        settings.setdefault(key, []).append(_reached(course, aim) or math.inf)
    for (method, *_), seconds in settings.items():
        median = statistics.median(seconds)
        best[method] = _least([best.get(method), median if median < math.inf else None])
    return {method: best[method] for method in METHODS if method in best}


def _reached(course: Course, aim: float) -> float | None:
    return next((seconds for seconds, accuracy in course if accuracy >= aim), None)


def _least(found: list[float | None]) -> float | None:
    return min((each for each in found if each is not None), default=None)


def _seconds(reached: float | None) -> str:
    return f"not within {CAP_S} s or its epochs" if reached is None else f"{reached:.0f} s"


def _soon(network: str, budget: int, best: dict[str, float | None]) -> str:
    """At the tightest budget of backprop, which counts with all the time that it was given where it did not get there."""
    if budget != tightest(network):
        return ""
    ours, other = best[NEUROFLUX], best[BACKPROP]
    share = math.inf if ours is None else ours / (other or CAP_S)
    told = f"{'' if other else 'at most '}{share:.2f}x of backprop's" if ours is not None else "NeuroFlux did not get there"
    return f"; {told} (goal: at most {SOONER:g}x{'' if share <= SOONER else ' **MISSED**'})"


MEASURED = {"frontier": frontier, "cost": cost, "output": output, "target": target}
PARTS = MEASURED | {"tight": tight, "tuning": tuning}
