"""Latency against accuracy or size, a line for each device: who is on it, what is timed alike, what is not like the others."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.experiments.pareto import Point, Setting, config, front, settings, shown, unlike
from worker.likeness import Conditions

ORT, TORCH = Setting("onnxruntime", 1, 1), Setting("torch", 1, 1)


def point(name: str, ms: float, accuracy: float | None, **more: Any) -> Point:
    facts: dict[str, Any] = {"device": "pi4", "setting": ORT, "low_ms": ms * 0.9, "high_ms": ms * 1.1, "origin": "measured",
                             "noisy": False, "size_bytes": 1000, "taken": Conditions()}
    return Point(variant=uuid4(), file=name, name=name, ms=ms, run=uuid4(), run_number=1, accuracy=accuracy, **facts | more)


def test_on_the_line_is_who_is_quicker_than_all_that_are_as_good() -> None:
    fast, good, worse, slower, unknown = (point("fast", 1, 0.8), point("good", 3, 0.9), point("worse", 2, 0.7),
                                          point("slower", 4, 0.9), point("unknown", 0.5, None))
    assert front([slower, worse, unknown, good, fast], "accuracy") == {fast, good}


def test_against_size_the_smaller_is_the_better() -> None:
    fast, small, neither = point("fast", 1, None, size_bytes=900), point("small", 2, None, size_bytes=100), \
        point("neither", 3, None, size_bytes=500)
    assert front([neither, small, fast], "size") == {fast, small}


def test_each_device_has_a_line_of_its_own() -> None:
    here, there = point("same", 5, 0.9), point("same", 1, 0.9, device="nano")
    rows = shown([here, there], "accuracy", {"nano": 0, "pi4": 3})
    assert [(row.point.device, row.place, row.on_line) for row in rows] == [("nano", 0, True), ("pi4", 3, True)]


def test_only_what_was_timed_alike_stands_together_the_fullest_setting_first() -> None:
    said = settings([point("a", 1, 0.5, setting=TORCH), point("b", 1, 0.5, setting=TORCH), point("c", 1, 0.5)])
    assert said == [(TORCH, 2), (ORT, 1)]
    assert settings([point("a", 1, 0.5, setting=TORCH), point("c", 1, 0.5)])[0][0] == ORT
    assert ORT.words == "onnxruntime · 1 thread · batch 1"


@pytest.mark.parametrize(("differs", "said"), [
    ({"noisy": True}, "1 of 2 points is of noisy timing"),
    ({"origin": "predicted"}, "Not everything here was measured: pi4 (predicted)"),
])
def test_what_is_not_like_the_others_is_said(differs: dict[str, Any], said: str) -> None:
    (sentence,) = unlike([point("a", 1, 0.5), point("b", 2, 0.6, **differs)])
    assert said in sentence
    assert unlike([point("a", 1, 0.5)]) == []


def test_the_chart_is_told_intervals_noise_and_colours_and_two_of_one_name_apart() -> None:
    points = [point("net", 1, 0.5, accuracy_low=0.4, accuracy_high=0.6, noisy=True), point("net", 2, None)]
    told = config(shown(points, "accuracy", {"pi4": 4}), "accuracy")
    timed = [row["body"] for row in told["rows"] if row["body"].get("metric") == "latency_ms_p50"]
    assert [(each["variant"], each["low"], each["noisy"]) for each in timed] == [("net", 0.9, True), ("net (2)", 1.8, False)]
    assert [row["body"]["low"] for row in told["rows"] if row["body"].get("metric") == "accuracy"] == [0.4]
    assert told["places"] == {"pi4": 4} and not told["charts"][0]["less"]
