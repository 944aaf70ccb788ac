"""An archive of recorded detections: every line of it judged, written again as the house keeps it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from worker.archives import zips
from worker.detection import lines, mot, texts
from worker.detection.texts import Texts
from worker.firstlook import WARNING, Unfit, data, printable
from worker.firstlook.recordings import SEQUENCE, TEXT, TRUTH
from worker.inspection.order import Order, Recorded, RecordingsFound, Unclear
from worker.inspection.steps import Step
from worker.reasons import is_ours

FILE = "recordings.zip"
# The lowest and the highest of some values.
Span = tuple[float, float]
MOST_DETECTORS = 20
ASKED = "1920x1080 at 30"
ASK = ("The archive has no seqinfo.ini: say how large the picture is, in px, and how many frames a second it has, for instance "
       f"{ASKED}.")
UNSAID = ("{name}: every confidence is -1, which says in this format that none was given, as of trackers and of the truth: each "
          "box counts as sure (1).")
BELOW = ("{name}: every confidence is below 0 ({low:.4g} to {high:.4g}): a run shows boxes from a confidence of 0 to 1 on, so "
         "none of these; bring confidences between 0 and 1.")
OUTSIDE = "px and frames a second are expected: width and height up to {px:,} px, 1 to {fps:,.0f} frames/s; got {got}."
NO_BOXES = "None of the files of detections has a box: {names}."
FEW = "Recordings have {least} to {most} detectors, a {text} file each; this archive has {count}: {names}."
BAD_NAME = ("{file!r} is no name for a detector: at most {longest} characters that can be seen, no {signs}, and not one of "
            "{policies}.")


def is_one(path: Path, most_bytes: int) -> bool:
    """Whether it is a zip in whose directory stand recorded detections."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return False
    with zips.opened(path, most_bytes, texts.MOST_ENTRIES) as archive:
        return data.of_names(archive.namelist(), whole=True) == data.OF_RECORDINGS


def inspect(order: Order, say: Step) -> RecordingsFound:
    """Unfit in one sentence, with the file and the line; Unclear where only its picture and its frame rate are missing."""
    try:
        return _judged(order, say)
    except Unfit:
        raise
    except ValueError as wrong:
        if not is_ours(wrong):
            raise
        raise Unfit(f"{str(wrong).removesuffix('.')}.") from None


def _judged(order: Order, say: Step) -> RecordingsFound:
    there = texts.texts(Path(order.file), order.name, order.unpacked_bytes)
    _check_names(there)
    notes: list[str] = []
    about = _said(there, order, notes)
    say("detections", f"{len(there.detectors)} detectors")
    most, why = (about.frames, f"as {SEQUENCE} says") if about.frames else (lines.MOST_FRAMES, "")
    confidences = dict[str, Span]()
    counts = {name: _counted(there, f"{name}{TEXT}", most, why, confidences) for name in there.detectors}
    truth = _counted(there, TRUTH, most, why, {}) if TRUTH in there.entries else None
    notes += [note for name, span in confidences.items() for note in _doubts(name, span)]
    notes += _noted(there, counts, truth, is_told=bool(about.frames))
    last = about.frames or max(max(each, default=0) for each in (*counts.values(), truth or Counter()))
    filmed = mot.Filmed(about.fps, last, about.width, about.height)
    say("storing")
    _write(there, filmed, Path(order.folder) / FILE)
    told = Recorded(frames=last, fps=about.fps, width=about.width, height=about.height,
                    detectors={name: each.total() for name, each in counts.items()},
                    truth=None if truth is None else truth.total())
    return RecordingsFound(file=FILE, recorded=told, notes=notes)


def _check_names(there: Texts) -> None:
    names = there.detectors
    if not lines.FEWEST_DETECTORS <= len(names) <= MOST_DETECTORS:
        raise Unfit(FEW.format(least=lines.FEWEST_DETECTORS, most=MOST_DETECTORS, text=TEXT, count=len(names),
                               names=there.named()))
    for name in names:
        if not lines.is_name(name):
            raise Unfit(BAD_NAME.format(file=printable(f"{name}{TEXT}"), longest=lines.LONGEST_NAME, signs="; or :",
                                        policies=", ".join(lines.POLICIES)))
    if len({name.casefold() for name in names}) < len(names):
        raise Unfit(f"Two files of detections differ in capitals alone: {there.named()}.")


def _said(there: Texts, order: Order, notes: list[str]) -> mot.Filmed:
    """By seqinfo.ini, else as its owner says, then with no number of frames."""
    if SEQUENCE not in there.entries:
        return _asked(order)
    about = mot.sequence(there)
    if order.footage is not None and order.footage != (about.width, about.height, about.fps):
        notes.append(f"{SEQUENCE} says {about.width}x{about.height} px at {about.fps:.12g} frames/s, which counts; what was said "
                     "beside it was not needed.")
    return about


def _asked(order: Order) -> mot.Filmed:
    if order.footage is None:
        raise Unclear(ASK, "footage")
    width, height, fps = order.footage
    sides = all(1 <= side <= mot.MOST_PX and side == int(side) for side in (width, height))
    if not sides or not 1 <= fps <= mot.MOST_FPS:
        got = f"{width:.12g}x{height:.12g} at {fps:.12g}"
        raise Unclear("As picture and frame rate " + OUTSIDE.format(px=mot.MOST_PX, fps=mot.MOST_FPS, got=got), "footage")
    return mot.Filmed(fps, 0, int(width), int(height))


def _counted(there: Texts, name: str, most_frames: int, why: str, confidences: dict[str, Span]) -> Counter[int]:
    """How many boxes each frame has; the lowest and the highest confidence, where there is a box, go into `confidences`."""
    found, low, high = Counter[int](), math.inf, -math.inf
    for frame, (*_, confidence) in mot.boxes(there, name, most_frames, why):
        found[frame] += 1
        low, high = min(low, confidence), max(high, confidence)
    if found:
        confidences[name] = low, high
    return found


def _doubts(name: str, span: Span) -> Iterator[str]:
    """What its confidences mean where they are none, or below all that a run can ask for."""
    if mot.is_unsaid(span):
        yield UNSAID.format(name=name)
    elif span[1] < 0:
        yield f"{WARNING} {BELOW.format(name=name, low=span[0], high=span[1])}"


def _noted(there: Texts, counts: dict[str, Counter[int]], truth: Counter[int] | None, *, is_told: bool) -> list[str]:
    if not any(counts.values()):
        raise Unfit(NO_BOXES.format(names=there.named()))
    notes = [f"{WARNING} {name}{TEXT} has no box: this detector found nothing." for name, each in counts.items() if not each]
    if truth is None:
        notes.append("No truth came with it (gt.txt): who would be shown when can be told, how accurate that is cannot.")
    elif not truth:
        notes.append(f"{WARNING} gt.txt has no object that counts: nothing can be scored by it.")
    if not is_told:
        notes.append("How long it is nobody said: it ends with the last frame in which something was found.")
    if there.others:
        notes.append(f"Not used: {len(there.others):,} other files, such as {printable(there.others[0])}.")
    return notes


def _write(there: Texts, filmed: mot.Filmed, path: Path) -> None:
    """Under plain names: whatever folders lay around them, and whatever else was there, is gone."""
    files = {name: there.read(name) for name in there.entries if name != SEQUENCE}
    texts.written(path, files | {SEQUENCE: filmed.as_ini()})
