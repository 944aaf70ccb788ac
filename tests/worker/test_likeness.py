"""Only like is compared with like; what differs is named, with its values."""

from __future__ import annotations

from typing import Any

import pytest

from worker.likeness import Conditions, alike, unlike, warning

KNOWN = Conditions(device="pi", engine="onnxruntime", runtime="onnxruntime 1.23.2", threads=1, batch=1, precision="fp32",
                   protocol=1, origin="measured")


@pytest.mark.parametrize(("change", "said"), [
    ({"device": "laptop"}, "on different devices: laptop, pi"),
    ({"engine": "torch"}, "by different engines: onnxruntime, torch"),
    ({"runtime": "onnxruntime 1.20.0"}, "by different versions of the engine: onnxruntime 1.20.0, onnxruntime 1.23.2"),
    ({"threads": 4}, "with different numbers of threads: 1, 4"),
    ({"batch": 8}, "with different batches: 1, 8"),
    ({"precision": "int8"}, "in different precisions: fp32, int8"),
    ({"protocol": 2}, "by different protocols: 1, 2"),
    ({"protocol": None}, "by different protocols: 1, none"),
    ({"origin": "predicted"}, "in different ways: measured, predicted"),
])
def test_each_condition_makes_two_timings_unlike(change: dict[str, Any], said: str) -> None:
    other = KNOWN._replace(**change)
    assert unlike((KNOWN, other)) == [said]
    assert not alike(KNOWN, other)
    assert warning((KNOWN, other, KNOWN)) == f"These times do not compare: they were taken {said}."


@pytest.mark.parametrize("forgotten", ["device", "engine", "runtime", "precision", "origin"])
def test_what_nobody_noted_differs_from_nothing(forgotten: str) -> None:
    assert alike(KNOWN, KNOWN._replace(**{forgotten: ""}))
    assert alike(KNOWN, KNOWN._replace(threads=None, batch=None))


def test_the_same_conditions_need_no_warning() -> None:
    assert warning([KNOWN, KNOWN]) == warning([KNOWN]) == warning([]) == ""
    assert alike(KNOWN._replace(protocol=None), KNOWN._replace(protocol=None))


def test_several_differences_are_one_sentence() -> None:
    other = KNOWN._replace(device="laptop", batch=8)
    assert warning((KNOWN, other)) == ("These times do not compare: they were taken on different devices: laptop, pi; "
                                       "with different batches: 1, 8.")


def test_conditions_are_read_from_a_measurement_and_the_summary_of_its_run() -> None:
    row = {"device": "pi", "engine": "onnxruntime", "threads": 1, "batch": 1, "origin": "measured"}
    summary = {"latency_protocol": 1, "latency_runtimes": {"onnxruntime": "onnxruntime 1.23.2"}}
    assert Conditions.of(row, summary, precision="fp32") == KNOWN
    assert Conditions.of(row) == KNOWN._replace(runtime="", protocol=None, precision="")
