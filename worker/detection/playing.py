"""What was rehearsed, told in the order of the video: scores stretch by stretch, who runs when, and some of the frames.

All of it is bounded, however long the video: so many stretches, so many changes of who runs, so many drawn frames.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from worker.context import Checkpoints
from worker.detection.asked import Stage
from worker.detection.lines import ROMA
from worker.detection.newest import Rule, shown
from worker.detection.packing import packed
from worker.detection.study import Outcome
from worker.events import Event, Metric, Progress

MOST_STRETCHES, MOST_SLOTS, MOST_DRAWN, DRAWN_A_SECOND = 60, 240, 300, 10
LEAST_STRETCH_S, NAP_S = 1.0, 0.25
PLAYED = "played"
Told = dict[Rule, list[Outcome]]


@dataclass(frozen=True, eq=False)
class Play:
    """`rule`: whose ROMA is drawn. `as_filmed`: a second of video takes a second."""

    stage: Stage
    told: Told
    rule: Rule
    as_filmed: bool

    @property
    def drawn(self) -> Outcome:
        return next(each for each in self.told[self.rule] if each.name == ROMA)

    def stretches(self) -> list[tuple[int, int]]:
        """First frame and the frame behind the last of each stretch that is scored."""
        frames = self.stage.frames
        length = max(1, round(LEAST_STRETCH_S * self.stage.fps), -(-frames // MOST_STRETCHES))
        return [(begin, min(begin + length, frames)) for begin in range(0, frames, length)]


def play(given: Play, checkpoints: Checkpoints) -> Generator[Event]:
    """A run that goes on says again what it said, at once, and waits only for what nobody has seen yet."""
    last = checkpoints.last(PLAYED)
    seen = last[0] if last else 0
    stage, begun = given.stage, time.monotonic() - (seen / given.stage.fps)
    drawn = _frames(given)
    for begin, end in given.stretches():
        for frame in (each for each in drawn if begin <= each < end):
            if given.as_filmed and frame >= seen:
                yield from _wait(frame, stage, begun)
            yield _scene(given, frame)
        if given.as_filmed and end >= seen:
            yield from _wait(end, stage, begun)
        yield from _scores(given.told, begin, end, stage.fps)
        yield from _runs(given, begin, end)
        yield Progress(done=end, total=stage.frames, stage="frames of the video")
        if given.as_filmed:
            checkpoints.save(PLAYED, end, b"", {})


def _wait(frame: int, stage: Stage, begun: float) -> Iterator[Event]:
    """Until the camera would have the frame; what is said meanwhile keeps the run alive."""
    while (left := begun + frame / stage.fps - time.monotonic()) > 0:
        time.sleep(min(left, NAP_S))
        if left > NAP_S:
            yield Progress(done=frame, total=stage.frames, stage="frames of the video")


def _scores(told: Told, begin: int, end: int, fps: float) -> Iterator[Event]:
    """Of this stretch alone; nothing where nothing is there to be found."""
    for rule, outcomes in told.items():
        for each in outcomes:
            value = each.judged.within(begin, end) if each.judged else None
            if value is not None:
                yield Metric(name=f"accuracy_{rule}", value=value, step=round(1e3 * end / fps), labels={"policy": each.name})


def _frames(given: Play) -> list[int]:
    """The frames that are drawn."""
    frames, fps = given.stage.frames, given.stage.fps
    return list(range(0, frames, max(round(fps / DRAWN_A_SECOND), -(-frames // MOST_DRAWN), 1)))


def _scene(given: Play, frame: int) -> Event:
    stage, outcome = given.stage, given.drawn
    place = int(shown(outcome.steps, stage.fps, stage.frames, given.rule)[frame])
    step = outcome.steps[max(place, 0)]
    boxes = step.found.sure(stage.study.known.confidence) if place >= 0 else step.found.boxes[:0]
    truth = stage.truth[frame] if stage.truth is not None else None
    names = stage.study.names
    labels: dict[str, str | int | float] = {
        "detector": names[step.detector], "place": step.detector, "boxes": packed(boxes, stage.width, stage.height),
        "old": frame - step.frame, "at": round(frame / stage.fps, 3), "width": stage.width, "height": stage.height}
    if truth is not None:
        labels["truth"] = packed(truth, stage.width, stage.height)
    return Metric(name="scene_boxes", value=len(boxes), step=frame, labels=labels)


def _runs(given: Play, begin: int, end: int) -> Iterator[Event]:
    """Who serves the frames of this stretch, one row for each time that it changes; of short slots whoever served most."""
    stage = given.stage
    slot = max(1, -(-stage.frames // MOST_SLOTS))
    names = stage.study.names
    for each in given.told[given.rule]:
        if each.name in names:
            continue
        serving = _serving(each, stage)[begin:end]
        most = [int(np.bincount(serving[at:at + slot]).argmax()) for at in range(0, len(serving), slot)]
        at = begin
        for detector, slots in groupby(most):
            until = min(at + slot * len(list(slots)), end)
            yield Metric(name="serving_s", value=(until - at) / stage.fps, step=at,
                         labels={"policy": each.name, "detector": names[detector], "place": detector})
            at = until


def _serving(outcome: Outcome, stage: Stage) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The detector whose boxes are held at each frame, (frames,)."""
    detectors = np.array([step.detector for step in outcome.steps])
    return np.asarray(detectors[shown(outcome.steps, stage.fps, stage.frames, "hold")])


def shares(outcome: Outcome, stage: Stage) -> Sequence[float]:
    """The share of frames that each detector serves."""
    found: list[float] = (np.bincount(_serving(outcome, stage), minlength=len(stage.study.names)) / stage.frames).tolist()
    return found
