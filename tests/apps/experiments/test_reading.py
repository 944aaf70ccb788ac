"""What a run's figures mean in words."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from apps.experiments import reading
from apps.experiments.reading import Mark, Range, Result
from worker.flags import find, read

DENSE = Result("dense", params=14_730_000, latency_ms=8.48, accuracy=0.965, accuracy_of="test")


def test_the_time_to_go_is_a_range_around_the_rate_of_this_attempt() -> None:
    found = reading.eta(6, 10, Mark(seconds_ago=40, done=2))
    assert found and found.low < 40 < found.high


def test_the_range_narrows_as_the_run_goes_on() -> None:
    early, late = reading.eta(1, 10, Mark(10, 0)), reading.eta(9, 10, Mark(90, 0))
    assert early and late
    assert (early.high - early.low) / early.high > (late.high - late.low) / late.high


@pytest.mark.parametrize(("done", "total", "mark"), [
    (0, 10, Mark(5, 0)), (5, 10, Mark(5, 5)), (10, 10, Mark(5, 0)), (1, 0, Mark(5, 0)),
])
def test_nothing_is_promised_before_something_is_known(done: float, total: float, mark: Mark) -> None:
    assert reading.eta(done, total, mark) is None


@pytest.mark.parametrize(("seconds", "said"), [
    (Range(360, 480), "done in 6 to 8 min"), (Range(24, 30), "done in 24 to 30 s"), (Range(2, 8), "done in a few seconds"),
    (Range(7300, 7400), "done in about 2 h"),
])
def test_the_time_to_go_is_said_in_one_unit(seconds: Range, said: str) -> None:
    assert reading.eta_words(seconds) == said


def test_a_worker_that_speaks_is_not_mentioned() -> None:
    assert reading.silence(5, heartbeat_s=15, lease_left=50, lease_s=60) == ""


def test_a_silent_worker_is_named_with_what_happens_next() -> None:
    said = reading.silence(40, heartbeat_s=15, lease_left=20, lease_s=60)
    assert said == "worker silent for 40 s; will be taken over at 60 s; nothing is lost"


@pytest.mark.parametrize(("holder", "before", "said"), [
    ("run 41", 0, "the slot of this computer that measures is busy with run 41; yours is next"),
    ("run 41", 2, "the slot of this computer that measures is busy with run 41; 2 stand before yours"),
    ("", 1, "1 run stands before yours in the slot of this computer that measures"),
    ("", 0, "waiting for the slot of this computer that measures"),
])
def test_a_queued_run_says_why_it_waits(holder: str, before: int, said: str) -> None:
    assert reading.waiting(holder, before, 3, "bench.pi4") == said


def test_a_queue_that_nobody_serves_is_named() -> None:
    assert "is one serving the cpu queue?" in reading.waiting("", 0, 60, "cpu")


def test_the_verdict_compares_with_the_dense_network() -> None:
    small = Result("p = 0.875", params=914_122, latency_ms=2.49, accuracy=0.961, accuracy_of="test")
    assert reading.verdict([DENSE, small]) == "16.1× smaller, 3.4× faster, 0.4 points less accurate"


def test_the_smallest_variant_that_loses_little_is_chosen() -> None:
    ruined = Result("tiny", params=1000, latency_ms=0.1, accuracy=0.1, accuracy_of="test")
    small = Result("small", params=900_000, accuracy=0.96, accuracy_of="test")
    assert reading.best([DENSE, ruined, small], DENSE) == small


def test_accuracies_of_different_parts_are_not_compared() -> None:
    trained = Result("small", params=900_000, accuracy=0.99, accuracy_of="validation")
    assert "accurate" not in reading.verdict([DENSE, trained])


def test_accuracies_after_different_epochs_are_not_compared() -> None:
    dense = Result("dense", params=1000, accuracy=0.095, accuracy_of="validation", accuracy_epoch=1)
    small = Result("small", params=100, accuracy=0.978, accuracy_of="validation", accuracy_epoch=30)
    assert reading.verdict([dense, small]) == "10.0× smaller"
    assert reading.standing([dense, small]) == \
        "accuracy after 30 epochs: 97.8 % on validation (the dense network is still training)"


def test_a_dense_network_that_was_not_judged_yet_is_waited_for() -> None:
    small = Result("small", params=100, accuracy=0.5, accuracy_of="validation", accuracy_epoch=1)
    assert "accuracy after 1 epoch: 50.0 % on validation (the dense" in reading.standing([Result("dense", params=9), small])


def test_accuracies_after_the_same_epoch_are_compared() -> None:
    dense = Result("dense", params=1000, accuracy=0.9, accuracy_of="validation", accuracy_epoch=3)
    small = Result("small", params=100, accuracy=0.895, accuracy_of="validation", accuracy_epoch=3)
    assert "0.5 points less accurate" in reading.verdict([dense, small]) and reading.standing([dense, small]) == ""


def test_a_difference_smaller_than_the_error_bars_is_called_noise() -> None:
    dense = replace(DENSE, accuracy_low=0.94, accuracy_high=0.98, latency_low=8.4, latency_high=8.5)
    small = Result("s", params=914_122, latency_ms=2.49, latency_low=2.4, latency_high=2.6, accuracy=0.961, accuracy_of="test",
                   accuracy_low=0.93, accuracy_high=0.97)
    assert reading.verdict([dense, small]) == "16.1× smaller, 3.4× faster, 0.4 points less accurate (within the noise)"


@pytest.mark.parametrize(("value", "unit", "said"), [
    (1, "epochs", "1 epoch"), (3, "epochs", "3 epochs"), (1, "images", "1 image"), (1, "s", "1 s"), (0.5, "", "0.5"),
])
def test_one_of_a_unit_is_singular(value: float, unit: str, said: str) -> None:
    assert reading.counted(value, unit) == said


def test_there_is_no_verdict_before_there_is_something_to_compare() -> None:
    assert reading.verdict([]) == reading.verdict([DENSE]) == ""


def test_the_command_is_what_a_terminal_takes() -> None:
    params = {"model": "uuid", "epochs": 3, "reference": False, "batch_size": 64, "note": None}
    said = reading.command("pruning.reconvene", params, {"model": "VGG-11 first.safetensors"})
    assert said == (".venv/bin/python -m worker run pruning.reconvene --model 'VGG-11 first.safetensors' --epochs 3 "
                    "--no-reference --batch-size 64")


def test_the_command_leaves_out_the_device_that_no_terminal_measures_and_keeps_the_one_to_predict_for() -> None:
    params, names = {"device": "uuid", "laps": 9}, {"device": "pi"}
    assert reading.command("benchmarking.latency", params, names).endswith("run benchmarking.latency --laps 9")
    assert reading.command("benchmarking.prediction", params, names).endswith("--device pi --laps 9")


def test_a_network_in_fewer_bits_is_compared_with_its_fp32_form_in_bytes() -> None:
    full = Result("fp32", params=1000, size_bytes=4000, latency_ms=2.0, accuracy=0.9, accuracy_of="test")
    small = replace(full, name="int8", precision="int8", size_bytes=1000, latency_ms=1.0)
    assert reading.reference([small, full]) is full
    assert reading.verdict([full, small]) == "4.0× smaller, 2.0× faster, equally accurate"


def test_a_disturbed_timing_is_no_finding() -> None:
    small = Result("small", params=914_122, latency_ms=2.49, accuracy=0.961, accuracy_of="test", latency_noisy=True)
    assert "3.4× faster (noisy timing)" in reading.verdict([DENSE, small])
    assert reading.latency_doubt(DENSE, small) == reading.latency_doubt(small, DENSE) == "noisy timing"


def test_latencies_whose_intervals_overlap_are_within_the_noise() -> None:
    one, other = (Result(name, latency_ms=2.0, latency_low=low, latency_high=low + 1.0) for name, low in (("a", 1.5), ("b", 1.9)))
    assert reading.latency_doubt(one, other) == "within the noise"
    assert reading.latency_doubt(one, Result("c", latency_ms=9.0, latency_low=8.5, latency_high=9.5)) == ""


def test_how_many_runs_were_disturbed_is_said_only_when_some_were() -> None:
    assert reading.disturbed(0) == ""
    assert reading.disturbed(3) == "the timings of 3 runs were disturbed: differences in latency may be noise"


def test_text_of_lines_that_begins_with_an_at_is_no_name_of_a_file_in_a_terminal() -> None:
    line = "@a: 27 ms, h50 55 px, recall 0.9, false positives 0.3"
    typed = reading.command("detection.roma", {"detectors": f"{line}; b{line[2:]}"}, {})
    words = shlex.split(typed)
    params = read(find("detection.roma"), words[words.index("--detectors"):])
    assert params.model_dump()["detectors"].startswith(line)
