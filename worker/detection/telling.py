"""A run of the recipe: rehearse every policy under both rules, play what came of it, keep who ran when."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from dataclasses import asdict
from typing import Any

from worker.context import Context
from worker.detection.asked import Asked, Stage, stage
from worker.detection.bands import LOADS, Band, bands, rehearsed
from worker.detection.lines import POLICIES
from worker.detection.newest import RULES
from worker.detection.playing import Play, Told, play
from worker.detection.study import outcomes
from worker.detection.verdict import summary
from worker.events import Event, FileMade, Log, Metric, Progress

CHOICES = "choices.csv"
ALL = "the whole video"
UNSAID = "Without confidences (-1 throughout): {names}. Each of these boxes counts as sure (1)."
UNSURE = ("{name}: no box has a confidence of {least:g} or more, the highest is {highest:.4g}: none of it is shown. A lower "
          "confidence shows them.")
NO_TRUTH = "Nobody knows what is really there: who would be chosen is told, how accurate that is cannot be."


def tell(asked: Asked, context: Context) -> Generator[Event, None, dict[str, Any]]:
    yield Progress(done=0, total=1, stage="footage")
    there = stage(asked)
    yield from _origins(asked)
    yield from _confidences(asked, there)
    if there.truth is None:
        yield Log(level="warning", message=NO_TRUTH)
    told = yield from _rehearsed(there)
    yield from play(Play(there, told, asked.rule, asked.as_filmed), context.checkpoints)
    yield from _wholes(there, told)
    found = yield from _bands(asked, there)
    _write(told, there, context)
    yield FileMade(path=CHOICES, name=CHOICES, media_type="text/csv")
    return summary(asked, there, told) | ({"bands": [asdict(each) for each in found]} if found else {})


def _origins(asked: Asked) -> Iterator[Event]:
    """What of it is real."""
    boxes = "Detections are recorded" if asked.recordings else "Scenes and detections are emulated"
    times = "what they take is measured" if len(asked.measured) == len(asked.detectors) else "what they take is emulated"
    some = ", but for what follows" if 0 < len(asked.measured) < len(asked.detectors) else ""
    yield Log(message=f"{boxes}, {times}{some}.")
    for name, found in asked.measured.items():
        yield Log(level="warning" if found.noisy else "info", message=f"{name} takes what was measured. {found}.")
    if asked.measured and asked.drift:
        yield Log(message="That everything takes longer or shorter for a while (drift) is emulated.")


def _confidences(asked: Asked, there: Stage) -> Iterator[Event]:
    """Of recordings: who said none, and who is never sure enough to be shown."""
    if there.unsaid:
        yield Log(message=UNSAID.format(names=", ".join(there.unsaid)))
    for name, found in zip(there.study.names, there.study.footage.found, strict=True):
        highest = max((float(each.scores[0]) for each in found if len(each.scores)), default=None)
        if asked.recordings and highest is not None and highest < asked.confidence:
            yield Log(level="warning", message=UNSURE.format(name=name, least=asked.confidence, highest=highest))


def _rehearsed(there: Stage) -> Generator[Event, None, Told]:
    """One policy after the other; each says that it is done."""
    told: Told = {rule: [] for rule in RULES}
    total = len(RULES) * (len(there.study.names) + len(POLICIES))
    for rule in RULES:
        for each in outcomes(there.study, rule, there.truth):
            told[rule].append(each)
            yield Progress(done=sum(map(len, told.values())), total=total, stage="policies rehearsed")
    return told


def _wholes(there: Stage, told: Told) -> Iterator[Event]:
    """Accuracy over the whole video and over each scene, pooled."""
    parts = [(ALL, 0, there.frames), *(there.scenes if len(there.scenes) > 1 else ())]
    for rule, found in told.items():
        for name, begin, end in parts:
            for each in found:
                value = each.judged.within(begin, end) if each.judged else None
                if value is not None:
                    yield Metric(name=f"scene_accuracy_{rule}", value=value, labels={"scene": name, "policy": each.name})


def _bands(asked: Asked, there: Stage) -> Generator[Event, None, list[Band]]:
    """Which detector alone is best under which load; each load says that it is done."""
    rows = list[list[float]]()
    for row in rehearsed(there, asked.rule):
        rows.append(row)
        yield Progress(done=len(rows), total=len(LOADS), stage="loads rehearsed")
    found = list(bands(there.study.names, rows))
    for each in found:
        yield Metric(name="band_accuracy", value=each.now, labels={"detector": each.detector, "low": each.low, "high": each.high})
    return found


def _write(told: Told, there: Stage, context: Context) -> None:
    """Every frame that was processed, by every policy."""
    with (context.workdir / CHOICES).open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["rule", "policy", "frame", "begun_s", "done_s", "detector"])
        for rule, found in told.items():
            for each in found:
                rows.writerows([rule, each.name, step.frame, f"{step.at_s:.6f}", f"{step.done_s:.6f}",
                                there.study.names[step.detector]] for step in each.steps)
