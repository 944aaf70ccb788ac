"""Iterative magnitude pruning as a pruning method: all levels but the last belong to pruning, the last is the run's training."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from torch import fx

from worker.dnn.surgery import LayerCollapse
from worker.events import Event, Log, Metric
from worker.listening import through
from worker.pruning.pruned import Onward, Pruned, Subject
from worker.pruning.unstructured import Rules, controlled
from worker.sparsity.lottery import Level, Lottery, Plan, Retrain, down_to
from worker.sparsity.masks import Masks, densities, prunable
from worker.wording import counted

DENSE = "dense"


@dataclass(frozen=True)
class Ways:
    """`fraction` of the weights that are left go in each level; the rest is said in worker.sparsity.lottery.Plan."""

    fraction: float = 0.2
    retrain: Retrain = "rewind"
    rewind: float = 0.0
    slow: float = 0.1


def prune(subject: Subject, rules: Rules, ways: Ways) -> Generator[Event, None, Pruned]:
    """All levels before the last, and the network that the last one sets out from."""
    if not prunable(subject.network, classifier=rules.classifier):
        raise ValueError("There is nothing to prune: the network has no convolution and no linear layer but its last.")
    if rules.control == "shuffle" and ways.retrain != "rewind":
        raise ValueError("Masks that are drawn by lot need weights to go back to: choose retrain rewind, or no control.")
    levels = _levels(subject, rules, ways)
    yield Log(message=_announced(levels))
    done: list[Level] = []
    for number in range(levels.plan.last):
        done.append((yield from _level(levels, number)))
    network, masks = levels.ticket(levels.plan.last)
    network, masks = yield from _controlled(subject, rules, levels, network, masks)
    return _handed_over(levels, done, network, masks, rules)


def _levels(subject: Subject, rules: Rules, ways: Ways) -> Lottery:
    # A dense network that the run trains anyway, from the same weights, is level 0: it is trained once.
    shared = not subject.trained and not subject.initial
    plan = Plan(down_to(rules.density, ways.fraction), ways.retrain, ways.rewind, ways.slow, classifier=rules.classifier,
                scope=rules.scope, lowest=rules.control == "invert", trained=subject.trained and ways.retrain != "rewind",
                keep_dense=shared)
    return Lottery(subject.network, subject.data, subject.training, plan, subject.checkpoints,
                   lambda number: DENSE if shared and not number else f"level {number}")


def _announced(levels: Lottery) -> str:
    """The bill before the meal."""
    last = levels.plan.last
    epochs = round(levels.share(0).total)
    return (f"{counted(last, 'level')} of pruning, each after a training: {counted(last + 1, 'training')} of the network, "
            f"{counted(epochs, 'epoch')} in all. {levels.goes_back()}").rstrip()


def _level(levels: Lottery, number: int) -> Generator[Event, None, Level]:
    """One level; of its epochs only those of the dense network are said, of the others how they end."""
    try:
        level = yield from _said(levels.level(number), aloud=levels.named(number) == DENSE)
    except LayerCollapse as collapse:
        raise LayerCollapse(f"{str(collapse).rstrip('.')}; a lower sparsity leaves a way through.") from None
    yield Metric(name="level_density", value=levels.plan.densities[number], step=number)
    if level.accuracy is not None:
        yield Metric(name="level_accuracy", value=level.accuracy, step=number)
    return level


def _said(events: Generator[Event, None, Level], *, aloud: bool) -> Generator[Event, None, Level]:
    return through(events, lambda event: [event] if aloud or not isinstance(event, Metric) else [])


def _controlled(
    subject: Subject, rules: Rules, levels: Lottery, network: fx.GraphModule, masks: Masks,
) -> Generator[Event, None, tuple[fx.GraphModule, Masks]]:
    """The control is of the last mask; one that is drawn by lot lies on weights that the ticket has not."""
    if rules.control == "shuffle":
        network.load_state_dict(levels.snapshot())
    return network, (yield from controlled(replace(subject, network=network), masks, rules))


def _handed_over(levels: Lottery, done: list[Level], network: fx.GraphModule, masks: Masks, rules: Rules) -> Pruned:
    settings, leg = levels.training(levels.plan.last)
    onward = Onward(settings, leg, round(levels.share(levels.plan.last).before), levels.plan.keep_dense)
    return Pruned(network, densities(masks), masks, rules.round_to, redrawn=rules.control == "reinitialise",
                  spent=sum(level.epochs for level in done), seconds=sum(level.seconds for level in done), onward=onward)
