"""Which detector alone is best while everything gets slower: bands that touch, and the same ones as a faster camera has."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from worker import menu
from worker.context import Context
from worker.detection.asked import Stage, stage
from worker.detection.bands import LOADS, Band, accuracies, bands, rehearsed
from worker.detection.rehearsal import Footage
from worker.detection.study import Labelled

PARAMS = menu.get("detection.roma").params
SCENES = ("small: 90 frames, heights 14 to 40 px, speed 0.03, 8 objects; "
          "large: 90 frames, heights 90 to 180 px, speed 0.1, 8 objects")


def filmed(folder: Path, **more: Any) -> Stage:
    typed: Any = PARAMS.model_validate({"scenes": SCENES, "drift": "none", "jitter": 0, **more})
    return stage(typed.asked(Context(folder)))


def told(there: Stage) -> list[Band]:
    return list(bands(there.study.names, list(rehearsed(there, "hold"))))


def test_bands_begin_where_the_one_before_ends_and_heavy_detectors_win_where_there_is_time(tmp_path: Path) -> None:
    there = filmed(tmp_path)
    found = told(there)
    assert (found[0].low, found[-1].high) == (LOADS[0], LOADS[-1]) and len(found) > 1
    assert all(one.high == pytest.approx(other.low, rel=1e-3) for one, other in pairwise(found))
    assert all(one.detector != other.detector for one, other in pairwise(found))
    names = there.study.names
    assert names.index(found[0].detector) > names.index(found[-1].detector)


def test_a_load_is_a_camera_as_many_times_as_fast_that_films_the_same_frames(tmp_path: Path) -> None:
    there = filmed(tmp_path)
    faster = replace(there, study=replace(there.study, footage=Footage(there.study.footage.found, 2 * there.fps)))
    assert there.truth is not None
    slowed = accuracies(there, Labelled(there.study.footage, there.truth), 2.0, "hold")
    assert slowed == pytest.approx(accuracies(faster, Labelled(faster.study.footage, there.truth), 1.0, "hold"))


def test_without_truth_nobody_is_said_to_be_best(tmp_path: Path) -> None:
    assert not told(replace(filmed(tmp_path), truth=None))
