"""The best plan in a sentence or two, with what it gains."""

from __future__ import annotations

from collections.abc import Sequence

from worker.partitioning.natives import SAME, cost
from worker.partitioning.planned import FINEST_S, alone
from worker.partitioning.planner.plan import Plan
from worker.partitioning.posing import Posed
from worker.partitioning.telling import duration, key_of, percent, points, sentence, size, words_with
from worker.planning.offers import Offer
from worker.wording import figures

NOTABLE = 5e-5  # of an accuracy: less is as accurate


def verdict(posed: Posed, plans: Sequence[Plan]) -> str:
    """Empty where there is no plan."""
    if not plans:
        return ""
    first = plans[0]
    told = sentence(f"{words_with(first, posed.problem.blocks)}: {_amount(posed, first)}{_gain(posed, first)}")
    fitted = posed.inside(first)
    return f"{told} {costs(fitted.offer)}" if fitted else told


def costs(offer: Offer) -> str:
    """`It costs 0.6 points of accuracy: 91.2 % instead of 91.8 % of 300 test images.`"""
    images = f"{offer.n:,} test images of {offer.dataset} right"
    if abs(offer.drop) < NOTABLE:
        return f"It costs no accuracy: {percent(offer.accuracy)} of {images}, as before."
    apart = f"{percent(offer.accuracy)} instead of {percent(offer.accuracy_whole)} of {images}"
    return f"It {'costs' if offer.drop > 0 else 'gains'} {points(offer.drop)} of accuracy: {apart}."


def _gain(posed: Posed, first: Plan) -> str:
    """Beside the source alone, and beside the best of the other devices alone."""
    every = {place.device: plan for number, place in enumerate(posed.places) if (plan := alone(posed, number)) is not None}
    source = posed.places[posed.problem.source].device
    # Where the input is of unknown size, what another device alone would take without it is no time at all.
    others = {device: plan for device, plan in every.items() if device != source and not posed.always}
    best = min(others, key=lambda device: cost(posed, others[device]), default=source)
    told = [_beside(posed, first, every[device], device) for device in dict.fromkeys((source, best))
            if key_of(every[device]) != key_of(first)]
    return "".join(f", {each}" for each in told)


def _beside(posed: Posed, first: Plan, other: Plan, device: str) -> str:
    """`2.3 times as fast as pi-4 alone (305 ms)`."""
    mine, its = cost(posed, first), cost(posed, other)
    amount = f"{device} alone ({_amount(posed, other)})"
    match posed.question.objective:
        case "latency" | "throughput":
            words = _times(its, mine, "as fast") if mine <= its else _times(mine, its, "as slow")
        case _:
            words = "less than" if mine < its else "more than" if mine > its else "as much as"
    return f"{words} {amount}{', which a rule forbids' if mine > its * (1 + SAME) else ''}"


def _times(larger: float, smaller: float, what: str) -> str:
    if larger >= 1.1 * smaller:
        return f"{figures(larger / smaller) if smaller else 'many'} times {what} as"
    faster = what.removeprefix("as ") + "er"
    return f"{figures(100 * (larger / smaller - 1))} % {faster} than" if larger > smaller else f"{what} as"


def _amount(posed: Posed, plan: Plan) -> str:
    match posed.question.objective:
        case "latency":
            return duration(plan.latency_s)
        case "throughput":
            return f"{figures(posed.profiles[0].batch / max(plan.bottleneck_s, FINEST_S))} images a second"
        case "bytes":
            return f"{size(plan.bytes)} sent"
        case "energy":
            return f"{figures(cost(posed, plan))} J"
