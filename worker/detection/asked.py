"""What a run of the recipe was asked, and the stage made of it: a study, its truth where there is one, and its scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from worker.context import RecordingsInput
from worker.detection import emulated, mot
from worker.detection.boxes import Numbers
from worker.detection.calibration import Calibration, calibrate, stated
from worker.detection.latency import machine
from worker.detection.lines import WITHOUT_TRUTH, Detector, Drift, Scene, origin, undescribed
from worker.detection.measured import Timed
from worker.detection.newest import Rule
from worker.detection.policies.roma import Knobs
from worker.detection.rehearsal import Footage
from worker.detection.study import Labelled, Study
from worker.detection.video import film

# Footage that is not the one that is judged has seeds of its own.
CALIBRATED, TUNED = 500_000, 600_000
# Of each scene so many frames tune TOD's thresholds.
MOST_TUNING = 120
# Objects of all sizes, still and fast, on which emulated detectors are calibrated.
EVERY_SIZE = tuple(Scene(f"calibration {speed:g}", 120, 8.0, 300.0, speed, 12) for speed in (0.0, 0.02, 0.05, 0.1))


@dataclass(frozen=True)
class Asked:
    """`recordings`: of the MOT format, in place of scenes; their first `calibration` share calibrates.

    `measured`: by the names of detectors what was measured; `latency_ms` of these is that.
    """

    scenes: tuple[Scene, ...]
    detectors: tuple[Detector, ...]
    drift: tuple[Drift, ...]
    fps: float
    seed: int
    knobs: Knobs
    rule: Rule
    confidence: float
    jitter: float
    switch_ms: float
    period_s: float
    window_s: float
    as_filmed: bool
    recordings: RecordingsInput | None = None
    calibration: float = 0.3
    measured: Mapping[str, Timed] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.detectors)

    @property
    def origin(self) -> str:
        """What of it is real, in words."""
        return origin(self.detectors, is_recorded=self.recordings is not None, drifts=bool(self.drift))

    @property
    def shares(self) -> tuple[float, ...]:
        """How far the times of each detector scatter: as they were measured to, else as was asked."""
        known = (self.measured.get(each.name) for each in self.detectors)
        return tuple(self.jitter if found is None or found.share is None else found.share for found in known)


@dataclass(frozen=True, eq=False)
class Stage:
    """`scenes`: name, first frame and the frame behind the last of each. `truth`: none where nobody knows it.

    `unsaid`: detectors of recordings that say no confidence, so that each of their boxes counts as sure.
    """

    study: Study
    truth: list[Numbers] | None
    scenes: tuple[tuple[str, int, int], ...]
    width: int
    height: int
    unsaid: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        return self.study.footage.frames

    @property
    def fps(self) -> float:
        return self.study.footage.fps


def stage(asked: Asked) -> Stage:
    """ValueError in a sentence where recordings cannot be read."""
    return _recorded(asked, asked.recordings) if asked.recordings else _emulated(asked)


def _emulated(asked: Asked) -> Stage:
    video = film(asked.scenes, asked.fps, asked.seed)
    aside = film(EVERY_SIZE, asked.fps, asked.seed + CALIBRATED)
    watched = emulated.watched(asked.detectors, aside, asked.seed + CALIBRATED)
    known = calibrate(watched, aside.truth, video.height, asked.confidence)
    short = [replace(scene, frames=min(scene.frames, MOST_TUNING)) for scene in asked.scenes]
    other = film(short, asked.fps, asked.seed + TUNED)
    tuning = Labelled(Footage(emulated.watched(asked.detectors, other, asked.seed + TUNED), asked.fps), other.truth)
    footage = Footage(emulated.watched(asked.detectors, video, asked.seed), asked.fps)
    study = _study(asked, footage, known, tuning, video.width * video.height)
    return Stage(study, video.truth, video.scenes, video.width, video.height)


def _recorded(asked: Asked, recordings: RecordingsInput) -> Stage:
    """Where the truth is known its first part calibrates and tunes, the rest is judged; else what the lines say is believed."""
    given = mot.read(recordings.place, asked.names, recordings.name)
    first = int(asked.calibration * len(given.found[0])) if given.truth is not None else 0
    if given.truth is not None and not sum(map(len, given.truth[:first])):
        raise ValueError(f"the first {first} frames of the recordings, which calibrate, have no object in their truth; a larger "
                         "share, or recordings without truth")
    if given.truth is None and (said := undescribed(asked.detectors, WITHOUT_TRUTH)):
        raise ValueError(f"detectors: {said}")
    begin, part = [each[:first] for each in given.found], [each[first:] for each in given.found]
    tuning = Labelled(Footage(begin, given.fps), given.truth[:first]) if given.truth is not None else None
    known = (calibrate(tuning.footage.found, tuning.truth, given.height, asked.confidence) if tuning
             else stated(asked.detectors, given.height, asked.confidence))
    study = _study(asked, Footage(part, given.fps), known, tuning, given.width * given.height)
    truth = given.truth[first:] if given.truth is not None else None
    return Stage(study, truth, ((given.name, 0, len(part[0])),), given.width, given.height, given.unsaid)


def _study(asked: Asked, footage: Footage, known: Calibration, tuning: Labelled | None, picture: float) -> Study:
    spent = machine([each.latency_ms for each in asked.detectors], asked.drift, footage.frames, asked.shares, asked.switch_ms,
                    asked.seed)
    return Study(asked.names, footage, spent, known, tuning, picture, asked.knobs, max(1, round(asked.period_s * footage.fps)),
                 max(1, round(asked.window_s * footage.fps)))
