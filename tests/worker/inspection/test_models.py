"""Networks from outside: which weights become a model, what is asked for, and what is told when they do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.worker.inspection.desk import Desk
from worker.dnn import architectures, files
from worker.firstlook import Unfit
from worker.inspection.order import ModelFound, Unclear

SHAPE = (3, 32, 32)


def weights(name: str = "resnet20", classes: int = 7, in_shape: tuple[int, ...] = SHAPE) -> dict[str, torch.Tensor]:
    network = architectures.build(name, classes, in_shape, seed=3)
    return {key: tensor.detach().contiguous() for key, tensor in network.state_dict().items()}


def saved(desk: Desk, tensors: Any, name: str = "net.pt") -> Path:
    path = desk.folder / name
    if name.endswith(".safetensors"):
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


def found(desk: Desk, path: Path, **more: Any) -> ModelFound:
    answer = desk.model(path, **more)
    assert isinstance(answer, ModelFound)
    return answer


@pytest.mark.parametrize("name", ["net.pt", "net.safetensors"])
def test_weights_of_a_named_architecture_become_a_file_that_describes_itself(desk: Desk, name: str) -> None:
    tensors = weights()
    answer = found(desk, saved(desk, tensors, name), architecture="resnet20", in_shape=SHAPE)
    assert (answer.classes, answer.in_shape, answer.notes) == (7, SHAPE, [])
    assert desk.steps == ["reading", "fitting", "weights", "writing", "parity"]
    loaded = files.load(desk.folder / "out" / answer.file)
    assert loaded.trained and all(torch.equal(tensor, tensors[key]) for key, tensor in loaded.network.state_dict().items())
    counted = [each.numel() for key, each in tensors.items() if "running" not in key and "num_batches" not in key]
    assert answer.facts.params == sum(counted)
    assert answer.onnx and (desk.folder / "out" / answer.onnx).stat().st_size > 1_000_000


def test_a_file_that_edgeportal_wrote_needs_no_word_about_it(desk: Desk) -> None:
    path = desk.folder / "ours.safetensors"
    files.save(architectures.build("lenet5", 10, (1, 8, 8), seed=1), path, in_shape=(1, 8, 8), classes=10, name="n", trained=True)
    answer = found(desk, path)
    assert (answer.classes, answer.in_shape) == (10, (1, 8, 8)) and answer.facts.params > 0


def test_a_state_dict_under_a_usual_name_and_with_a_prefix_is_found(desk: Desk) -> None:
    wrapped = {"epoch": 3, "state_dict": {f"module.{key}": tensor for key, tensor in weights().items()}}
    answer = found(desk, saved(desk, wrapped), architecture="resnet20", in_shape=SHAPE)
    assert answer.classes == 7 and any("module." in note for note in answer.notes)


def test_half_and_double_numbers_become_float32_and_that_is_said(desk: Desk) -> None:
    tensors = {key: each.half() if each.is_floating_point() else each for key, each in weights().items()}
    answer = found(desk, saved(desk, tensors), architecture="resnet20", in_shape=SHAPE)
    assert any("float16" in note for note in answer.notes)


def test_counters_that_older_versions_lack_are_not_missed(desk: Desk) -> None:
    tensors = {key: each for key, each in weights().items() if "num_batches" not in key}
    assert found(desk, saved(desk, tensors), architecture="resnet20", in_shape=SHAPE).classes == 7


def test_weights_without_an_architecture_are_asked_for_one_and_those_that_fit_are_named(desk: Desk) -> None:
    with pytest.raises(Unclear, match="choose its architecture") as told:
        desk.model(saved(desk, weights()))
    assert told.value.mend == "architecture" and told.value.findings == {"suited": ["resnet20"], "closest": ""}


@pytest.mark.parametrize("said", [{}, {"architecture": "vgg16", "in_shape": SHAPE}])
def test_weights_that_fit_nothing_name_the_architecture_they_are_most_like(desk: Desk, said: dict[str, Any]) -> None:
    tensors = weights() | {"bn1.weight": torch.ones(5), "extra.weight": torch.ones(2)}
    with pytest.raises(Unclear) as told:
        desk.model(saved(desk, tensors), **said)
    assert told.value.findings["suited"] == [] and told.value.findings["closest"] == "resnet20"
    assert ("how large its images are" in str(told.value)) == (not said)


def test_weights_of_nothing_known_are_like_nothing(desk: Desk) -> None:
    with pytest.raises(Unclear) as told:
        desk.model(saved(desk, {"a.weight": torch.ones(3, 3), "fc.weight": torch.ones(2, 2)}))
    assert told.value.findings["closest"] == ""


def test_another_architecture_is_refused_with_the_first_200_differences_and_all_are_counted(desk: Desk) -> None:
    with pytest.raises(Unclear, match="not those of vgg16") as told:
        desk.model(saved(desk, weights()), architecture="vgg16", in_shape=SHAPE)
    rows = told.value.findings["differences"]
    assert len(rows) == 200 < told.value.findings["count"] == sum(told.value.findings["counts"].values())
    assert told.value.findings["suited"] == ["resnet20"]
    assert {row["problem"] for row in rows} <= {"missing", "unexpected", "shape"}


def test_one_tensor_of_another_shape_is_named_with_both_shapes(desk: Desk) -> None:
    tensors = weights() | {"bn1.weight": torch.ones(5)}
    with pytest.raises(Unclear, match="1 tensor differs") as told:
        desk.model(saved(desk, tensors), architecture="resnet20", in_shape=SHAPE)
    assert told.value.findings["differences"] == [{"tensor": "bn1.weight", "problem": "shape", "expected": "16", "got": "5"}]


@pytest.mark.parametrize(("more", "mend", "words"), [
    ({}, "in_shape", "how large"), ({"in_shape": (1, 32, 32)}, "in_shape", "takes 3 channels; 1"),
    ({"in_shape": SHAPE, "classes": 10}, "classes", "7 classes apart; 10"), ({"in_shape": (3, 2, 2)}, "in_shape", "too small")])
def test_what_the_weights_do_not_tell_is_asked_and_what_contradicts_them_is_told(
    desk: Desk, more: dict[str, Any], mend: str, words: str,
) -> None:
    with pytest.raises(Unclear, match=words) as told:
        desk.model(saved(desk, weights()), architecture="resnet20", **more)
    assert told.value.mend == mend


def test_weights_that_are_no_numbers_are_taken_with_a_warning(desk: Desk) -> None:
    tensors = weights()
    tensors["fc.weight"][0, 0] = float("nan")
    answer = found(desk, saved(desk, tensors), architecture="resnet20", in_shape=SHAPE)
    assert answer.onnx is None and "no finite numbers" in answer.notes[0] and "fc.weight" in answer.notes[0]


def test_a_file_for_other_classes_than_asked_is_refused_with_both_numbers(desk: Desk) -> None:
    path = desk.folder / "ours.safetensors"
    files.save(architectures.build("lenet5", 10, (1, 8, 8), seed=1), path, in_shape=(1, 8, 8), classes=10, name="n")
    with pytest.raises(Unclear, match="10; 12 was asked"):
        desk.model(path, classes=12)


def test_a_network_that_would_take_endless_memory_is_refused_with_the_number(desk: Desk) -> None:
    with pytest.raises(Unfit, match=r"more than 268435456|at most 1,000,000,000"):
        desk.model(saved(desk, weights()), architecture="resnet20", in_shape=(3, 4096, 4096))
