"""Other people's weights of every architecture: told apart, fitted, filled in, whatever they call their tensors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from worker.dnn import architectures
from worker.dnn.ingest import fitting, weights

SHAPE = (3, 32, 32)
MOST_BYTES = 1 << 30


def tensors(name: str) -> dict[str, Tensor]:
    """As a file has them: under torchvision's names, without the counters that old versions of torch lack."""
    state = architectures.build(name, 7, SHAPE, seed=3).state_dict()
    return {elsewhere(name, key): value for key, value in state.items() if not key.endswith(fitting.COUNTER)}


def elsewhere(name: str, key: str) -> str:
    """What torchvision's published files call a tensor; for all other architectures it is the same."""
    if name == "densenet121":
        return re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key)
    return key.removesuffix(".weight") if name == "convnext_tiny" and "layer_scale" in key else key


@pytest.mark.parametrize("name", architectures.names())
def test_weights_from_a_file_make_the_network_that_they_are_of(name: str, tmp_path: Path) -> None:
    given = tensors(name)
    path = tmp_path / "weights"
    if name < "n":
        save_file({key: each.contiguous() for key, each in given.items()}, path)
    else:
        torch.save(given, path)
    read = weights.read(path, MOST_BYTES).tensors
    assert fitting.ends(name, read) == (3, 7) and fitting.differences(name, read, 7, SHAPE) == []
    expected = architectures.build(name, 7, SHAPE, seed=3).eval()
    images = torch.randn(1, *SHAPE)
    with torch.inference_mode():
        torch.testing.assert_close(fitting.filled(name, read, 7, SHAPE)(images), expected(images), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["convnext_tiny", "resnext50", "squeezenet"])
def test_they_fit_no_other_architecture(name: str) -> None:
    given = {key: each.to("meta") for key, each in tensors(name).items()}
    assert fitting.suited(given, SHAPE) == [name]


def test_what_was_renamed_is_said() -> None:
    assert architectures.translated("convnext_tiny", tensors("convnext_tiny"))[1] == [
        "18 tensors have other names here: features.1.0.layer_scale is features.1.0.layer_scale.weight."]
    own = architectures.outline("convnext_tiny").state_dict()
    assert architectures.translated("convnext_tiny", own) == (own, [])


def test_heads_that_only_training_used_are_left_out_and_that_is_said() -> None:
    given = tensors("googlenet") | {"aux1.fc2.weight": torch.ones(7, 1024), "aux2.conv.bn.bias": torch.ones(128)}
    needed, notes = architectures.translated("googlenet", given)
    assert needed.keys() == given.keys() - {"aux1.fc2.weight", "aux2.conv.bn.bias"}
    assert notes == ["2 tensors that only training used were left out (aux1.fc2.weight)."]
    assert fitting.differences("googlenet", given, 7, SHAPE) == []


def test_names_that_would_meet_are_left_as_they_are() -> None:
    one = architectures.outline("convnext_tiny").state_dict()
    both = one | {"features.1.0.layer_scale": torch.ones(96, 1, 1)}
    odd = fitting.differences("convnext_tiny", both, 10, SHAPE)
    assert odd == [("features.1.0.layer_scale", "unexpected", "", "96x1x1")]
