"""Ask, choose, answer: the candidate with the smallest left-out error predicts; the error of so choosing is said beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worker.evidence import DeviceFacts, Evidence, Seen
from worker.profile import NetworkProfile
from worker.profiling.prediction import extrapolating
from worker.profiling.prediction.answering import Candidate, Oracle, candidates
from worker.profiling.prediction.leaving_out import Answers, Error, Question, asked, folds, unchosen
from worker.profiling.prediction.machines import distinct
from worker.profiling.prediction.pooling import Basis, resembling
from worker.profiling.prediction.rows import Rows, name_of, rows_of

FEWEST_BLOCKS = 8


class TooLittle(ValueError):
    """Nothing can be predicted honestly; one sentence says what is missing."""


@dataclass(frozen=True)
class Prediction:
    """`seconds` of each block; the errors are those of leaving out what is missing here. `tried`: badness by candidate."""

    seconds: tuple[float, ...]
    blocks: Error
    total: Error
    chosen: str
    words: str
    basis: Basis
    question: Question
    devices: int
    networks: int
    tried: dict[str, float]
    caveats: tuple[str, ...]

    @property
    def total_s(self) -> float:
        return sum(self.seconds)


@dataclass(frozen=True)
class Case:
    """The question with all that is known for it."""

    rows: Rows
    wanted: Rows
    target: DeviceFacts
    number: int
    devices: dict[int, DeviceFacts]
    question: Question
    basis: Basis


def predict(evidence: Evidence, network: NetworkProfile, device: str) -> Prediction:
    """Times of the network's blocks on the device of that id; its own blocks' seconds are not read. TooLittle where it cannot."""
    case = _case(evidence, network, device)
    oracle = Oracle(case.devices, case.basis)
    tried = {each: found for each in _allowed(case) if not (found := _left_out(oracle, each, case)).is_empty}
    for each in sorted(tried, key=lambda each: tried[each].badness):
        told = oracle.answer(each, case.rows, case.number, case.target, case.wanted)
        if told is not None:
            return _prediction(case, each, tried, tuple(map(float, told)))
    devices, networks = len(np.unique(case.rows.device)), len(np.unique(case.rows.network))
    raise TooLittle(f"Of {devices} devices and {networks} networks nothing can be left out and predicted from the rest, so no "
                    "error could be said beside the numbers: measure another network on them.")


def _case(evidence: Evidence, network: NetworkProfile, device: str) -> Case:
    target = evidence.device(device) or DeviceFacts(id=device, name=device)
    seen = _useful(evidence, network, device)
    rows, (wanted,) = rows_of(seen, network)
    numbers = {each.device: int(number) for each, number in zip(seen, _firsts(rows, seen), strict=True)}
    facts = {number: evidence.device(key) or DeviceFacts(id=key, name=key) for key, number in numbers.items()}
    same = bool((rows.network == wanted.network[0]).any())
    basis = _basis(target, device in numbers, [each for number, each in facts.items() if number != numbers.get(device)])
    return Case(rows, wanted, target, numbers.get(device, -1), facts, Question(device in numbers, same), basis)


def _useful(evidence: Evidence, network: NetworkProfile, device: str) -> list[Seen]:
    """No predicted ones, and none of this network on this very device; where MACs are known, those that know them too."""
    seen = [each for each in evidence.profiles if each.profile.origin != "predicted"
            and not (each.device == device and name_of(each.profile) == name_of(network))]
    seen = distinct(evidence, seen, device)
    counted = [each for each in seen if all(block.macs is not None for block in each.profile.blocks)]
    if all(block.macs is not None for block in network.blocks) and len({each.device for each in counted} | {device}) > 1:
        seen = counted
    _refuse(seen, device)
    return seen


def _refuse(seen: Sequence[Seen], device: str) -> None:
    own = {name_of(each.profile) for each in seen if each.device == device}
    others = {each.device for each in seen} - {device}
    blocks = sum(block.seconds > 0 for each in seen for block in each.profile.blocks)
    if len(others) < 2 and len(own) < 2:
        raise TooLittle("A prediction needs profiles measured on two other machines at least, or of two other networks on this "
                        f"one; there are {len(others)} and {len(own)}.")
    if blocks < FEWEST_BLOCKS:
        raise TooLittle(f"A prediction needs at least {FEWEST_BLOCKS} measured blocks; there are {blocks}.")


def _firsts(rows: Rows, seen: Sequence[Seen]) -> list[int]:
    """The number of each profile's device."""
    places = np.cumsum([0, *(len(each.profile.blocks) for each in seen)])[:-1]
    return [int(rows.device[place]) for place in places]


def _basis(target: DeviceFacts, is_measured: bool, others: Sequence[DeviceFacts]) -> Basis:
    """The best that is known of the device; a yardstick has to be measured on two others, or it could not be left out."""
    if is_measured:
        return "own"
    return "yardstick" if target.yardstick_ms and sum(bool(each.yardstick_ms) for each in others) > 1 else "class"


def _allowed(case: Case) -> list[Candidate]:
    rows = case.rows
    macs = bool(rows.all_macs.any()) and bool(case.wanted.all_macs.any())
    kinds = macs and "" not in rows.kinds and not extrapolating.unseen(rows, case.wanted)
    if share := extrapolating.unseen_share(rows, case.wanted) if macs else 0.0:
        if share > extrapolating.MOST_UNSEEN:
            raise TooLittle(f"{share:.0%} of the network's MACs are of kinds that nobody has measured on any device: "
                            f"{', '.join(extrapolating.unseen(rows, case.wanted))}.")
    return list(candidates(case.basis, macs=macs, kinds=kinds, network_known=case.question.network_known))


def _left_out(oracle: Oracle, candidate: Candidate, case: Case) -> Answers:
    return asked(case.rows, folds(case.rows, case.question), lambda kept, device, wanted: oracle.answer(
        candidate, kept, device, case.devices[device], wanted))


def _prediction(case: Case, chosen: Candidate, tried: dict[Candidate, Answers], seconds: tuple[float, ...]) -> Prediction:
    rows, left_out = case.rows, unchosen(list(tried.values()))
    return Prediction(
        seconds=seconds, blocks=left_out.of_blocks, total=left_out.of_totals, chosen=chosen.name, words=_words(chosen),
        basis=case.basis, question=case.question, devices=len(np.unique(rows.device)), networks=len(np.unique(rows.network)),
        tried={each.name: found.badness for each, found in tried.items()}, caveats=tuple(_caveats(case)))


def _words(chosen: Candidate) -> str:
    return f"{chosen.form.words}, {'fitted to this device alone' if chosen.alone else 'scaled to the device'}"


def _caveats(case: Case) -> list[str]:
    said = extrapolating.sentences(case.rows, case.wanted)
    if case.basis == "class":
        others = [facts for number, facts in case.devices.items() if number != case.number]
        alike, what = resembling(case.target, others)
        said.append(f"Of {case.target.name} no timing is known that others have too: its speed is taken from "
                    f"{', '.join(each.name for each in alike[:5])}; in common: {what}.")
    return said
