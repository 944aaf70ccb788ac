"""Each architecture, for small and for large images, through everything the house does with a network."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import fx, nn

from tests.worker.dnn import zoo
from worker.dnn import architectures, files
from worker.dnn.export import to_onnx
from worker.dnn.fold import fold_batchnorm
from worker.dnn.spec import layer_of, name_of
from worker.dnn.surgery import apply_masks, shrink

SHAPES = {"small": (3, 32, 32), "large": (3, 224, 224)}
each = pytest.mark.parametrize(("name", "size"), [(name, size) for name in architectures.names() for size in SHAPES])


@cache
def network(name: str, size: str) -> fx.GraphModule:
    """A sixth as wide, no bias zero, with statistics of batch-norm that are its own: two images have been seen."""
    torch.manual_seed(0)
    made = architectures.build(name, 5, SHAPES[size], width=0.16, seed=3).train()
    with torch.no_grad():
        for tensor in made.parameters():
            tensor.add_(0.2 * torch.rand_like(tensor) if tensor.ndim == 1 else 0)
        made(zoo.images(2, torch.float32, SHAPES[size]))
    return made.eval()


def differ(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max() / one.abs().max())


def stands_alone(made: fx.GraphModule, node: fx.Node) -> bool:
    """A batch-norm behind something else than a convolution that nothing else reads, as in DenseNet's layers."""
    if not isinstance(layer_of(made, node), nn.BatchNorm2d):
        return False
    before = node.all_input_nodes[0]
    return not isinstance(layer_of(made, before), nn.Conv2d) or len(before.users) > 1


@each
def test_onnx_runtime_answers_like_torch(name: str, size: str, tmp_path: Path) -> None:
    assert to_onnx(network(name, size), SHAPES[size], tmp_path / "a.onnx").max_relative < 1e-5


@each
def test_its_file_holds_all_of_it(name: str, size: str, tmp_path: Path) -> None:
    made, images = network(name, size), zoo.images(1, torch.float32, SHAPES[size])
    files.save(made, tmp_path / "a.safetensors", in_shape=SHAPES[size], classes=5, name=name)
    with torch.inference_mode():
        assert torch.equal(files.load(tmp_path / "a.safetensors").network(images), made(images))


@each
def test_batch_norm_folds_away(name: str, size: str) -> None:
    made, images = network(name, size), zoo.images(1, torch.float32, SHAPES[size])
    folded = fold_batchnorm(made, SHAPES[size])
    left = {name for name, layer in folded.named_modules() if isinstance(layer, nn.BatchNorm2d)}
    assert left == {name_of(node) for node in made.graph.nodes if stands_alone(made, node)}
    with torch.inference_mode():
        assert differ(made(images), folded(images)) < 1e-4


@each
def test_cut_smaller_it_answers_like_the_masked_one(name: str, size: str) -> None:
    made, images = network(name, size), zoo.images(1, torch.float32, SHAPES[size])
    masks = zoo.filter_masks(made)
    compact = shrink(made, masks).network
    with torch.inference_mode():
        assert differ(apply_masks(made, masks)(images), compact(images)) < 1e-5
    assert zoo.parameters(compact) < zoo.parameters(made)


def test_depthwise_channels_go_with_those_they_filter() -> None:
    made = network("mobilenet_v2", "small")
    compact = shrink(made, zoo.filter_masks(made)).network
    layers = [layer for layer in compact.modules() if isinstance(layer, nn.Conv2d) and layer.groups > 1]
    assert len(layers) == 17 and all(layer.groups == layer.in_channels == layer.out_channels for layer in layers)
    before = sum(layer.groups for layer in made.modules() if isinstance(layer, nn.Conv2d) and layer.groups > 1)
    assert sum(layer.groups for layer in layers) < before


def test_what_a_grouped_layer_needs_whole_stays_and_it_is_said() -> None:
    grouped = zoo.network("Grouped")
    masks = {name: torch.ones_like(tensor, dtype=torch.bool) for name, tensor in grouped.named_parameters() if tensor.ndim > 1}
    masks["0.0.weight"][:3] = False
    told = shrink(grouped, masks).reasons["0.0"]
    assert told == "3 dead channels stay: 3 kept so that each group of Conv2d 1.0 has as many as the others."
