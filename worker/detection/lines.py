"""Scenes, detectors and drifts of latency as lines that people read and type. No NumPy: forms read them too.

    small, fast: 240 frames, heights 14 to 28 px, speed 0.12, 12 objects
    full-288: 126 ms, h50 20 px, recall 0.95, false positives 0.2
    tiny-288: latency of yolo-tiny on pi4, h50 55 px, recall 0.9, false positives 0.3
    8 s to 16 s: 2 times
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

NUMBER = r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
SCENE = re.compile(rf"^(.+?):\s*{NUMBER} frames?,\s*heights? {NUMBER} to {NUMBER} px,\s*speed {NUMBER},\s*{NUMBER} objects?$")
# What it finds may be left out where truth tells it.
DETECTOR = re.compile(rf"^(.+?):\s*{NUMBER} ms(?:,\s*h50 {NUMBER} px,\s*recall {NUMBER},\s*false positives {NUMBER})?$")
# In place of its ms: what was measured.
MEASURED = re.compile(r"^.+?:\s*(?P<all>latency of (?P<of>.+ on .+?))(?:,\s*h50 |$)")
DRIFT = re.compile(rf"^{NUMBER} s to {NUMBER} s:\s*{NUMBER} times$")
SCENE_LIKE = "a line is such as 'small, fast: 240 frames, heights 14 to 28 px, speed 0.12, 12 objects'"
DETECTOR_LIKE = ("a line is such as 'full-288: 126 ms, h50 20 px, recall 0.95, false positives 0.2'; in place of the ms may "
                 "stand 'latency of NETWORK on DEVICE'")
# What stands where nobody but the reader knows the number.
OPEN = "?"
OPEN_LIKE = f"a number belongs in place of each {OPEN}"
ON_SCENES, WITHOUT_TRUTH = "on emulated scenes", "where recordings have no truth"
DRIFT_LIKE = "a line is such as '8 s to 16 s: 2 times', or 'none' the only one"
LONGEST_NAME, LONGEST_LINE = 40, 120
MOST_SCENES, MOST_FRAMES, LEAST_FRAMES, MOST_OBJECTS = 20, 10_000, 10, 40
LEAST_MS, MOST_MS = 0.1, 10_000
FEWEST_DETECTORS, MOST_DETECTORS, MOST_DRIFTS = 2, 6, 20
# What policies are called beside detectors.
TOD, PERIODIC, ROMA, ORACLE = POLICIES = ("TOD", "periodic profiling", "ROMA", "oracle")
# An empty field has its default; this is how to say that nothing drifts.
NO_DRIFT = "none"
# The picture that scenes are drawn in.
WIDTH_PX, HEIGHT_PX = 640, 360


@dataclass(frozen=True)
class Scene:
    """So many frames of objects `low_px` to `high_px` high that move by `speed` of their own widths from frame to frame."""

    name: str
    frames: int
    low_px: float
    high_px: float
    speed: float
    objects: int

    def __str__(self) -> str:
        return (f"{self.name}: {self.frames} frames, heights {self.low_px:.12g} to {self.high_px:.12g} px, "
                f"speed {self.speed:.12g}, {self.objects} objects")


@dataclass(frozen=True)
class Detector:
    """`h50_px`: the height at which half of what it ever finds is found; `false_positives`: wrong boxes a frame, on average.

    `of`: `NETWORK on DEVICE`, where its time is that which was measured there; then `latency_ms` is 0 until it is looked up.
    """

    name: str
    latency_ms: float
    h50_px: float = 0.0
    recall: float = 0.0
    false_positives: float = 0.0
    of: str = ""

    @property
    def is_described(self) -> bool:
        """Whether its line says what it finds."""
        return self.h50_px > 0

    def __str__(self) -> str:
        time = f"latency of {self.of}" if self.of else f"{self.latency_ms:.12g} ms"
        if not self.is_described:
            return f"{self.name}: {time}"
        return (f"{self.name}: {time}, h50 {self.h50_px:.12g} px, recall {self.recall:.12g}, "
                f"false positives {self.false_positives:.12g}")


@dataclass(frozen=True)
class Drift:
    """Everything takes so many times as long from `start_s` until before `end_s`."""

    start_s: float
    end_s: float
    times: float

    def __str__(self) -> str:
        return f"{self.start_s:.12g} s to {self.end_s:.12g} s: {self.times:.12g} times"


def read_scenes(text: str) -> tuple[Scene, ...]:
    """ValueError in words that go on behind the field's name."""
    found = tuple(_scene(line) for line in _lines(text, 1, MOST_SCENES, "scene", SCENE_LIKE))
    _refuse_twice(each.name for each in found)
    if (frames := sum(each.frames for each in found)) > MOST_FRAMES:
        raise ValueError(f"has at most {MOST_FRAMES:,} frames in all; got {frames:,}")
    return found


def _scene(line: str) -> Scene:
    name, (frames, low, high, speed, objects) = _parsed(SCENE, line, SCENE_LIKE)
    _bounded(line, "frames", frames, LEAST_FRAMES, MOST_FRAMES, whole=True)
    _bounded(line, "heights", low, 4, 0.9 * HEIGHT_PX)
    _bounded(line, "heights", high, low, 0.9 * HEIGHT_PX)
    _bounded(line, "speed", speed, 0, 2)
    _bounded(line, "objects", objects, 1, MOST_OBJECTS, whole=True)
    return Scene(name, int(frames), low, high, speed, int(objects))


def read_detectors(text: str) -> tuple[Detector, ...]:
    """The fastest first, as far as their lines say it. ValueError in words that go on behind the field's name."""
    found = tuple(_detector(line) for line in _lines(text, FEWEST_DETECTORS, MOST_DETECTORS, "detector", DETECTOR_LIKE))
    _refuse_twice(each.name for each in found)
    if taken := next((each.name for each in found if each.name.lower() in map(str.lower, POLICIES)), ""):
        raise ValueError(f"calls a detector {taken!r}, as a policy is called that it stands beside; another name")
    return tuple(sorted(found, key=lambda each: each.latency_ms))


def undescribed(detectors: Iterable[Detector], why: str) -> str:
    """What is wrong where a line has to say what its detector finds, and does not; nothing where all do."""
    first = next((each for each in detectors if not each.is_described), None)
    return f"got {str(first)!r}; {why} a line says h50, recall and false positives too: {DETECTOR_LIKE}" if first else ""


def to_fill_in(name: str, *, has_truth: bool) -> str:
    """The line of a detector of which nobody said anything, for a person to complete."""
    finds = "" if has_truth else f", h50 {OPEN} px, recall {OPEN}, false positives {OPEN}"
    return f"{name}: {OPEN} ms{finds}"


def origin(detectors: Iterable[Detector], *, is_recorded: bool, drifts: bool) -> str:
    """`recorded boxes, measured times`: what of a run is real; `emulated` where nothing is."""
    measured = [bool(each.of) for each in detectors]
    if not is_recorded and not any(measured):
        return "emulated"
    times = ("emulated" if not any(measured) else "measured" if all(measured) else "partly measured") + " times"
    return f"{'recorded' if is_recorded else 'emulated'} boxes, {times}{', emulated drift' if drifts and any(measured) else ''}"


def parted(text: str) -> list[str]:
    """The lines as they stand there, right or wrong."""
    return [said for line in text.replace("\n", ";").split(";") if (said := " ".join(line.split()))]


def name_of(line: str) -> str:
    """What a line is about, however wrong the rest of it is."""
    return line.partition(":")[0].strip()


def is_name(text: str) -> bool:
    """Whether a detector may be called so: a line can name it, and no policy is called so."""
    seen = text.isprintable() and text == " ".join(text.split()) and not set(text) & set(":;")
    return seen and 0 < len(text) <= LONGEST_NAME and text.casefold() not in map(str.casefold, POLICIES)


def _detector(line: str) -> Detector:
    told = MEASURED.match(line)
    # Where what was measured stands, any number is read in its place.
    numbers = f"{line[:told.start('all')]}1 ms{line[told.end('all'):]}" if told else line
    like = OPEN_LIKE if OPEN in line.partition(":")[2] else DETECTOR_LIKE
    name, (latency, *finds) = _parsed(DETECTOR, numbers, like, said=line)
    _bounded(line, "ms", latency, LEAST_MS, MOST_MS)
    if not finds:
        return Detector(name, 0.0, of=told["of"]) if told else Detector(name, latency)
    h50, recall, wrong = finds
    _bounded(line, "h50", h50, 1, 2_000)
    _bounded(line, "recall", recall, 0.05, 1)
    _bounded(line, "false positives", wrong, 0, 10)
    return Detector(name, 0.0, h50, recall, wrong, told["of"]) if told else Detector(name, latency, h50, recall, wrong)


def read_drift(text: str) -> tuple[Drift, ...]:
    """Nothing where nothing was typed, or `none`. ValueError in words that go on behind the field's name."""
    lines = _lines(text, 0, MOST_DRIFTS, "line", DRIFT_LIKE)
    found = tuple(_drift(line) for line in lines) if lines != [NO_DRIFT] else ()
    for one, other in pairwise(found):
        if other.start_s < one.end_s:
            raise ValueError(f"got {str(other)!r} behind {str(one)!r}; one begins when the one before has ended")
    return found


def _drift(line: str) -> Drift:
    _, (start, end, times) = _parsed(DRIFT, line, DRIFT_LIKE, named=False)
    _bounded(line, "its end", end, start + 1e-3, 1e5)
    _bounded(line, "times", times, 0.1, 20)
    return Drift(start, end, times)


def _lines(text: str, least: int, most: int, what: str, like: str) -> list[str]:
    """Of several lines, or of what `;` parts. ValueError where it holds what nobody sees, or too much or too little."""
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") and not letter.isspace() for letter in text):
        raise ValueError("has characters that cannot be shown")
    found = parted(text)
    if not least <= len(found) <= most:
        raise ValueError(f"has {least} to {most} {what}s; got {len(found)}; {like}")
    return found


def _parsed(pattern: re.Pattern[str], line: str, like: str, *, named: bool = True, said: str = "") -> tuple[str, list[float]]:
    """`said`: the line as it was typed, where that is another."""
    found = pattern.match(line)
    if found is None or (named and len(found[1]) > LONGEST_NAME):
        more = f"; a name has at most {LONGEST_NAME} characters" if found else ""
        raise ValueError(f"got {(said or line)[:LONGEST_LINE]!r}; {like}{more}")
    groups = found.groups()
    numbers = [float(each) for each in groups[bool(named):] if each is not None]
    return (str(groups[0]), numbers) if named else ("", numbers)


def _bounded(line: str, what: str, value: float, low: float, high: float, *, whole: bool = False) -> None:
    if not low <= value <= high or (whole and value != int(value)):
        kind = "a whole number " if whole else ""
        raise ValueError(f"got {line[:LONGEST_LINE]!r}; allowed of {what}: {kind}{low:g} to {high:g}")


def _refuse_twice(names: Iterable[str]) -> None:
    if twice := next((name for name, count in Counter(names).items() if count > 1), ""):
        raise ValueError(f"names {twice!r} twice; each has a name of its own")
