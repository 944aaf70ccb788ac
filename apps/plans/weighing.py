"""A plan beside another: whether they are the same, what it is worth now, and where it stays best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.accounts.refusal import Refused
from apps.plans.asking import WAIT_S, answer_to
from apps.plans.questions import Prepared
from worker.planning import Answer, Question
from worker.planning.answer import LayerSaid, PlanSaid
from worker.planning.question import Objective, Range, Varying
from worker.wording import figures

Shape = list[list[str]]
ALIKE = 1e-9
MOST_WAYS = 4
# Over which conditions it is asked where a plan stays best: what a link can be at all.
REACH: dict[Varying, tuple[float, float]] = {"bandwidth": (1e-3, 1e6), "latency": (1e-3, 6e4)}
WORTH: dict[Objective, tuple[str, str]] = {"latency": ("latency_ms", "ms"), "throughput": ("per_second", "images a second"),
                                           "energy": ("joules", "J"), "bytes": ("bytes", "bytes")}


def shape(plan: PlanSaid, names: Mapping[str, UUID]) -> Shape:
    """Which layers run on which devices, with which transfer layer: the same however devices are called and blocks counted."""
    found = [[str(names.get(stage.device, stage.device)), stage.first_layer, stage.last_layer] for stage in plan.stages]
    return [*found, [plan.transfer.title]] if plan.transfer else found


def chosen(answer: Answer, key: str) -> tuple[PlanSaid, int | None] | None:
    """The plan of this key in an answer, and its rank where it has one."""
    ranked = next(((plan, rank) for rank, plan in enumerate(answer.plans, 1) if plan.key == key), None)
    others: list[tuple[PlanSaid, int | None]] = [(each.plan, each.rank) for each in answer.natives if each.plan]
    others += [(plan, None) for plan in answer.pareto] + [(each.plan, None) for each in answer.bands]
    return ranked or next((each for each in others if each[0].key == key), None)


def worth(plan: PlanSaid, objective: Objective) -> float | None:
    value = getattr(plan, WORTH[objective][0])
    return None if value is None else float(value)


def is_as_good(own: PlanSaid, best: PlanSaid, objective: Objective) -> bool:
    """Whether nothing is gained by the other: of plans that tie either may be named first."""
    mine, theirs = worth(own, objective), worth(best, objective)
    return mine is not None and theirs is not None and abs(mine - theirs) <= ALIKE * max(abs(mine), abs(theirs))


def loss(own: PlanSaid, best: PlanSaid, objective: Objective) -> str:
    """`It takes 120 ms now (predicted), 30 ms (33 %) more than the best (predicted).`"""
    unit, mine, theirs = WORTH[objective][1], worth(own, objective), worth(best, objective)
    if mine is None or theirs is None:
        return ""
    verb = {"latency": "takes", "throughput": "gives", "energy": "takes", "bytes": "sends"}[objective]
    apart = abs(mine - theirs)
    part = f" ({100 * apart / theirs:.0f}\u00a0%)" if theirs else ""
    way = "fewer" if objective == "throughput" else "more"
    kinds = ["", ""] if objective == "bytes" else [f" ({each.kind})" for each in (own, best)]
    return f"It {verb} {figures(mine)} {unit} now{kinds[0]}, {figures(apart)} {unit}{part} {way} than the best{kinds[1]}."


def own_now(asked: Prepared, kept: Shape, plan: PlanSaid, was: Mapping[str, UUID], blocks: int, *,
            wait_s: float = WAIT_S) -> PlanSaid | None:
    """The same plan by what is known now: its blocks are asked for where it has them; nothing where that cannot be."""
    now = {pk: name for name, pk in asked.names.items()}
    where = [now.get(was.get(stage.device, UUID(int=0)), "") for stage in plan.stages]
    if not all(where):
        return None
    rules = tuple(f"blocks {stage.first}-{stage.last} in {name}" for stage, name in zip(plan.stages, where, strict=True))
    try:
        said = answer_to(_only(_plain(asked.question, rules), plan.transfer), wait_s=wait_s)
    except Refused:
        return None
    found = next(iter(said.plans), None)
    return found if found and said.blocks == blocks and shape(found, asked.names) == kept else None


def _plain(question: Question, rules: tuple[str, ...]) -> Question:
    return question.model_copy(update={"rules": rules, "count": 1, "range": None, "pareto": False})


def _only(question: Question, layer: LayerSaid | None) -> Question:
    """With this transfer layer, whatever it costs now and even where none is faster; without any for a plan without one."""
    title = layer.title if layer else ""
    mine = tuple(each for each in question.offers if each.offer.title == title)
    return question.model_copy(update={"offers": mine, "most_drop": 1.0 if mine else None, "only_layer": title})


def band(asked: Prepared, plan: PlanSaid, *, wait_s: float = WAIT_S) -> list[dict[str, Any]]:
    """For each direction that the plan uses, between which bandwidths and round trips it stays best; None: as far as a link goes.

    Two questions a direction; of an objective that links are not weighed by nothing can be said.
    """
    ways = list(dict.fromkeys((hop.sender, hop.receiver) for hop in plan.hops))[:MOST_WAYS]
    told = [_stays(asked, plan, sender, receiver, varying, wait_s) for sender, receiver in ways for varying in REACH]
    return [each for each in told if each]


def _stays(asked: Prepared, plan: PlanSaid, sender: str, receiver: str, varying: Varying, wait_s: float) -> dict[str, Any] | None:
    low, high = REACH[varying]
    ranged = Range(varying=varying, sender=sender, receiver=receiver, low=low, high=high)
    question = _plain(asked.question, asked.question.rules).model_copy(update={"range": ranged})
    try:
        stays = answer_to(question, wait_s=wait_s).stays
    except Refused:
        return None
    if stays is None or stays.plan.key != plan.key:
        return None
    return {"source": str(asked.names[sender]), "target": str(asked.names[receiver]), "varying": varying,
            "low": stays.low if stays.low > low * (1 + ALIKE) else None,
            "high": stays.high if stays.high < high * (1 - ALIKE) else None}
