"""The portfolio of one search: exact copies, ever smaller, each said as its level ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from safetensors.torch import load

from tests.worker.portfolio.conftest import ASKED, run
from worker import datasets
from worker.context import Checkpoints, DatasetInput
from worker.datasets import Data, normalise
from worker.dnn import architectures, files
from worker.events import Event, Finished, Log, Measured, Metric, Progress, VariantMade
from worker.sparsity.packing import unpack

LEVELS = int(ASKED["levels"])  # type: ignore[call-overload]


def summary(events: list[Event]) -> dict[str, Any]:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].summary


def rows(events: list[Event]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = summary(events)["levels"]
    return found


def by_level(events: list[Event], name: str) -> dict[int | None, float | None]:
    return {event.step: event.value for event in events if isinstance(event, Metric) and event.name == name}


def digits() -> Data:
    return datasets.load(DatasetInput("digits"))


def sparse(folder: Path, level: int) -> torch.fx.GraphModule:
    """The masked network that a level ended with, from its checkpoint."""
    network = architectures.build("lenet5", 10, digits().in_shape, seed=7)
    known = Checkpoints(folder / "checkpoints").last(f"level-{level:03}")
    assert known is not None
    network.load_state_dict(unpack(known[1], network.state_dict())[0])
    return network.eval()


def test_there_is_a_row_for_every_level(told: list[Event]) -> None:
    assert [row["level"] for row in rows(told)] == list(range(LEVELS + 1))
    total = rows(told)[0]["survivors"]
    assert all(abs(row["survivors"] - total * 0.5 ** row["level"]) <= 1 for row in rows(told))


def test_nothing_is_saved_at_level_zero_and_never_less_than_the_level_before(told: list[Event]) -> None:
    found = rows(told)
    assert found[0]["spatial_compression"] == 1 and found[0]["params"] == found[0]["params_sparse"]
    params = [row["params"] for row in found]
    assert params == sorted(params, reverse=True) and params[-1] < params[0]
    assert all(row["params_sparse"] == params[0] for row in found)


def test_a_compact_variant_names_the_class_of_its_sparse_checkpoint_for_every_test_image(told: list[Event], folder: Path) -> None:
    part = digits().parts["test"]
    images = normalise(part.images, digits())
    for row in rows(told):
        small = files.load(folder / f"{row['variant'].replace(' ', '-')}.safetensors").network
        with torch.inference_mode():
            answers, compact = sparse(folder, row["level"])(images), small(images)
        assert torch.equal(answers.argmax(1), compact.argmax(1)) and row["different"] == 0
        assert float((answers - compact).abs().max()) <= 1e-5
        assert row["accuracy"] == row["accuracy_sparse"] == float((answers.argmax(1) == part.labels).double().mean())


def test_the_onnx_file_that_ships_is_fused_and_right(told: list[Event], folder: Path) -> None:
    images = normalise(digits().parts["test"].images, digits()).numpy()
    for row in rows(told):
        session = onnxruntime.InferenceSession(folder / f"{row['variant'].replace(' ', '-')}.onnx")
        classes = session.run(None, {session.get_inputs()[0].name: images})[0].argmax(1)
        right = float((classes == digits().parts["test"].labels.numpy()).mean())
        assert right == pytest.approx(row["accuracy"], abs=1.5 / len(images))


def test_a_variant_is_offered_before_the_next_level_begins(told: list[Event]) -> None:
    made = {event.name: place for place, event in enumerate(told) if isinstance(event, VariantMade)}
    begun = {round(event.done, 6): place for place, event in reversed(list(enumerate(told)))
             if isinstance(event, Progress) and event.stage == "epochs"}
    assert list(made) == [row["variant"] for row in rows(told)]
    for level, name in enumerate(list(made)[:-1]):
        first_later = min(place for done, place in begun.items() if done > 5 + 4 * level)
        assert made[name] < first_later


def test_what_the_trade_off_needs_is_said_before_the_variant(told: list[Event]) -> None:
    for row in rows(told):
        place = next(at for at, event in enumerate(told) if isinstance(event, VariantMade) and event.name == row["variant"])
        said = {event.metric for event in told[:place] if isinstance(event, Measured) and event.variant == row["variant"]}
        assert {"accuracy", "latency_ms_p50", "params", "macs", "size_bytes"} <= said


def test_the_sparse_networks_stand_on_no_trade_off(told: list[Event]) -> None:
    assert {event.variant for event in told if isinstance(event, Measured)} == {row["variant"] for row in rows(told)}


def test_charts_by_level_say_what_the_rows_say(told: list[Event]) -> None:
    for name, word in (("spatial_compression",) * 2, ("memory_saving",) * 2, ("latency_speed_up",) * 2,
                       ("level_accuracy", "accuracy"), ("level_density", "density")):
        assert by_level(told, name) == {row["level"]: row[word] for row in rows(told)}


def test_a_speed_up_is_drawn_with_how_its_timing_went(told: list[Event]) -> None:
    drawn = {event.step: event.labels for event in told if isinstance(event, Metric) and event.name == "latency_speed_up"}
    assert drawn == {row["level"]: {"timing": "noisy timing" if row["latency_noisy"] else "stable timing"} for row in rows(told)}


def test_the_step_that_is_gone_back_to_is_said_once(told: list[Event]) -> None:
    said = [event.message for event in told if isinstance(event, Log) and "go back to step" in event.message]
    assert said == ["After each pruning weights and learning rate go back to step 25 of the 100 steps of a training."]


def test_ratios_are_against_the_sparse_network_of_the_same_level(told: list[Event]) -> None:
    for row in rows(told):
        assert row["latency_speed_up"] == row["latency_ms_sparse"] / row["latency_ms"]
        assert row["memory_saving"] == row["memory_bytes_sparse"] / row["memory_bytes"]
        assert row["memory_bytes"] == 4 * row["params"] + facts(told, row["variant"]).activation_bytes


def facts(events: list[Event], name: str) -> Any:
    return next(event.facts for event in events if isinstance(event, VariantMade) and event.name == name)


def test_the_summary_counts_every_training(told: list[Event]) -> None:
    assert summary(told)["epoch_equivalents"] == pytest.approx(5 + LEVELS * (5 - 25 / 20))
    assert len(summary(told)["variants"]) == LEVELS + 1
    assert f"{LEVELS + 1} variants of one search over the dense network and {LEVELS} levels" in summary(told)["verdict"]


def test_only_levels_of_the_grid_are_offered_unless_all_are_asked_for(tmp_path: Path) -> None:
    short = {"epochs": 1, "levels": 4, "fraction": 0.2, "rewind": 0.0}
    grid, everything = run(tmp_path / "grid", **short), run(tmp_path / "all", **short, portfolio="all")
    assert [row["variant"] for row in rows(grid) if row["offered"]] == ["dense", "level 3", "level 4"]
    assert [event.name for event in grid if isinstance(event, VariantMade)] == ["dense", "level 3", "level 4"]
    assert len([event for event in everything if isinstance(event, VariantMade)]) == 5
    assert [row["params"] for row in rows(grid)] == [row["params"] for row in rows(everything)]


def test_a_search_that_leaves_no_way_through_ends_there_and_keeps_what_it_has(tmp_path: Path) -> None:
    events = run(tmp_path, epochs=1, levels=3, fraction=0.98, rewind=0.0)
    reached = [row["level"] for row in rows(events)]
    assert reached == list(range(len(reached))) and len(reached) < 4
    assert any(isinstance(event, Log) and event.level == "warning" and "The search ends before level" in event.message
               for event in events)


def test_a_level_that_answers_otherwise_is_not_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from worker.portfolio import dnnshifter

    exact = dnnshifter.compact

    def broken(level: Any, round_to: int = 1) -> torch.fx.GraphModule:
        network = exact(level, round_to)
        if level.number == 1:
            with torch.no_grad():
                list(network.parameters())[-1].add_(torch.linspace(-30, 30, 10))
        return network

    monkeypatch.setattr(dnnshifter, "compact", broken)
    events = run(tmp_path, epochs=1, levels=2, rewind=0.0)
    assert [row["offered"] for row in rows(events)] == [True, False, True]
    assert [event.name for event in events if isinstance(event, VariantMade)] == ["dense", "level 2"]
    warned = [event.message for event in events if isinstance(event, Log) and event.level == "warning"]
    assert any("so it is not offered" in message for message in warned)


def test_the_folder_keeps_no_sparse_files_and_the_checkpoints_are_small(told: list[Event], folder: Path) -> None:
    assert not list(folder.glob("sparse-*"))
    sizes = [path.stat().st_size for path in sorted((folder / "checkpoints").glob("level-*.ckpt"))]
    assert len(sizes) == LEVELS + 1 and sizes[-1] < sizes[0] / 3
    body = load((folder / "level-6.safetensors").read_bytes())
    assert sum(tensor.numel() for tensor in body.values()) == rows(told)[-1]["params"]
