"""A joint question as the variants that the search takes: each with its problem, the rules, and the transfer layers offered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from worker.partitioning.fitting import Fitted, fit, unfit
from worker.partitioning.joint.versions import Variant
from worker.partitioning.posing import Posed, judge_only, posed
from worker.partitioning.telling import listed
from worker.partitioning.unfit import Unfit
from worker.planning import rules
from worker.planning.joint_question import JointQuestion, VariantAsked
from worker.planning.offers import Offer
from worker.planning.question import Place, Question
from worker.profile import NetworkProfile

Profiles = Mapping[str, NetworkProfile]
APART = "Rules about blocks are counted in one network; {names} have different numbers of them ({counts}). Leave this rule out."


@dataclass(frozen=True, eq=False)
class Entry:
    """A variant that takes part."""

    asked: VariantAsked
    posed: Posed
    fitted: tuple[Fitted, ...]
    variant: Variant


@dataclass(frozen=True, eq=False)
class JointPosed:
    """`warnings`: what of the question takes no part, and what to know of the numbers."""

    question: JointQuestion
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...]


def joint_posed(question: JointQuestion, profiles: Profiles) -> JointPosed:
    """Raises Unfit."""
    _judge(question)
    warnings, faults, found = list[str](), list[Unfit](), list[tuple[VariantAsked, Posed]]()
    for each in question.variants:
        lacking = _lacking(question, each, profiles)
        if lacking:
            warnings.append(lacking)
            continue
        try:
            found.append((each, posed(_question(question, each), profiles)))
        except Unfit as unfit:
            faults.append(unfit)
            warnings.append(f"{each.name} is left out: {' '.join(unfit.faults.values())}")
    if not found:
        raise faults[0] if faults else Unfit({"variants": " ".join(warnings)})
    _judge_blocks(question, [(each.name, len(one.network.layers)) for each, one in found])
    entries = tuple(_entry(question, each, one, warnings) for each, one in found)
    judge_only(question.only_layer, [fitted for each in entries for fitted in each.fitted])
    strange = {each.offer.network for each in question.offers} - {each.name for each in question.variants}
    if strange:
        warnings.append(f"What transfer layers offer {listed(sorted(strange))} is left out: no such variant is planned.")
    return JointPosed(question, entries, tuple(dict.fromkeys([*warnings, *_of_all(entries)])))


def _judge(question: JointQuestion) -> None:
    for field, names in (("variants", [each.name for each in question.variants]),
                         ("runners", [each.device for each in question.runners])):
        twice = {f"{field}.{at}": f"{name} is there twice." for at, name in enumerate(names) if name in names[:at]}
        if twice:
            raise Unfit(twice)
    known = {each.device for each in question.runners}
    for at, each in enumerate(question.variants):
        if strange := sorted(set(each.profiles) - known):
            raise Unfit({f"variants.{at}": f"{strange[0]} is none of the devices: {listed(sorted(known))}."})


def _lacking(question: JointQuestion, asked: VariantAsked, profiles: Profiles) -> str:
    holder = min(question.runners, key=lambda each: each.tier).device
    if holder not in asked.profiles:
        return (f"{asked.name} is left out: it has no profile on {holder}, which holds the input. Measure it there (recipe "
                "Layers), or let it be predicted (recipe Prediction).")
    gone = [device for device, key in asked.profiles.items() if key not in profiles]
    return f"{asked.name} is left out: its profile on {gone[0]} is no longer there." if gone else ""


def _question(question: JointQuestion, asked: VariantAsked) -> Question:
    places = tuple(Place(device=each.device, tier=each.tier, profile=asked.profiles[each.device])
                   for each in question.runners if each.device in asked.profiles)
    roads = tuple(each for each in question.roads if {each.sender, each.receiver} <= asked.profiles.keys())
    return Question(network=asked.name, places=places, roads=roads, rules=question.rules, returns=question.returns,
                    input_bytes=question.input_bytes)


def _judge_blocks(question: JointQuestion, counts: Sequence[tuple[str, int]]) -> None:
    if len({count for _, count in counts}) == 1:
        return
    told = APART.format(names=listed([name for name, _ in counts]), counts=listed([str(count) for _, count in counts]))
    wrong = {f"rules.{at}": told for at, line in enumerate(question.rules) if rules.read(line).blocks}
    if wrong:
        raise Unfit(wrong)


def _entry(question: JointQuestion, asked: VariantAsked, posed: Posed, warnings: list[str]) -> Entry:
    found, ground = list[Fitted](), posed.ground
    for each in question.offers:
        if each.offer.network != asked.name:
            continue
        why = _elsewhere(question, each.offer) or unfit(each.offer, ground)
        if why:
            warnings.append(f"{each.offer.layer} behind {each.offer.after} of {asked.name} is left out: {why}")
        else:
            found.append(fit(each, ground, warnings))
    layers = tuple(each.layer for each in found)
    return Entry(asked, posed, tuple(found), Variant(posed.problem, posed.constraints, asked.accuracy, layers,
                                                       question.only_layer))


def _elsewhere(question: JointQuestion, offer: Offer) -> str:
    if question.dataset and offer.dataset != question.dataset:
        return f"its accuracy was measured on {offer.dataset}, the others' on {question.dataset}."
    return ""


def _of_all(entries: Sequence[Entry]) -> Iterator[str]:
    """What is so of all variants once; else with the variant's name."""
    told = {each.asked.name: (*each.posed.network.warnings, *each.posed.warnings) for each in entries}
    for sentence in dict.fromkeys(sentence for every in told.values() for sentence in every):
        own = [name for name, every in told.items() if sentence in every]
        yield sentence if len(own) == len(told) else f"{listed(own)}: {sentence}"
    if any(rule.rule.unit == "J" for rule in entries[0].posed.asked) and any(each.fitted for each in entries):
        yield "What energy transfer layers take is not known, and not counted."
