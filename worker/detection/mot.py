"""Recorded detections of a real video, in the text format of the MOT challenges (motchallenge.net).

A folder holds seqinfo.ini (frameRate, seqLength, imWidth, imHeight), a file NAME.txt for each detector, and, where the truth is
known, gt.txt or gt/gt.txt. A line is frame,id,left,top,width,height,conf and what may follow; frames count from 1. Of the truth
lines whose seventh number is 0 are left out, and, where an eighth says a class, all but class 1 (pedestrian): what stands in such
places counts as wrong boxes.
"""

from __future__ import annotations

import configparser
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worker.detection.boxes import Detections, Numbers
from worker.detection.lines import MOST_FRAMES

SEQUENCE, TRUTHS = "seqinfo.ini", ("gt.txt", "gt/gt.txt")
LARGEST_BYTES, MOST_BOXES_A_FRAME = 50_000_000, 300
MOST_PX, MOST_FPS = 20_000, 1_000.0
LINE_LIKE = "a line is such as '1,-1,912,484,97,109,0.9'"
QUOTED = 80
CONSIDERED, PEDESTRIAN = 6, 7


@dataclass(frozen=True, eq=False)
class Recorded:
    """What each detector said of each frame, and the truth where it is known."""

    name: str
    fps: float
    width: int
    height: int
    found: list[list[Detections]]
    truth: list[Numbers] | None


def read(folder: Path, detectors: Sequence[str]) -> Recorded:
    """ValueError in a sentence with the file and the line."""
    fps, frames, width, height = _sequence(folder)
    found = [[Detections.of(rows[:, :4], rows[:, 4]) for rows in _frames(_file(folder, f"{name}.txt"), frames, is_truth=False)]
             for name in detectors]
    truths = [folder / name for name in TRUTHS if (folder / name).is_file()]
    truth = [rows[:, :4] for rows in _frames(truths[0], frames, is_truth=True)] if truths else None
    return Recorded(folder.resolve().name, fps, width, height, found, truth)


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if path.resolve().parent != folder.resolve() or not path.is_file():
        there = ", ".join(sorted(each.name for each in folder.glob("*.txt"))[:10]) or "none"
        raise ValueError(f"{folder} has no file {name!r} with what this detector found; files of detections there: {there}")
    return path


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError(f"{path.name} is larger than {LARGEST_BYTES / 1e6:.0f} MB")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} is no text; {LINE_LIKE}") from None
    except OSError:
        raise ValueError(f"{path.name} cannot be read") from None


def _sequence(folder: Path) -> tuple[float, int, int, int]:
    if not (folder / SEQUENCE).is_file():
        raise ValueError(f"{folder} has no {SEQUENCE}; a folder of the MOT format has one, with {', '.join(WANTED)}")
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(_text(folder / SEQUENCE))
        section = parser["Sequence"]
    except (configparser.Error, KeyError):
        raise ValueError(f"{SEQUENCE} cannot be read; it has a section [Sequence] with {', '.join(WANTED)}") from None
    fps, frames, width, height = (_bounded(name, section.get(name, ""), most) for name, most in WANTED.items())
    return fps, int(frames), int(width), int(height)


WANTED = {"frameRate": MOST_FPS, "seqLength": float(MOST_FRAMES), "imWidth": float(MOST_PX), "imHeight": float(MOST_PX)}


def _bounded(name: str, text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 1 <= value <= most or (name != "frameRate" and value != int(value)):
        raise ValueError(f"{SEQUENCE}: {name} is {text[:QUOTED]!r}; allowed: 1 to {most:,.0f}")
    return value


def _frames(path: Path, frames: int, *, is_truth: bool) -> list[Numbers]:
    """The rows of each frame: left, top, width, height, confidence."""
    rows = list[list[list[float]]]([] for _ in range(frames))
    for place, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        values = _values(path, place, line, frames)
        if is_truth and _is_left_out(values):
            continue
        there = rows[int(values[0]) - 1]
        if len(there) == MOST_BOXES_A_FRAME:
            raise ValueError(f"{path.name}, line {place}: frame {int(values[0])} has more than {MOST_BOXES_A_FRAME} boxes")
        there.append(values[2:7])
    return [np.array(each, float).reshape(-1, 5) for each in rows]


def _is_left_out(values: list[float]) -> bool:
    return values[CONSIDERED] == 0 or (len(values) > PEDESTRIAN and values[PEDESTRIAN] not in (1, -1))


def _values(path: Path, place: int, line: str, frames: int) -> list[float]:
    cells = line.split(",")
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        values = []
    where = f"{path.name}, line {place}"
    if len(values) < 7 or not all(map(math.isfinite, values)):
        raise ValueError(f"{where}: got {line[:QUOTED]!r}; {LINE_LIKE}: at least seven numbers, parted by commas")
    if values[0] != int(values[0]) or not 1 <= values[0] <= frames:
        got = cells[0].strip()[:QUOTED]
        raise ValueError(f"{where}: frame {got}; allowed: whole numbers from 1 to {frames}, as {SEQUENCE} says")
    if not (0 < values[4] <= MOST_PX and 0 < values[5] <= MOST_PX and max(abs(values[2]), abs(values[3])) <= MOST_PX):
        raise ValueError(f"{where}: got {line[:QUOTED]!r}; width and height are more than 0, all four at most {MOST_PX:,} px")
    return values
