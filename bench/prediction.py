"""Predicted times against measured ones: a network on a device, asked with the device, the network or both left out."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench.standins import SHAPE, gathered
from worker.evidence import Evidence, Seen
from worker.measured_files import evidence_of
from worker.profile import NetworkProfile
from worker.profiling.prediction import Prediction, TooLittle, predict
from worker.profiling.prediction.leaving_out import Question

SCISSION = Path(__file__).resolve().parents[2] / "shared" / "data" / "scission" / "scission"
FEW = ("mobilenet", "resnet50", "vgg16")
QUESTIONS = {
    "both known, not together": Question(device_known=True, network_known=True),
    "a network nobody has measured": Question(device_known=True, network_known=False),
    "a device nobody has measured": Question(device_known=False, network_known=True),
    "neither the device nor the network": Question(device_known=False, network_known=False),
}


class Asked(NamedTuple):
    """What was predicted, and what had been measured."""

    found: Prediction
    truth: NetworkProfile

    @property
    def off(self) -> float:
        return abs(self.found.total_s / self.truth.total_s - 1)

    @property
    def within(self) -> bool:
        low, high = self.found.total.around(self.found.total_s)
        return low <= self.truth.total_s <= high

    @property
    def blocks_within(self) -> list[bool]:
        ends = [(self.found.blocks.around(each), block.seconds) for each, block in
                zip(self.found.seconds, self.truth.blocks, strict=True) if block.seconds]
        return [low <= seconds <= high for (low, high), seconds in ends]


def rows() -> Iterator[tuple[str, str]]:
    evidence = gathered()
    yield "stand-ins, emulated", f"{_counted(evidence)}, {'x'.join(map(str, SHAPE))}, torch, one thread"
    for words, question in QUESTIONS.items():
        yield from _told(words, _every(evidence, question, evidence.profiles))
    if not SCISSION.is_dir():
        yield "Scission's published profiles", "not here"
        return
    published = evidence_of(SCISSION)
    yield "Scission's published profiles, no MACs in them", _counted(published)
    for words, question in QUESTIONS.items():
        few = [each for each in published.profiles if each.profile.network in FEW]
        yield from _told(f"Scission, {words}", _every(published, question, few))


def _counted(evidence: Evidence) -> str:
    return f"{len(evidence.devices)} devices x {len({each.profile.network for each in evidence.profiles})} networks"


def _every(evidence: Evidence, question: Question, asked: Iterable[Seen]) -> Iterator[Asked]:
    for each in asked:
        try:
            yield Asked(predict(without(evidence, each, question), each.profile, each.device), each.profile)
        except TooLittle:
            continue


def without(evidence: Evidence, asked: Seen, question: Question) -> Evidence:
    """What is known where the question is asked of this profile: not the answer, and not what the question lacks."""
    def stays(each: Seen) -> bool:
        same = each.device == asked.device, each.profile.network == asked.profile.network
        return not (all(same) or (same[0] and not question.device_known) or (same[1] and not question.network_known))

    return evidence.model_copy(update={"profiles": tuple(each for each in evidence.profiles if stays(each))})


def _told(words: str, every: Iterable[Asked]) -> Iterator[tuple[str, str]]:
    found = list(every)
    if not found:
        yield words, "refused: too little is measured"
        return
    off, blocks = [each.off for each in found], [within for each in found for within in each.blocks_within]
    forms = ", ".join(f"{name} {count}x" for name, count in Counter(each.found.chosen for each in found).most_common())
    yield f"{words}: totals off by", (f"{statistics.fmean(off):.0%} on average, median {statistics.median(off):.0%}, at worst "
                                      f"{max(off):.0%} (n = {len(off)})")
    said = statistics.median(each.found.total.within for each in found)
    yield f"{words}: inside the error that was said", (f"{statistics.fmean(each.within for each in found):.0%} of totals, "
                                                       f"{statistics.fmean(blocks):.0%} of blocks (said: ±{said:.0%}, median)")
    yield f"{words}: form chosen", forms


if __name__ == "__main__":
    for what, measured in rows():
        print(f"| {what} | {measured} |", flush=True)
