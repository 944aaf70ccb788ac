"""A question as the planner's problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from worker.partitioning import layered
from worker.partitioning.fitting import Fitted, Ground, allowed
from worker.partitioning.joint.versions import Variant
from worker.partitioning.planner import constraints as c
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem, Resource
from worker.partitioning.preparing import Network, prepared
from worker.partitioning.ruling import Asked, asked, unpowered
from worker.partitioning.telling import listed
from worker.partitioning.unfit import Unfit
from worker.planning.question import Place, Question, Road
from worker.profile import NetworkProfile

BYTES_OF_A_MEGABIT = 125_000
SLOWEST_MBPS = 1e-6
NARROWEST, WIDEST = 1e-6, 1e7


@dataclass(frozen=True)
class Posed:
    """places: by tier; the first holds the input. always: what holds whatever is asked.

    warnings: what this question adds to those of the network. fitted: transfer layers that plans may have.
    """

    question: Question
    places: tuple[Place, ...]
    profiles: tuple[NetworkProfile, ...]
    network: Network
    problem: Problem
    asked: tuple[Asked, ...]
    always: tuple[c.Constraint, ...]
    warnings: tuple[str, ...]
    fitted: tuple[Fitted, ...] = ()

    @property
    def variant(self) -> Variant:
        """The network as it is and with each of these layers, under all rules."""
        return self.under(self.constraints)

    def under(self, asked: Sequence[c.Constraint], problem: Problem | None = None) -> Variant:
        """Under other rules, or with other links."""
        return layered.variant(problem or self.problem, asked, [each.layer for each in self.fitted], self.question.only_layer)

    def inside(self, plan: Plan) -> Fitted | None:
        """The transfer layer of a plan."""
        return next((each for each in self.fitted if plan.layer and each.layer.name == plan.layer), None)

    @property
    def ground(self) -> Ground:
        """What offers of transfer layers are held against."""
        return Ground(self.network, tuple(place.device for place in self.places), self.profiles[0].batch,
                      frozenset(each.sha256 for each in self.profiles if each.sha256))

    @property
    def constraints(self) -> tuple[c.Constraint, ...]:
        return (*self.always, *(each.constraint for each in self.asked))

    def place(self, device: str) -> int:
        return [place.device for place in self.places].index(device)


def posed(question: Question, profiles: Mapping[str, NetworkProfile]) -> Posed:
    """Raises Unfit."""
    _judge(question, profiles)
    places = tuple(sorted(question.places, key=lambda place: place.tier))
    own = tuple(profiles[place.profile] for place in places)
    network = prepared([place.device for place in places], own)
    rules = asked(question.rules, places, network)
    _judge_objective(question, places, network)
    always = () if _input(question, network) is not None else (c.InputStays(),)
    found = Posed(question, places, own, network, _problem(question, places, network), rules, always,
                  tuple(_warnings(question, network, rules, bool(always))))
    found = _with_layers(found) if question.offers and question.most_drop is not None else found
    judge_only(question.only_layer, found.fitted)
    return found


def judge_only(title: str, fitted: Iterable[Fitted]) -> None:
    """Raises Unfit where the transfer layer that every plan is to have is none of these."""
    if title and title not in {each.layer.name for each in fitted}:
        raise Unfit({"only_layer": f"The transfer layer {title} is not offered here, or cannot stand in this network."})


def _with_layers(found: Posed) -> Posed:
    told, question = list[str](), found.question
    fitted = allowed(question.offers, question.most_drop, found.ground, told)
    if fitted and (question.objective == "energy" or any(each.rule.unit == "J" for each in found.asked)):
        told.append("What energy transfer layers take is not known, and not counted.")
    return replace(found, fitted=fitted, warnings=(*found.warnings, *dict.fromkeys(told)))


def _judge(question: Question, profiles: Mapping[str, NetworkProfile]) -> None:
    names = [place.device for place in question.places]
    faults = {f"places.{number}": f"{name} is there twice." for number, name in enumerate(names) if name in names[:number]}
    faults |= {f"places.{number}": f"There is no profile of {place.device}."
               for number, place in enumerate(question.places) if place.profile not in profiles}
    faults |= {**dict(_faults_of_roads(question.roads, names)), **dict(_faults_of_range(question))}
    if faults:
        raise Unfit(faults)


def _faults_of_roads(roads: Sequence[Road], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    seen = set[tuple[str, str]]()
    for number, road in enumerate(roads):
        field, ends = f"roads.{number}", (road.sender, road.receiver)
        unknown = [name for name in ends if name not in names]
        if unknown:
            yield field, f"There is no device {unknown[0]}; there are {listed(names)}."
        elif road.sender == road.receiver:
            yield field, f"A link goes from one device to another, not from {road.sender} to itself."
        elif ends in seen:
            yield field, f"The link from {road.sender} to {road.receiver} is there twice."
        elif road.bandwidth_mbps < SLOWEST_MBPS:
            yield field, f"The link from {road.sender} to {road.receiver} is slower than one bit a second; leave it out."
        seen.add(ends)


def _faults_of_range(question: Question) -> Iterator[tuple[str, str]]:
    wanted = question.range
    if wanted is None:
        return
    if not wanted.low < wanted.high:
        yield "range", f"A range goes from the smaller to the larger; got {wanted.low:g} to {wanted.high:g}."
    elif wanted.low < NARROWEST or wanted.high > WIDEST:
        yield "range", f"A range lies between {NARROWEST:g} and {WIDEST:g}; got {wanted.low:g} to {wanted.high:g}."
    elif (wanted.sender or wanted.receiver) and (wanted.sender, wanted.receiver) not in {
            (road.sender, road.receiver) for road in question.roads}:
        yield "range", f"There is no link from {wanted.sender or 'nowhere'} to {wanted.receiver or 'nowhere'} to vary."


def _judge_objective(question: Question, places: Sequence[Place], network: Network) -> None:
    without = unpowered(places, [place.device for place in places], network)
    if question.objective == "energy" and without:
        raise Unfit({"objective": f"No profile says what energy blocks take on {listed(without)}."})


def _input(question: Question, network: Network) -> int | None:
    return network.input_bytes if question.input_bytes is None else question.input_bytes


def _problem(question: Question, places: Sequence[Place], network: Network) -> Problem:
    blocks, at = len(network.layers), {place.device: number for number, place in enumerate(places)}
    wait, speed = np.zeros((len(places), len(places))), np.zeros((len(places), len(places)))
    tiers = {place.device: place.tier for place in places}
    for road in question.roads:
        if tiers[road.sender] == tiers[road.receiver]:
            continue  # Work moves to a higher tier, a result back down: no plan goes along here.
        wait[at[road.sender], at[road.receiver]] = road.latency_ms / 1e3
        speed[at[road.sender], at[road.receiver]] = road.bandwidth_mbps * BYTES_OF_A_MEGABIT
    nothing = np.zeros(blocks)
    return Problem(
        tuple(Resource(place.device, place.tier) for place in places), network.seconds,
        np.concatenate(([_input(question, network) or 0], network.output_bytes)), wait, speed, returns=question.returns,
        joules=np.array([nothing if each is None else each for each in network.joules]), params_bytes=network.params_bytes,
        activation_bytes=nothing.astype(np.int64) if network.activation_bytes is None else network.activation_bytes,
        crossing_tensors=np.concatenate(([1], (nothing + 1).astype(np.int64) if network.output_tensors is None
                                         else network.output_tensors)))


def _warnings(question: Question, network: Network, rules: Sequence[Asked], has_no_input: bool) -> Iterator[str]:
    verbs = {each.rule.verb for each in rules}
    if has_no_input and len(question.places) > 1:
        yield "The size of the input is not known, so no plan sends it; say the size, and plans may."
    if "holds" in verbs and network.activation_bytes is None:
        yield "What is alive beside the weights is not known from these profiles; memory counts the weights alone."
    if "crossing" in verbs and network.output_tensors is None:
        yield "These profiles do not say how many tensors cross a cut; one is taken for each."
    if question.objective == "energy" or any(each.rule.unit == "J" for each in rules):
        yield "Energy is that of computing; what links take is not known, and not counted."
