"""What was measured in place of emulated times: looked up by network and device, with its spread, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worker import menu
from worker.context import Context, ProfilesInput
from worker.detection.latency import scattered
from worker.detection.lines import read_detectors
from worker.detection.measured import filled, lacking, looked_up
from worker.events import Finished
from worker.evidence import DeviceFacts, Evidence, LatencyFacts, Seen
from worker.executor import execute
from worker.profile import Block, NetworkProfile

LINES = ("tiny: latency of yolo on top on pi4, h50 55 px, recall 0.9, false positives 0.3; "
         "full: 126 ms, h50 20 px, recall 0.95, false positives 0.2")
PI = DeviceFacts(id="d1", name="pi4")


def timed(**more: Any) -> LatencyFacts:
    return LatencyFacts(**{"network": "yolo on top", "device": "d1", "p50_ms": 200.0, "p95_ms": 232.9, "n": 100, **more})


def known(*latencies: LatencyFacts, **more: Any) -> Evidence:
    return Evidence(devices=(PI,), latencies=latencies, **more)


def test_a_line_is_said_again_as_it_was_typed() -> None:
    assert "; ".join(map(str, read_detectors(LINES))) == LINES


def test_its_time_is_the_median_and_its_scatter_what_lies_below_the_95th_percentile() -> None:
    detectors, found = filled(read_detectors(LINES), known(timed()))
    assert [(each.name, each.latency_ms) for each in detectors] == [("full", 126), ("tiny", 200)], "the fastest first"
    assert found["tiny"].share == pytest.approx(0.1, abs=1e-3) and "100 inferences" in str(found["tiny"])


def test_a_profile_that_was_measured_there_counts_without_a_spread_and_a_predicted_one_does_not() -> None:
    block = Block(first="a", last="a", seconds=0.2, output_bytes=1)
    profile = NetworkProfile(network="yolo on top", blocks=(block,), whole_s=0.19)
    found = looked_up(known(profiles=(Seen(device="d1", profile=profile),)), "yolo on top on pi4")
    assert found and (found.ms, found.share) == (pytest.approx(190), None)
    guessed = profile.model_copy(update={"origin": "predicted"})
    assert looked_up(known(profiles=(Seen(device="d1", profile=guessed),)), "yolo on top on pi4") is None


@pytest.mark.parametrize(("evidence", "said"), [
    (Evidence(), "'tiny' is to take what 'yolo on top on pi4' was measured to take, and nothing was; measured are: none"),
    (known(timed(network="yolo")), "measured are: yolo on pi4. Run Latency of that network on that device"),
    (known(timed(p50_ms=20_000)), "yolo on top on pi4 takes 2e+04 ms; 0.1 to 10,000 ms can be rehearsed"),
])
def test_what_is_not_known_is_refused_with_what_is(evidence: Evidence, said: str) -> None:
    assert said in lacking(evidence, read_detectors(LINES))
    with pytest.raises(ValueError, match="tiny"):
        filled(read_detectors(LINES), evidence)


def test_what_a_time_came_from_is_said_with_it(tmp_path: Path) -> None:
    evidence = known(timed(run=12, run_id="x", recipe="Latency", noisy=True))
    found = looked_up(evidence, "yolo on top on pi4")
    assert str(found) == ("yolo on top on pi4: 200 ms, scattering by 10 %, measured (run 12, Latency, 100 inferences, "
                          "noisy timing)")
    params: Any = menu.get("detection.roma").params.model_validate(menu.get("detection.roma").example | {"detectors": LINES})
    context = Context(tmp_path, inputs={"profiles": ProfilesInput("measured", evidence)})
    context.workdir.mkdir(exist_ok=True)
    summary = next(event.summary for event in execute(menu.get("detection.roma"), params, context) if isinstance(event, Finished))
    assert summary["latency_from"] == {"tiny": str(found)}
    assert summary["verdict"].endswith("; noisy timing of tiny: other work disturbed what the run rests on")


def test_each_detector_scatters_by_its_own_share_and_slow_frames_are_slow_for_all() -> None:
    found = scattered(5_000, (0.02, 0.1), 7)
    assert found.std(axis=1) == pytest.approx([0.02, 0.1], rel=0.05)
    assert np.corrcoef(found)[0, 1] > 0.99


def test_a_run_says_what_is_measured_and_what_is_emulated(tmp_path: Path) -> None:
    recipe = menu.get("detection.roma")
    params: Any = recipe.params.model_validate({"detectors": LINES})
    asked = params.asked(Context(tmp_path, inputs={"profiles": ProfilesInput("measured", known(timed()))}))
    assert asked.origin == "emulated boxes, partly measured times, emulated drift"
    assert asked.shares == (0.05, pytest.approx(0.1, abs=1e-3))
    titles = [chart.title for chart in recipe.charts_of(params.model_dump())]
    assert all(title.endswith("(emulated boxes, partly measured times, emulated drift)") for title in titles)
