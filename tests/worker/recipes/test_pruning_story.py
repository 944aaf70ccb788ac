"""What a person watching a pruning run sees, in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from worker import menu
from worker.context import Context
from worker.events import Event, Failed, Finished, Log, Measured, Metric, Progress, VariantMade
from worker.executor import execute
from worker.flags import resolve


def run(name: str, folder: Path, **changes: Any) -> list[Event]:
    torch.set_num_threads(1)
    recipe = menu.get(name)
    params = recipe.params.model_validate(recipe.example | changes)
    return list(execute(recipe, params, Context(folder, inputs=resolve(params), seed=params.seed)))


def summary(events: list[Event]) -> dict[str, Any]:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].summary


def at(events: list[Event], kind: type[Event], **fields: Any) -> int:
    return next(place for place, event in enumerate(events) if isinstance(event, kind)
                and all(getattr(event, field) == value for field, value in fields.items()))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return run("pruning.reconvene", tmp_path_factory.mktemp("reconvene"))


def test_both_latencies_are_known_before_the_first_epoch(told: list[Event]) -> None:
    first_epoch = at(told, Metric, name="accuracy")
    for variant in ("dense", "reconvene 0.75"):
        assert at(told, Measured, variant=variant, metric="latency_ms_p50", engine="onnxruntime") < first_epoch


def test_the_pruned_network_is_trained_before_the_dense_one(told: list[Event]) -> None:
    trained = [event.labels["variant"] for event in told if isinstance(event, Metric) and event.name == "loss"]
    assert trained == ["reconvene 0.75"] * 2 + ["dense"] * 2


def test_progress_weighs_the_epochs_of_each_network_by_its_work(told: list[Event]) -> None:
    facts = {event.name: event.facts for event in told if isinstance(event, VariantMade)}
    small, dense = facts["reconvene 0.75"].macs, facts["dense"].macs
    parts = {event.done: event.part for event in told if isinstance(event, Progress) and event.stage == "epochs"}
    assert parts[2] == pytest.approx(small / (small + dense)) and small < dense / 2
    assert parts[3] == pytest.approx(parts[2] + dense / (small + dense) / 2)
    assert parts[4] == pytest.approx(1)


def test_each_variant_is_made_once_with_its_final_weights(told: list[Event]) -> None:
    made = [event.name for event in told if isinstance(event, VariantMade)]
    assert made == ["dense", "reconvene 0.75"]


def test_like_is_compared_with_like(told: list[Event]) -> None:
    found = summary(told)
    assert found["accuracy_before"] > 0.5 and found["accuracy_after"] > 0.3
    assert found["params_after"] < found["params_before"]
    assert found["epoch_equivalents"] == 2
    assert f"test, n = {found['test_images']})" in found["verdict"]


def test_without_epochs_nothing_is_claimed_about_accuracy(tmp_path: Path) -> None:
    events = run("pruning.reconvene", tmp_path, epochs=0)
    found = summary(events)
    assert found["accuracy_before"] is None and found["accuracy_after"] is None
    assert not any(isinstance(event, Measured) and event.metric == "accuracy" for event in events)
    assert "points" not in found["verdict"]


def test_without_a_reference_the_dense_network_is_not_trained(tmp_path: Path) -> None:
    found = summary(run("pruning.reconvene", tmp_path, reference=False, epochs=1))
    assert found["accuracy_before"] is None and found["accuracy_after"] is not None


def test_a_reconvene_that_narrows_nothing_says_so_and_why(tmp_path: Path) -> None:
    found = summary(run("pruning.reconvene", tmp_path, sparsity=0.9999, epochs=0))
    assert found["params_before"] == found["params_after"]
    assert found["verdict"].startswith("nothing was made narrower: at this sparsity no weight is left to tell the layers "
                                       "apart, and a lower one leaves some; no smaller")


def test_a_sparsity_that_leaves_no_way_through_fails_with_one_sentence_and_the_remedy(tmp_path: Path) -> None:
    last = run("pruning.magnitude", tmp_path, sparsity=0.9999)[-1]
    assert isinstance(last, Failed)
    assert last.reason.endswith("; a lower sparsity leaves a way through.") and last.reason.count(".") <= 2
    assert "LayerCollapse" not in last.reason and "Error" not in last.reason


def test_a_mask_that_empties_no_channel_brings_nothing_and_says_so(tmp_path: Path) -> None:
    found = summary(run("pruning.random", tmp_path, sparsity=0.5, epochs=0))
    assert found["params_before"] == found["params_after"]
    assert found["verdict"].startswith("50.0 % of the weights are zero, but the network is no smaller")


def test_a_mask_that_empties_channels_makes_it_smaller(tmp_path: Path) -> None:
    found = summary(run("pruning.magnitude", tmp_path, sparsity=0.97, epochs=1))
    assert found["params_after"] < found["params_before"]
    assert "without the channels they left empty" in found["verdict"]


def test_given_trained_weights_are_compared_as_they_are(tmp_path: Path) -> None:
    trained = run("training.backprop", tmp_path / "first", epochs=3)
    file = tmp_path / "first" / summary(trained)["variants"][0]["file"]
    events = run("pruning.magnitude", tmp_path / "second", model=str(file), epochs=1)
    found = summary(events)
    assert found["accuracy_before"] == summary(trained)["accuracy_after"]
    assert not any(isinstance(event, Metric) and event.labels.get("variant") == "dense" for event in events)
    assert any(isinstance(event, Log) and "starts from the weights it came with" in event.message for event in events)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from worker.sample import make

    make(folder := tmp_path_factory.mktemp("sample"))
    return folder / "lenet5.safetensors"


def test_a_file_of_freshly_drawn_weights_is_compared_with_a_dense_network_that_is_trained_as_long(
    sample: Path, tmp_path: Path,
) -> None:
    events = run("pruning.magnitude", tmp_path, model=str(sample), sparsity=0.5)
    trained = [event.labels["variant"] for event in events if isinstance(event, Metric) and event.name == "loss"]
    assert trained == ["magnitude 0.5"] * 2 + ["dense"] * 2
    assert summary(events)["accuracy_before"] > 0.5


def test_zero_epochs_of_training_test_what_was_given_and_what_came_out_on_the_same_images(tmp_path: Path) -> None:
    trained = run("training.backprop", tmp_path / "first", epochs=1)
    file = tmp_path / "first" / summary(trained)["variants"][0]["file"]
    events = run("training.backprop", tmp_path / "second", model=str(file), epochs=0)
    judged = {event.variant: (event.split, event.value) for event in events
              if isinstance(event, Measured) and event.metric == "accuracy"}
    assert judged["given"] == judged["trained"] == ("test", summary(trained)["accuracy_after"])
    assert summary(events)["verdict"].startswith("not trained: 0 epochs were asked for; as given it is ")
    assert summary(events)["verdict"].endswith(" % accurate (test, n = 360)")


@pytest.mark.parametrize(("changes", "told"), [
    ({"epochs": 1}, "% accurate after 1 epoch (test, n = 360)"), ({"epochs": 2}, "% accurate after 2 epochs (test"),
    ({"epochs": 1, "learning_rate": 1e-9}, "after 1 epoch, no better than guessing among 10 classes (test"),
])
def test_a_training_is_judged_in_plain_words(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    assert told in summary(run("training.backprop", tmp_path, **changes))["verdict"]


def test_training_on_is_compared_with_what_was_given_by_the_same_images(tmp_path: Path) -> None:
    first = run("training.backprop", tmp_path / "first", epochs=1)
    file = tmp_path / "first" / summary(first)["variants"][0]["file"]
    told = summary(run("training.backprop", tmp_path / "second", model=str(file), epochs=2))["verdict"]
    assert " % accurate after 2 epochs; " in told and "the given network" in told and "test, n = 360)" in told


def test_a_training_of_freshly_drawn_weights_claims_no_rise(sample: Path, tmp_path: Path) -> None:
    found = summary(run("training.backprop", tmp_path, model=str(sample), epochs=1))
    assert found["accuracy_before"] is None and "points" not in found["verdict"]


@pytest.mark.parametrize(("recipe", "epochs", "model", "trained"), [
    ("training.backprop", 1, "fresh", True), ("training.backprop", 0, "fresh", False),
    ("pruning.magnitude", 0, "fresh", False), ("pruning.magnitude", 1, "fresh", True),
    ("pruning.magnitude", 0, "trained", True), ("benchmarking.latency", None, "trained", True),
    ("pruning.reconvene", 0, "trained", False), ("pruning.reconvene", 1, "trained", True),
])
def test_a_variant_says_whether_training_made_it(
    recipe: str, epochs: int | None, model: str, trained: bool, sample: Path, tmp_path: Path,
) -> None:
    from worker.dnn import files

    given = files.load(sample)
    files.save(given.network, tmp_path / "given", in_shape=given.in_shape, classes=given.classes, name="given",
               trained=model == "trained")
    length = {} if epochs is None else {"epochs": epochs}
    made = summary(run(recipe, tmp_path / "run", model=str(tmp_path / "given"), **length))["variants"][-1]
    assert files.load(tmp_path / "run" / made["file"]).trained is trained


def test_training_does_not_change_the_size_of_a_file(tmp_path: Path) -> None:
    events = run("pruning.reconvene", tmp_path, epochs=1)
    said = {event.variant: event.value for event in events if isinstance(event, Measured) and event.metric == "size_bytes"}
    assert said == {event.name: event.facts.size_bytes for event in events if isinstance(event, VariantMade)}
