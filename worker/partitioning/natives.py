"""Every device alone, and why it is not the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from worker.partitioning import layered
from worker.partitioning.planned import alone, joules_of, said
from worker.partitioning.planner.checking import keeps
from worker.partitioning.planner.plan import Plan
from worker.partitioning.posing import Posed
from worker.partitioning.ruling import Asked, unit_of
from worker.partitioning.telling import duration, key_of, listed, sentence, size, slower
from worker.planning.answer import NativeSaid
from worker.planning.rules import ALL, spans
from worker.wording import figures

MOST_TRIED = 4  # sets of rules that are left out to see who would win
SAME = 1e-9
NOTABLE = 0.005  # of the larger difference: less is not worth a word
UNKNOWN_INPUT = "The size of the input is not known, so it cannot be sent there."


@dataclass
class _Field:
    """Who runs: the plans found under the rules, and those without some of them as they are asked for."""

    posed: Posed
    plans: Sequence[Plan]
    without: dict[tuple[str, ...], Plan | None] = field(default_factory=dict)

    def wins(self, plan: Plan, broken: Sequence[Asked]) -> bool | None:
        """Whether it would be the best without the rules that it breaks; None where that was not tried."""
        lines = tuple(each.line for each in broken)
        if lines not in self.without and len(self.without) < MOST_TRIED:
            rest = [each.constraint for each in self.posed.asked if each not in broken]
            without = self.posed.under([*self.posed.always, *rest])
            found = layered.best(without, count=1, objective=self.posed.question.objective)
            self.without[lines] = found[0] if found else None
        if lines not in self.without:
            return None
        winner = self.without[lines]
        return winner is not None and key_of(winner) == key_of(plan)


def natives(posed: Posed, plans: Sequence[Plan]) -> tuple[NativeSaid, ...]:
    """One for each device, in the order of the question's tiers. plans: the best under all rules, in order."""
    field = _Field(posed, plans)
    return tuple(_native(field, place) for place in range(len(posed.places)))


def _native(field: _Field, place: int) -> NativeSaid:
    posed = field.posed
    device, tier = posed.places[place].device, posed.places[place].tier
    plan = alone(posed, place)
    if plan is None:
        return NativeSaid(device=device, tier=tier, plan=None, why=_unlinked(posed, place))
    if posed.always and place != posed.problem.source:
        return NativeSaid(device=device, tier=tier, plan=None, why=UNKNOWN_INPUT)
    broken = [each for each in posed.asked if not keeps(posed.problem, plan, each.constraint)]
    keys = [key_of(each) for each in field.plans]
    rank = keys.index(key_of(plan)) + 1 if key_of(plan) in keys else None
    why = "" if rank == 1 else _forbidden(field, plan, broken) if broken else _behind(posed, plan, field.plans[0])
    return NativeSaid(device=device, tier=tier, plan=said(posed, plan), rank=rank, why=why,
                      broken=tuple(each.line for each in broken))


def _unlinked(posed: Posed, place: int) -> str:
    holder, own = posed.places[posed.problem.source], posed.places[place]
    source, device = holder.device, own.device
    if own.tier == holder.tier:
        return f"No link leads up: {device} is of the same tier as {source}, which holds the input."
    if posed.problem.bytes_per_s[posed.problem.source, place] <= 0:
        return f"No link leads from {source} to {device}."
    return f"No link leads back from {device} to {source}, where the result must return."


def _forbidden(field: _Field, plan: Plan, broken: Sequence[Asked]) -> str:
    these = "that rule" if len(broken) == 1 else "these rules"
    without = f"without {these} it would"
    told = f"Not allowed: it {listed([phrase(each) for each in broken])}"
    leader = field.plans[0] if field.plans else None
    if leader and cost(field.posed, plan) > cost(field.posed, leader) * (1 + SAME):
        return f"{told}; {without} still come behind, {_words_behind(field.posed, plan, leader)}."
    wins = field.wins(plan, broken)
    if wins:
        return f"{told}; {without} be the best."
    return f"{told}{f'; {without} come before the best plan, and others before it' if leader and wins is False else ''}."


def _behind(posed: Posed, plan: Plan, leader: Plan) -> str:
    if cost(posed, plan) <= cost(posed, leader) * (1 + SAME):
        return "As good as the best plan; of equal ones the one that stays longer on earlier devices comes first."
    return sentence(_words_behind(posed, plan, leader))


def cost(posed: Posed, plan: Plan) -> float:
    """What the question's objective keeps small."""
    match posed.question.objective:
        case "latency":
            return plan.latency_s
        case "throughput":
            return plan.bottleneck_s
        case "bytes":
            return float(plan.bytes)
        case "energy":
            return joules_of(posed, plan) or 0.0


def _words_behind(posed: Posed, plan: Plan, leader: Plan) -> str:
    """By how much, and through what."""
    match posed.question.objective:
        case "latency":
            return f"{slower(plan.latency_s, leader.latency_s)}: {_through(plan, leader)}"
        case "throughput":
            instead = f"every {duration(plan.bottleneck_s)} instead of {duration(leader.bottleneck_s)}"
            return f"images follow each other {instead}; its slowest part is {_slowest(plan)}"
        case "bytes":
            return f"it sends {size(plan.bytes)} instead of {size(leader.bytes)}"
        case "energy":
            return f"it takes {figures(cost(posed, plan))} J instead of {figures(cost(posed, leader))} J"


def _through(plan: Plan, leader: Plan) -> str:
    """What makes it slower, and what of that it saves elsewhere."""
    computing, sending = (plan.compute_s - leader.compute_s, "computing"), (plan.transfer_s - leader.transfer_s, "sending")
    (other, beside), (more, what) = sorted((computing, sending))
    told = f"{what} takes {duration(more)} longer"
    if abs(other) < NOTABLE * more:
        return told
    return f"{told}, {beside} {duration(abs(other))} {'longer' if other > 0 else 'less'}"


def _slowest(plan: Plan) -> str:
    stage = max(plan.stages, key=lambda stage: stage.seconds)
    hop = max(plan.hops, key=lambda hop: hop.seconds, default=None)
    if hop and hop.seconds > stage.seconds:
        return f"sending from {hop.sender} to {hop.receiver}"
    return f"computing on {stage.resource}"


def phrase(asked: Asked) -> str:
    """What a plan does that breaks the rule."""
    rule = asked.rule
    match rule.verb:
        case "raw input stays":
            return "sends the raw input"
        case "use":
            return f"does not use {rule.where}"
        case "leave out":
            return f"uses {rule.where}"
        case "in":
            return f"does not run block{'s' * (len(rule.blocks) > 1)} {spans(rule.blocks)} {_there(asked)}"
        case "not in":
            return f"runs block{'s' * (len(rule.blocks) > 1)} {spans(rule.blocks)} {_there(asked)}"
        case "crossing":
            return f"has more than {rule.most:.0f} tensors across a cut"
        case "sends" if rule.where != ALL:
            return f"sends more than {unit_of(rule)} from {rule.where} in one message"
    return f"{rule.verb} more than {unit_of(rule)} {_there(asked)}"


def _there(asked: Asked) -> str:
    where = getattr(asked.constraint, "where", None)
    return "in all" if where is None else f"in {asked.rule.where}" if isinstance(where, int) else f"on {where}"
