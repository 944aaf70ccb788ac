"""A plan that is run: separate processes, the same answers to the last bit, exact traffic, times that add up."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.worker.partitioning.slices_built import Built, answers, built, chain, heard, hosts, is_gone
from worker.events import Measured, Metric
from worker.links.frames import Frame, size
from worker.partitioning.slicing import streaming
from worker.partitioning.slicing.faults import GaveUp
from worker.partitioning.slicing.local import Local, Part


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(tmp_path_factory.mktemp("slices"))


@pytest.fixture(scope="module")
def run(given: Built) -> tuple[dict[str, Any], list[Any]]:
    return heard(streaming.here(given.what, given.context))


def test_each_part_is_a_process_of_its_own_without_torch_and_none_is_left(given: Built) -> None:
    with hosts(given) as on, chain(given, on) as through:
        abouts, _ = heard(through.opened())
        assert [about.pid for about in abouts] == on.pids and len(set(on.pids)) == 3
        for pid in on.pids:
            loaded = Path(f"/proc/{pid}/maps").read_text()
            assert "onnxruntime" in loaded and "libtorch" not in loaded
        pids = on.pids
    assert all(is_gone(pid) for pid in pids)


def test_the_answers_are_bit_for_bit_those_of_the_same_slices_in_one_process(given: Built) -> None:
    with hosts(given) as on, chain(given, on) as through:
        assert answers(given, through, *range(8)) == (True, [])
    assert np.abs(given.arrays["slices"] - given.arrays["whole"]).max() <= 1e-5 * np.abs(given.arrays["whole"]).max()


def test_in_torch_the_answers_are_bit_for_bit_those_of_the_whole_network(tmp_path: Path) -> None:
    given = built(tmp_path, "pi until pool1; cloud", "pi to cloud: 0 ms, 1 Gbit/s", "torch", images=6)
    assert np.array_equal(given.arrays["slices"], given.arrays["whole"])
    with hosts(given) as on, chain(given, on) as through:
        assert answers(given, through, *range(6)) == (True, [])
        assert all("libtorch" in Path(f"/proc/{pid}/maps").read_text() for pid in on.pids)


def test_a_first_part_may_only_hold_the_input(tmp_path: Path) -> None:
    given = built(tmp_path, "pi until input; cloud", "pi to cloud: 1 ms, 100 Mbit/s")
    found, _ = heard(streaming.here(given.what, given.context))
    assert found["bit_equal"] and found["tensor_bytes"] == 4 * 8 * 8
    assert found["predicted_latency_ms_of_parts"][0] == 0
    assert [piece["file"] for piece in given.what.pieces] == ["", "part-2.onnx"]


def test_what_goes_over_the_connections_is_counted_to_the_byte(given: Built, run: tuple[dict[str, Any], list[Any]]) -> None:
    sent = [np.zeros((1, *shape), np.float32) for shape in ((6, 4, 4), (120,))]
    assert [array.nbytes for array in sent] == given.what.out_bytes[:2]
    # The image that is typical of eight has a number of one digit.
    assert run[0]["sent_bytes"] == sum(size(Frame("run", {"image": 3}, {"x": array})) for array in sent)
    assert run[0]["tensor_bytes"] == sum(array.nbytes for array in sent)


def test_parts_and_links_add_up_to_what_an_image_takes(given: Built, run: tuple[dict[str, Any], list[Any]]) -> None:
    with hosts(given) as on, chain(given, on) as through:
        ran, _ = heard(through.image(0, given.arrays["images"][:1]))
    stamps = ran.stamps
    computing = sum(each.ended_ns - each.began_ns for each in stamps)
    on_the_way = sum(later.began_ns - each.ended_ns for each, later in pairwise(stamps))
    assert computing + on_the_way == stamps[-1].ended_ns - stamps[0].began_ns
    assert all(each.received_ns <= each.began_ns <= each.ended_ns for each in stamps)


def test_a_link_takes_its_latency_and_its_bytes_at_least(given: Built, run: tuple[dict[str, Any], list[Any]]) -> None:
    predicted, measured = run[0]["predicted_latency_ms_of_links"], run[0]["latency_ms_of_links"]
    assert predicted == [pytest.approx(4 + 8 * 384 / 20e3), pytest.approx(2 + 8 * 480 / 100e3)]
    assert all(took >= least for took, least in zip(measured, predicted, strict=True))


def test_predicted_stands_beside_measured_and_says_what_it_rests_on(
    given: Built, run: tuple[dict[str, Any], list[Any]],
) -> None:
    found, events = run
    bars = {(event.labels["part"], event.labels["way"]): event.value for event in events
            if isinstance(event, Metric) and event.name == "part_latency_ms"}
    assert {part for part, _ in bars} == {"1 pi", "1 to 2", "2 edge", "2 to 3", "3 cloud"}
    total = sum(value for (_, way), value in bars.items() if way == "predicted")
    assert total == pytest.approx(found["predicted_latency_ms"])
    latency = {event.origin: event for event in events if isinstance(event, Measured) and event.metric == "split_latency_ms_p50"}
    assert latency["predicted"].value == pytest.approx(total)
    run_over = latency["emulated"]  # its links were
    assert run_over.low <= run_over.value <= run_over.high
    told = " ".join(event.message for event in events if event.type == "log")
    assert "median of" in told and "emulated" in told and "the names of the plan are names only" in told
    assert "were predicted" in found["verdict"] and "emulated links" in found["verdict"]


def test_parts_that_do_not_follow_each_other_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the order in which the network runs"):
        built(tmp_path, "a until relu3; b until pool1; c", "a to b: 0 ms, 1 Gbit/s; b to c: 0 ms, 1 Gbit/s")
    with pytest.raises(ValueError, match=r"Line 1, 'a until pool9': the network has no layer 'pool9'; .* behind .*pool1"):
        built(tmp_path, "a until pool9; b", "a to b: 0 ms, 1 Gbit/s")


def test_a_part_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_text("no network")
    with Local([Part("pi", tmp_path / "no.onnx")], run="r", engine="onnxruntime", threads=1, most_bytes=1 << 20) as on, \
            pytest.raises(GaveUp, match="Part 1, pi, could not be started: Its slice cannot be loaded"):
        on.route()
