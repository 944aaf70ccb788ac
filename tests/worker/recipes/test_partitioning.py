"""The recipe that plans: the published table, conflicts as an answer, simpler ways under the same rules, what it refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.worker.recipes.measured import linked
from worker import menu
from worker.context import Context, ProfilesInput
from worker.events import Event, Failed, Finished, Log, Measured, Metric
from worker.evidence import Evidence
from worker.executor import execute
from worker.flags import given_profiles
from worker.planning import Answer

RECIPE = menu.get("partitioning.scission")
FOLDER = Path(__file__).resolve().parents[4] / "shared/data/scission/scission"
NEEDS = pytest.mark.skipif(not FOLDER.is_dir(), reason="the published measurements are not here: ../shared/data/scission")
INPUT_MB = 0.15
# Seconds of the best plan with the 3G-like network and with the wired one, and with that of the best plan that the device and
# another share: recomputed from the published measurements apart from this planner.
PUBLISHED = {
    "vgg19": (0.8586, 0.1136, 1.3744), "xception": (0.8784, 0.1334, 1.2300), "resnet50": (0.8845, 0.1395, 0.3392),
    "resnet101": (0.9168, 0.1718, 0.3715), "resnet152": (0.9489, 0.2039, 0.4036), "resnet50v2": (0.8812, 0.1383, 0.3369),
    "resnet101v2": (0.9150, 0.1700, 0.3692), "resnet152v2": (0.9467, 0.2017, 0.4001), "inception_v3": (0.9025, 0.1575, 0.7568),
    "inceptionresnet_v2": (0.9888, 0.2438, 0.8441), "mobilenet": (0.3444, 0.1307, 0.2998), "vgg16": (0.8574, 0.1124, 1.3334),
    "mobilenetv2": (0.4435, 0.1397, 0.2679), "densenet121": (0.9234, 0.1784, 0.3775), "densenet169": (0.9512, 0.2062, 0.4052),
    "densenet201": (0.9699, 0.2249, 0.4233), "nasnetlarge": (1.0400, 0.2950, 4.4359),
    "nasnetmobile": (0.9893, 0.2443, 0.8216)}


def run(evidence: Evidence, folder: Path, **params: Any) -> list[Event]:
    asked = RECIPE.params.model_validate({"model": "one", **params})
    return list(execute(RECIPE, asked, Context(folder, inputs={"profiles": ProfilesInput("profiles", evidence)})))


def summary(events: Sequence[Event]) -> dict[str, Any]:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].summary


def metrics(events: Sequence[Event], name: str) -> list[Metric]:
    return [event for event in events if isinstance(event, Metric) and event.name == name]


def published(network: str) -> Evidence:
    given = given_profiles(RECIPE, FOLDER, Path(network))["profiles"]
    assert isinstance(given, ProfilesInput)
    return given.evidence


@NEEDS
@pytest.mark.parametrize("network", ["network_stats.csv", "network_stats_wired.csv"])
def test_on_the_published_measurements_every_networks_best_plan_is_that_of_the_table(network: str, tmp_path: Path) -> None:
    wired, evidence = "wired" in network, published(network)
    found = {name: summary(run(evidence, tmp_path, model=name, count=1, input_mb=INPUT_MB, varying="nothing"))["best_ms"] / 1e3
             for name in PUBLISHED}
    assert found == {name: pytest.approx(times[1] if wired else times[0], abs=5.1e-5) for name, times in PUBLISHED.items()}


@NEEDS
def test_with_the_raw_input_kept_the_device_and_another_share_it_as_in_the_table(tmp_path: Path) -> None:
    """The table asks for another resource too; where the device alone is faster, that is the answer."""
    evidence, shared = published("network_stats_wired.csv"), {}
    for name in PUBLISHED:
        found = summary(run(evidence, tmp_path, model=name, count=100, rules="raw input stays", varying="nothing"))
        said = Answer.model_validate_json((tmp_path / "plans.json").read_bytes())
        assert found["best_ms"] == said.plans[0].latency_ms
        shared[name] = next(plan.latency_ms for plan in said.plans if len(plan.stages) > 1) / 1e3
    assert shared == {name: pytest.approx(times[2], abs=5.1e-5) for name, times in PUBLISHED.items()}


def test_a_plan_is_said_part_by_part_and_its_parts_are_its_latency(tmp_path: Path) -> None:
    events = run(linked(), tmp_path)
    said = Answer.model_validate_json((tmp_path / "plans.json").read_bytes())
    best = metrics(events, "part_ms")
    first = [part.value or 0 for part in best if str(part.labels["plan"]).startswith("1. ")]
    assert sum(first) == pytest.approx(said.plans[0].latency_ms) == summary(events)["best_ms"]
    assert [each.step for each in best if str(each.labels["plan"]).startswith("1. ")] == list(range(len(first)))
    rows = list(csv.DictReader((tmp_path / "plans.csv").read_text().splitlines()))
    assert [float(row["latency_ms"]) for row in rows] == [plan.latency_ms for plan in said.plans]
    assert [row["plan"] for row in rows] == [plan.words for plan in said.plans]


def test_no_total_is_said_to_be_measured(tmp_path: Path) -> None:
    totals = [event for event in run(linked(), tmp_path) if isinstance(event, Measured)]
    assert totals and {event.origin for event in totals} == {"predicted"}


def test_every_device_alone_is_said_with_its_time_and_why_it_is_not_the_best(tmp_path: Path) -> None:
    events = run(linked(), tmp_path)
    ways = summary(events)["ways_ms"]
    assert {"all on slow", "all on middle", "all on fast", "smallest tensor", "one cut, two devices"} == set(ways)
    told = {event.message.removeprefix("Not everything on ").partition(":")[0] for event in events
            if isinstance(event, Log) and event.message.startswith("Not everything on ")}
    assert told == {name for name in ("slow", "middle", "fast") if ways[f"all on {name}"] > summary(events)["best_ms"]} != set()


def test_no_simpler_way_beats_the_best_plan_under_the_same_rules(tmp_path: Path) -> None:
    for rules in ("", "raw input stays", "leave out middle", "use middle", "slow takes at most 30 %"):
        found = summary(run(linked(), tmp_path, rules=rules))
        kept = {name: ms for name, ms in found["ways_ms"].items() if "breaks a rule" not in name}
        assert found["best_ms"] <= min(kept.values()) + 1e-9, rules


def test_rules_that_no_plan_keeps_end_the_run_with_the_answer_that_they_conflict(tmp_path: Path) -> None:
    """A person asked whether there is a plan: that there is none, and why, is the answer, not a failure of the run."""
    events = run(linked(), tmp_path, rules="raw input stays\nleave out device\nuse cloud")
    found = summary(events)
    assert (found["plans"], found["best_ms"]) == (0, None)
    assert set(found["conflict"]) == {"raw input stays", "leave out device"}
    assert "raw input stays" in found["verdict"] and "leave out device" in found["verdict"]
    warned = [event for event in events if isinstance(event, Log) and event.level == "warning"]
    assert any(found["verdict"] == event.message for event in warned)
    assert not metrics(events, "part_ms") and metrics(events, "way_ms")


def test_the_bands_cover_the_range_and_the_winner_now_is_the_best_plan(tmp_path: Path) -> None:
    events = run(linked(), tmp_path, low=0.001, high=1000)
    bands = [(event.labels["low"], event.labels["high"], event.labels["plan"]) for event in metrics(events, "band_ms")]
    assert bands[0][0] == pytest.approx(0.001) and bands[-1][1] == pytest.approx(1000)
    assert all(one[1] == other[0] for one, other in pairwise(bands))
    assert next(who for low, high, who in bands if float(low) <= 1 <= float(high)) == summary(events)["best_plan"]
    assert not metrics(run(linked(), tmp_path, varying="nothing"), "band_ms")


def test_only_the_named_devices_are_used_and_the_first_of_the_lowest_tier_holds_the_input(tmp_path: Path) -> None:
    found = summary(run(linked(), tmp_path, devices="fast; middle"))
    assert found["devices"] == 2 and found["links"] == 1
    assert "all on slow" not in found["ways_ms"]


@pytest.mark.parametrize(("params", "said"), [
    ({"model": "two-ish"}, "No device has a profile of two-ish; there are profiles of one, three, two"),
    ({"devices": "slow, fast"}, "slow, fast is none of the devices with a profile of one: slow, middle, fast."),
    ({"devices": "slow"}, "A plan is made between two devices at least, and only slow has a profile of one"),
    ({"rules": "use moon"}, "moon is neither a tier (device, edge, cloud) nor one of the devices"),
    ({"objective": "energy"}, "energy"),
])
def test_what_cannot_be_planned_fails_with_one_sentence(tmp_path: Path, params: dict[str, Any], said: str) -> None:
    last = run(linked(), tmp_path, **params)[-1]
    assert isinstance(last, Failed)
    assert said in last.reason.replace("joules", "energy")


def test_without_a_link_from_the_input_there_is_nothing_to_plan(tmp_path: Path) -> None:
    last = run(linked().model_copy(update={"links": ()}), tmp_path)[-1]
    assert isinstance(last, Failed) and last.reason.startswith("No link leads from slow, which holds the input")


@pytest.mark.parametrize(("params", "field", "said"), [
    ({"rules": "raw input stays\nbe quick"}, "rules", "got 'be quick'; a rule is a line such as"),
    ({"rules": ";".join(["raw input stays"] * 31)}, "rules", "at most 30; got 31"),
    ({"rules": "use a\x00b"}, "rules", "cannot be shown"),
    ({"devices": "a\u200bb"}, "devices", "cannot be shown"),
    ({"low": 2.0, "high": 2.0}, "high", "must be above the low end, 2; got 2"),
])
def test_a_parameter_that_cannot_be_is_refused_at_its_field(params: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RECIPE.params.model_validate({"model": "one", **params})
    (error,) = refused.value.errors()
    assert error["loc"] == (field,) and said in error["msg"]


def test_rules_are_kept_one_way_however_they_were_typed() -> None:
    for typed in ("raw input stays\r\n\n use  edge ", "raw input stays; use edge"):
        assert json.loads(RECIPE.params.model_validate({"model": "one", "rules": typed}).model_dump_json())["rules"] == (
            "raw input stays; use edge")


@pytest.mark.parametrize("objective", ["throughput", "energy", "bytes"])
def test_where_time_is_not_what_counts_no_chart_of_times_stands_beside_the_best_plan(objective: str, tmp_path: Path) -> None:
    profiles = tuple(each.model_copy(update={"profile": each.profile.model_copy(update={"blocks": tuple(
        block.model_copy(update={"joules": block.seconds}) for block in each.profile.blocks)})}) for each in linked().profiles)
    events = run(linked().model_copy(update={"profiles": profiles}), tmp_path, objective=objective)
    told = [event.message for event in events if isinstance(event, Log)]
    assert summary(events)["plans"] and not metrics(events, "way_ms")
    assert f"The chart of simpler ways is left out: it shows times, and the best plan here is that of {objective}." in told
    assert any("not known for throughput" in line for line in told) == (not metrics(events, "band_ms"))
