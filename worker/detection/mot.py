"""Recorded detections of a real video, in the text format of the MOT challenges (motchallenge.net).

A folder or a zip holds seqinfo.ini (frameRate, seqLength, imWidth, imHeight), a file NAME.txt for each detector, and, where the
truth is known, gt.txt or gt/gt.txt. A line is frame,id,left,top,width,height,conf and what may follow; frames count from 1. Of
the truth lines whose seventh number is 0 are left out, and, where an eighth says a class, all but class 1 (pedestrian): what
stands in such places counts as wrong boxes. Of a detector's file in which every conf is -1, as the challenges write what is not
said (results of trackers, of which all lines count: motchallenge.net/instructions), each box counts as sure.
"""

from __future__ import annotations

import configparser
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worker.detection.boxes import Detections, Numbers
from worker.detection.lines import MOST_FRAMES
from worker.detection.texts import Texts, texts
from worker.firstlook.recordings import SEQUENCE, TEXT, TRUTH

MOST_BOXES_A_FRAME = 300
MOST_PX, MOST_FPS = 20_000, 1_000.0
LINE_LIKE = "a line is such as '1,-1,912,484,97,109,0.9'"
QUOTED, LONGEST_LINE = 80, 1_000
CONSIDERED, PEDESTRIAN = 6, 7
# A confidence that nobody said, and what it counts as. Scores of some detectors go below 0: a single -1 may be one of these.
UNSAID, SURE = -1.0, 1.0
WANTED = {"frameRate": MOST_FPS, "seqLength": float(MOST_FRAMES), "imWidth": float(MOST_PX), "imHeight": float(MOST_PX)}


@dataclass(frozen=True)
class Filmed:
    """`fps`: frames a second; `width` and `height` of the picture in px."""

    fps: float
    frames: int
    width: int
    height: int

    def as_ini(self) -> str:
        return (f"[Sequence]\nframeRate={self.fps:.12g}\nseqLength={self.frames}\nimWidth={self.width}\n"
                f"imHeight={self.height}\nimExt=.jpg\n")


@dataclass(frozen=True, eq=False)
class Recorded:
    """What each detector said of each frame, and the truth where it is known. `unsaid`: detectors without any confidence."""

    name: str
    fps: float
    width: int
    height: int
    found: list[list[Detections]]
    truth: list[Numbers] | None
    unsaid: tuple[str, ...] = ()


def read(place: Path, detectors: Sequence[str], name: str = "") -> Recorded:
    """Of a folder or a zip. ValueError in a sentence with the file and the line."""
    there = texts(place, name)
    about = sequence(there)
    files = [frames(there, _file(there, f"{each}{TEXT}"), about.frames) for each in detectors]
    unsaid = [is_unsaid(np.concatenate(rows)[:, 4].tolist()) for rows in files]
    found = [[Detections.of(rows[:, :4], np.full(len(rows), SURE) if every else rows[:, 4]) for rows in each]
             for each, every in zip(files, unsaid, strict=True)]
    truth = [rows[:, :4] for rows in frames(there, TRUTH, about.frames)] if TRUTH in there.entries else None
    return Recorded(there.name, about.fps, about.width, about.height, found, truth,
                    tuple(name for name, every in zip(detectors, unsaid, strict=True) if every))


def is_unsaid(confidences: Collection[float]) -> bool:
    """Whether a file with these says none."""
    return bool(confidences) and min(confidences) == max(confidences) == UNSAID


def _file(there: Texts, name: str) -> str:
    if name not in there.entries or name in (TRUTH, SEQUENCE):
        raise ValueError(f"{there.name} has no file {name!r} with what this detector found; files of detections there: "
                         f"{there.named()}")
    return name


def sequence(there: Texts) -> Filmed:
    """What its seqinfo.ini says. ValueError in a sentence."""
    if SEQUENCE not in there.entries:
        raise ValueError(f"{there.name} has no {SEQUENCE}; a folder of the MOT format has one, with {', '.join(WANTED)}")
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(there.read(SEQUENCE))
        section = parser["Sequence"]
    except (configparser.Error, KeyError):
        raise ValueError(f"{SEQUENCE} cannot be read; it has a section [Sequence] with {', '.join(WANTED)}") from None
    fps, count, width, height = (_bounded(name, section.get(name, ""), most) for name, most in WANTED.items())
    return Filmed(fps, int(count), int(width), int(height))


def _bounded(name: str, text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 1 <= value <= most or (name != "frameRate" and value != int(value)):
        raise ValueError(f"{SEQUENCE}: {name} is {text[:QUOTED]!r}; allowed: 1 to {most:,.0f}")
    return value


def frames(there: Texts, name: str, count: int) -> list[Numbers]:
    """The rows of each frame: left, top, width, height, confidence."""
    rows = list[list[list[float]]]([] for _ in range(count))
    for frame, values in boxes(there, name, count, f"as {SEQUENCE} says"):
        rows[frame - 1].append(values)
    return [np.array(each, float).reshape(-1, 5) for each in rows]


def boxes(there: Texts, name: str, most_frames: int, why: str) -> Iterator[tuple[int, list[float]]]:
    """Line by line the frame, from 1 to `most_frames`, and left, top, width, height and confidence. ValueError with the line."""
    counts: dict[int, int] = {}
    for place, line in enumerate(there.read(name).split("\n"), 1):
        if not line.strip():
            continue
        values = _values(f"{name}, line {place}", line, most_frames, why)
        if name == TRUTH and _is_left_out(values):
            continue
        frame = int(values[0])
        counts[frame] = counts.get(frame, 0) + 1
        if counts[frame] > MOST_BOXES_A_FRAME:
            raise ValueError(f"{name}, line {place}: frame {frame} has more than {MOST_BOXES_A_FRAME} boxes")
        yield frame, values[2:7]


def _is_left_out(values: list[float]) -> bool:
    return values[CONSIDERED] == 0 or (len(values) > PEDESTRIAN and values[PEDESTRIAN] not in (1, -1))


def _values(where: str, line: str, most_frames: int, why: str) -> list[float]:
    cells = line[:LONGEST_LINE].split(",")
    try:
        values = [float(cell) for cell in cells] if _is_plain(line) else []
    except ValueError:
        values = []
    if len(values) < 7 or not all(map(math.isfinite, values)):
        raise ValueError(f"{where}: got {_quoted(line)}; {LINE_LIKE}: at least seven numbers, parted by commas")
    if values[0] != int(values[0]) or not 1 <= values[0] <= most_frames:
        got = cells[0].strip()[:QUOTED]
        raise ValueError(f"{where}: frame {got}; allowed: whole numbers from 1 to {most_frames:,}{f', {why}' if why else ''}")
    if not (0 < values[4] <= MOST_PX and 0 < values[5] <= MOST_PX and max(abs(values[2]), abs(values[3])) <= MOST_PX):
        raise ValueError(f"{where}: got {_quoted(line)}; width and height are more than 0, all four at most {MOST_PX:,} px")
    return values


def _quoted(line: str) -> str:
    """Its beginning, without what nobody sees."""
    return repr("".join(sign if sign.isprintable() else "?" for sign in line[:QUOTED]))


def _is_plain(line: str) -> bool:
    """Python reads 1_000 and the digits of other scripts too: nobody meant these."""
    return len(line) <= LONGEST_LINE and line.isascii() and "_" not in line
