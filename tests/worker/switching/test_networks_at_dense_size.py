"""A pruned network at the size of the one it was made of: as many bytes as that, the same answers."""

from __future__ import annotations

import pytest
import torch

from worker.dnn import architectures
from worker.dnn.surgery import shrink
from worker.sparsity.masks import by_parameter, everything, prunable
from worker.switching.densesize import at_dense_size


def pruned(name: str, shape: tuple[int, int, int]) -> tuple[torch.fx.GraphModule, torch.fx.GraphModule]:
    """Dense, and the same without every third filter of each layer."""
    dense = architectures.build(name, 10, shape, seed=1).eval()
    for module in dense.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2, generator=torch.Generator().manual_seed(2))
    masks = everything(prunable(dense))
    for layer in list(masks)[:-1]:
        masks[layer] = masks[layer].clone()
        masks[layer][::3] = 0
    return dense, shrink(dense, by_parameter(masks), policy="mask_affine").network.eval()


@pytest.mark.parametrize(("name", "shape"), [("lenet5", (1, 8, 8)), ("vgg5", (1, 8, 8)), ("resnet20", (1, 8, 8)),
                                             ("mobilenet_v2", (3, 8, 8))])
def test_it_has_the_dense_ones_shapes_and_the_small_ones_answers(name: str, shape: tuple[int, int, int]) -> None:
    dense, small = pruned(name, shape)
    found = at_dense_size(small, dense, shape)
    assert found is not None
    assert {key: value.shape for key, value in found.state_dict().items()} == {
        key: value.shape for key, value in dense.state_dict().items()}
    images = torch.randn(3, *shape)
    with torch.inference_mode():
        assert torch.allclose(found(images), small(images), atol=1e-4)
    assert sum(each.numel() for each in small.parameters()) < sum(each.numel() for each in dense.parameters())


def test_of_other_layers_there_is_none() -> None:
    shape = (1, 8, 8)
    assert at_dense_size(architectures.build("lenet5", 10, shape, seed=1), architectures.build("vgg5", 10, shape, seed=1),
                         shape) is None


def test_where_channels_cannot_keep_their_places_there_is_none() -> None:
    """Layers of the same names and sizes that fit; but channels of several layers stand behind each other."""
    dense, small = pruned("densenet121", (1, 16, 16))
    assert at_dense_size(small, dense, (1, 16, 16)) is None
