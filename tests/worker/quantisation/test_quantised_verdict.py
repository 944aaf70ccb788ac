"""The verdict is as plain about a loss as about a gain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from worker.profiling.stopwatch import Timing
from worker.quantisation.verdict import Outcome, sentence
from worker.training.accuracy import Score


def timing(ms: float) -> Timing:
    samples = np.full(50, int(ms * 1e6), dtype=np.int64)
    return Timing(samples, ms / 20, ms / 20)


def told(before: float = 2.0, after: float = 1.0, right: int = 950, **changes: Any) -> str:
    about: dict[str, Any] = {
        "precision": "int8", "size_before": 4_000_000, "size_after": 1_000_000, "timing_before": timing(before),
        "timing_after": timing(after), "score_before": Score(950, 1000), "score_after": Score(right, 1000),
        "agreement": 0.98, "trained": True, "why_slower": "bytes may cost more than they save",
    }
    return sentence(Outcome(**about | changes))


def test_a_gain_is_said_with_its_price() -> None:
    assert told(right=850) == ("the ONNX file is 4.0× smaller, the network 2.0× faster; 10.0 points less accurate than the "
                               "fp32 network (test, n = 1000); both answer alike on 98.0 % of the test images")


@pytest.mark.parametrize(("after", "speed"), [(4.0, "2.0× slower"), (2.0, "no faster")])
def test_a_slower_network_is_called_so_and_why(after: float, speed: str) -> None:
    assert f"the network {speed} (bytes may cost more than they save); as accurate as the fp32 network" in told(after=after)


def test_a_faster_one_needs_no_excuse() -> None:
    assert "may cost" not in told()


def test_answers_that_are_no_numbers_are_not_called_mistakes() -> None:
    found = told(score_after=Score(100, 1000, finite=False))
    assert found.endswith("some of its answers are no numbers any more: int8 cannot hold what this network computes")


def test_of_an_untrained_network_no_accuracy_is_claimed() -> None:
    assert told(trained=False).endswith("the network was not trained, so its accuracy tells nothing (n = 1000)")


def test_what_the_measurement_cannot_show_is_said_last() -> None:
    assert told(doubt="results of fc1 are too large").endswith("98.0 % of the test images; results of fc1 are too large")
