"""The recipe with transfer layers: what is accepted, what is refused and why, the planner's cut, offers, and honest rivals."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from worker import menu
from worker.context import Context, DatasetInput, Inputs, ModelInput, ProfilesInput
from worker.dnn import architectures, files, slices
from worker.dnn.describe import describe
from worker.events import Event, Failed, FileMade, Finished, Log, Measured, Metric, VariantMade
from worker.evidence import DeviceFacts, Evidence, LinkFacts, Seen
from worker.executor import execute
from worker.flags import Refused, given_profiles, refuse_lacking
from worker.partitioning.transfer.exporting import run as run_file
from worker.planning.offers import MEDIA_TYPE, Offer, read
from worker.profile import Block, NetworkProfile
from worker.profiling.blocks import borders, parts
from worker.profiling.chain import images as random_images

RECIPE = menu.get("partitioning.scissionlite")
BRIEF = {"epochs": 1, "epochs_before": 1, "max_drop": 100.0, "tries": 1, "layers": "max-pool, int8"}


TWO: dict[str, Any] = {"after": "relu1", "layers": "max-pool, int8; identity, int8", "wanted": 2, "tries": 2}


def run(folder: Path, **params: Any) -> list[Event]:
    return list(started(folder, **params))


def started(folder: Path, *, evidence: Evidence | None = None, model: Path | None = None, **params: Any) -> Iterator[Event]:
    asked = RECIPE.params.model_validate({"model": "lenet5", "dataset": "digits", **BRIEF, **params})
    given: Inputs = {"model": ModelInput("lenet5", file=model) if model else ModelInput("lenet5", architecture="lenet5"),
                     "dataset": DatasetInput("digits")}
    if evidence:
        given["profiles"] = ProfilesInput("profiles", evidence)
    return execute(RECIPE, asked, Context(folder, inputs=given, seed=asked.seed))


def summary(events: Sequence[Event]) -> dict[str, Any]:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].summary


def offers(folder: Path) -> tuple[Offer, ...]:
    return read((folder / "offers.json").read_bytes())


@cache
def known() -> NetworkProfile:
    """The blocks of LeNet-5 on digits; its times are made up below."""
    described = describe(architectures.outline("lenet5", 10, (1, 8, 8)), (1, 8, 8))
    return NetworkProfile(network="LeNet", input_bytes=256, engine="onnxruntime", threads=1, blocks=tuple(
        Block(first=each.first, last=each.last, seconds=1e-4, output_bytes=each.output_bytes, output_tensors=1)
        for each in parts(described, borders(described))))


def evidence(*, mbps: float = 1.0, far_s: float = 1e-5) -> Evidence:
    """A slow device and a fast edge behind a link."""
    there = known().model_copy(update={"blocks": tuple(
        block.model_copy(update={"seconds": far_s}) for block in known().blocks)})
    return Evidence(
        devices=(DeviceFacts(id="a", name="pi", tier="device"), DeviceFacts(id="b", name="rack", tier="edge")),
        profiles=(Seen(device="a", profile=known()), Seen(device="b", profile=there)),
        links=(LinkFacts(sender="a", receiver="b", latency_ms=1.0, bandwidth_mbps=mbps),))


@cache
def held() -> tempfile.TemporaryDirectory[str]:
    """Goes when the tests end."""
    return tempfile.TemporaryDirectory(prefix="scissionlite-")


@cache
def trained() -> tuple[list[Event], Path]:
    """One run behind a named layer, with two transfer layers accepted."""
    folder = Path(held().name)
    return run(folder, **TWO), folder


def test_what_is_accepted_becomes_variants_two_files_each_and_offers() -> None:
    events, folder = trained()
    found = summary(events)
    assert found["accepted"] == ["max-pool, int8 behind relu1", "identity, int8 behind relu1"]
    made = {event.name: event for event in events if isinstance(event, VariantMade)}
    assert set(made) == {"uncut", *found["accepted"]}
    assert [each.variant_sha256 for each in offers(folder)] == [made[name].sha256 for name in found["accepted"]]
    for each, name in zip(offers(folder), found["accepted"], strict=True):
        inside = slices.split(files.load(folder / made[name].file).network, (1, 8, 8), each.inner_after)
        assert prod(inside.tail.in_shape) == each.bytes, "int8, cut where whoever runs the offer is told to"
    shown = {event.path for event in events if isinstance(event, FileMade)}
    for each in found["variants"]:
        assert {each["head"], each["tail"]} <= shown
        assert set(each["over"]) == {"sender", "receiver", "latency_ms", "bandwidth_mbps"}
        sent = run_file(folder / each["head"], random_images((1, 8, 8), 2))
        assert sent.dtype == np.int8 and sent.nbytes == 2 * each["payload_bytes"]
        assert run_file(folder / each["tail"], sent).shape == (2, 10)
    told = [event for event in events if isinstance(event, FileMade) and event.media_type == MEDIA_TYPE]
    assert [event.path for event in told] == ["offers.json"]


def test_an_offer_says_what_was_measured() -> None:
    events, folder = trained()
    found, (first, second) = summary(events), offers(folder)
    assert (first.network, first.after, first.layer) == ("lenet5", "relu1", "max-pool, int8")
    assert (first.raw_bytes, first.bytes) == (found["raw_bytes"], found["payload_bytes"])
    assert first.raw_bytes == 16 * first.bytes == 4 * second.bytes
    assert (first.accuracy, first.accuracy_whole, first.n) == (found["accuracy_after"], found["accuracy_before"], 360)
    assert first.down_s * 1e3 == found["down_latency_ms"] > 0 < first.up_s
    assert first.network_sha256 == next(e.sha256 for e in events if isinstance(e, VariantMade) and e.name == "uncut")


def test_accuracies_are_of_the_test_part_with_n_and_interval() -> None:
    events, _ = trained()
    told = {event.variant: event for event in events if isinstance(event, Measured) and event.metric == "accuracy"}
    assert set(told) == {"uncut", *summary(events)["accepted"]}
    for event in told.values():
        assert (event.split, event.n) == ("test", 360)
        assert event.low is not None and event.high is not None and event.value is not None
        assert event.low <= event.value <= event.high


def test_the_break_even_and_the_fastest_way_follow_from_the_measured_times() -> None:
    events, folder = trained()
    found, first = summary(events), offers(folder)[0]
    # Both halves, were the receiver ten times as fast; packing as if the slower side did it all.
    overhead = first.down_s + first.convert_s + first.up_s / 10
    edge = (first.raw_bytes - first.bytes) / overhead / 125_000
    assert found["latency_break_even_mbps"] == pytest.approx(edge)
    ways = found["latency_ways_ms"]
    assert found["latency_best_way"] == min(ways, key=ways.__getitem__)
    layer, raw = ways["max-pool, int8"], ways["as it is"]
    assert layer - raw == pytest.approx(1e3 * (overhead - (first.raw_bytes - first.bytes) / (20 * 125_000)))
    assert "running everything on this computer would be faster" in found["verdict"]
    assert "is the fastest way at no bandwidth" in found["verdict"]


def test_pictures_are_measured_on_the_data_sets_own_images() -> None:
    found = summary(trained()[0])
    names = [each["name"] for each in found["pictures"]]
    assert names == ["JPEG 50", "JPEG 75", "JPEG 90", "JPEG 95", "PNG"]
    sizes = [each["bytes"] for each in found["pictures"]]
    assert sizes[0] < sizes[3] and all(size > 0 for size in sizes)
    exact = found["pictures"][-1]
    assert exact["n"] == 360 and exact["accuracy"] == found["accuracy_before"]


def test_what_costs_too_much_is_refused_with_its_drop_and_the_next_is_taken(tmp_path: Path) -> None:
    """One channel of six is not enough without training; the feature map itself in int8 is."""
    events = run(tmp_path, after="relu1", layers="bottleneck 6, int8; identity, int8", tries=2, max_drop=2.0, epochs=0,
                 epochs_before=3)
    found = summary(events)
    assert [each["name"] for each in found["refused"]] == ["bottleneck 6, int8 behind relu1"]
    assert "points of validation accuracy, and at most 2 are allowed" in found["refused"][0]["why"]
    assert found["accepted"] == ["identity, int8 behind relu1"]
    drops = {event.labels["option"]: event.value or 0.0 for event in events
             if isinstance(event, Metric) and event.name == "option_drop"}
    assert drops["bottleneck 6, int8"] > 2.0 >= drops["identity, int8"]


def test_where_nothing_is_accepted_the_run_says_so_and_offers_nothing(tmp_path: Path) -> None:
    found = summary(run(tmp_path, after="relu1", layers="bottleneck 6", max_drop=0.0, epochs=0, epochs_before=3))
    assert found["accepted"] == [] == found["variants"] and offers(tmp_path) == ()
    assert found["verdict"].startswith("no transfer layer of 1 tried was accepted; bottleneck 6 behind relu1 was not, as its ")


def test_what_cannot_stand_at_the_cut_is_not_tried_and_said(tmp_path: Path) -> None:
    events = run(tmp_path, after="flatten", layers="max-pool; identity, int8")
    assert summary(events)["accepted"] == ["identity, int8 behind flatten"]
    assert [each["name"] for each in summary(events)["not_tried"]] == ["max-pool behind flatten"]
    assert any(isinstance(event, Log) and "needs a feature map larger than 1x1" in event.message for event in events)


def test_the_planners_cut_is_the_one_that_takes_least(tmp_path: Path) -> None:
    """Over a slow link and before a fast edge the bytes decide; of equals the earlier cut leaves more to the edge."""
    events = run(tmp_path, evidence=evidence(mbps=0.01), network="LeNet", layers="max-pool; max-pool, int8; identity, int8")
    found = summary(events)
    sent = {each.last: each.output_bytes for each in known().blocks[:-1]}
    assert found["after"] in sent and found["payload_bytes"] <= min(sent.values()) / 4
    first = next(event.message for event in events if isinstance(event, Log) and event.message.startswith("1. "))
    assert f"{found['accepted'][0]}, pi to rack: " in first and "predicted" in first
    assert offers(tmp_path)[0].network == "LeNet"
    assert {"all on pi", f"as it is behind {found['after']}"} <= set(found["latency_ways_ms"])


def test_as_many_blocks_as_asked_for_stay_before_the_cut(tmp_path: Path) -> None:
    ends = [block.last for block in known().blocks]
    found = summary(run(tmp_path, evidence=evidence(), network="LeNet", least_blocks=3, layers="identity, int8"))
    assert ends.index(found["after"]) >= 2


def test_with_profiles_the_ways_are_sums_of_the_blocks_and_the_link(tmp_path: Path) -> None:
    after = known().blocks[1].last
    found = summary(run(tmp_path, evidence=evidence(mbps=8.0, far_s=2e-5), network="LeNet", after=after, layers="identity, int8"))
    ways, blocks = found["latency_ways_ms"], known().blocks
    rest = len(blocks) - 2
    assert ways["all on pi"] == pytest.approx(0.1 * len(blocks))
    assert ways["pixels"] == pytest.approx(1 + 64 / 1e6 * 1e3 + 0.02 * len(blocks))
    assert ways["as it is"] == pytest.approx(0.2 + 1 + blocks[1].output_bytes / 1e6 * 1e3 + 0.02 * rest)


@pytest.mark.parametrize("share", [0.35, 0.6, 0.85])
def test_stopped_anywhere_and_run_again_it_ends_with_the_same_files_and_numbers(share: float, tmp_path: Path) -> None:
    events, folder = trained()
    running, left = started(tmp_path, **TWO), int(share * len(events))
    for _ in range(left):
        next(running)
    running.close()  # type: ignore[attr-defined]
    again = summary(list(started(tmp_path, **TWO)))
    told = ("accepted", "refused", "accuracy_before", "accuracy_after", "validation_after", "payload_bytes", "variants",
            "pictures")
    assert {name: again[name] for name in told} == {name: summary(events)[name] for name in told}
    assert [each.variant_sha256 for each in offers(tmp_path)] == [each.variant_sha256 for each in offers(folder)]


@pytest.mark.parametrize(("params", "said"), [
    ({}, "Say behind which layer it is cut, or name a network with profiles"),
    ({"after": "nowhere"}, "The network has no layer 'nowhere' to be cut behind"),
    ({"after": "relu1", "epochs_before": 0}, "The network came untrained: say for how many epochs"),
    ({"network": "AlexNet"}, "No device has a profile of AlexNet"),
    ({"network": "LeNet", "devices": "pi"}, "A plan is made between two devices at least"),
    ({"network": "LeNet", "least_blocks": 99}, "the sender cannot run 99 of them and leave some"),
])
def test_what_cannot_be_done_fails_with_one_sentence(params: dict[str, Any], said: str, tmp_path: Path) -> None:
    last = run(tmp_path, evidence=evidence(), **params)[-1]
    assert isinstance(last, Failed) and said in last.reason, last


def test_profiles_of_another_network_are_told_from_these(tmp_path: Path) -> None:
    strange = known().model_copy(update={"blocks": tuple(
        block.model_copy(update={"first": f"x{block.first}", "last": f"x{block.last}"}) for block in known().blocks)})
    found = evidence().model_copy(update={"profiles": tuple(Seen(device=name, profile=strange) for name in "ab")})
    last = run(tmp_path, evidence=found, network="LeNet")[-1]
    assert isinstance(last, Failed) and "they are of another network" in last.reason


def test_a_trained_network_is_cut_as_it_is_and_known_by_its_file(tmp_path: Path) -> None:
    events, folder = trained()
    file = folder / "uncut.safetensors"
    again = run(tmp_path, model=file, after="relu1", layers="identity", epochs=0)
    found = summary(again)
    assert found["accuracy_after"] == found["accuracy_before"] == summary(events)["accuracy_before"]
    assert next(event for event in again if isinstance(event, VariantMade)).given
    assert files.load(file).trained
    assert offers(tmp_path)[0].network_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert found["epoch_equivalents"] == 0 and found["times_less"] == 1


@pytest.mark.parametrize(("params", "field", "said"), [
    ({"layers": "mean"}, "layers", "got 'mean'; a transfer layer is one of identity, max-pool"),
    ({"layers": " ; "}, "layers", "name at least one transfer layer"),
    ({"after": "a\x00b"}, "after", "cannot be shown"),
    ({"devices": "a\u200bb"}, "devices", "cannot be shown"),
])
def test_a_parameter_that_cannot_be_is_refused_at_its_field(params: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RECIPE.params.model_validate({"model": "lenet5", "dataset": "digits", **params})
    (error,) = refused.value.errors()
    assert error["loc"] == (field,) and said in error["msg"]


def test_in_a_terminal_it_needs_no_profiles_where_the_cut_is_named() -> None:
    asked = {"model": "lenet5", "dataset": "digits"}
    named, open_ = (RECIPE.params.model_validate(asked | {"after": after}) for after in ("relu1", ""))
    inputs = given_profiles(RECIPE, None)
    refuse_lacking(RECIPE, named, inputs)
    with pytest.raises(Refused, match="Say behind which layer it is cut"):
        refuse_lacking(RECIPE, open_, inputs)
    with pytest.raises(Refused, match="needs --profiles"):
        given_profiles(menu.get("partitioning.scission"), None)


def test_offers_are_json_that_a_planner_reads() -> None:
    told = json.loads((trained()[1] / "offers.json").read_text())
    assert {"network", "after", "layer", "bytes", "down_s", "accuracy"} <= set(told["offers"][0])


def test_a_cut_that_is_none_fails_before_anything_is_trained(tmp_path: Path) -> None:
    events = run(tmp_path, after="nosuch", epochs_before=5)
    assert isinstance(events[-1], Failed) and "nosuch" in events[-1].reason
    assert not [event for event in events if isinstance(event, Metric)]
