"""A network that came with batch-norm folded is given it back and answers as before."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.fold import fold_batchnorm
from worker.dnn.form import from_spec, to_spec, trace
from worker.dnn.ingest.restoring import restorable, restore_batchnorm
from worker.dnn.initialisation import reinitialise
from worker.dnn.shapes import output_shape


def norms(network: nn.Module) -> int:
    return sum(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in network.modules())


@pytest.mark.parametrize("name", zoo.ALL)
def test_folded_and_restored_it_answers_as_before(name: str) -> None:
    network = zoo.network(name)
    folded = fold_batchnorm(network, zoo.IN_SHAPE)
    restored = restore_batchnorm(folded)
    images = zoo.images()
    assert (restored(images) - network(images)).abs().max() <= 1e-10 * network(images).abs().max()
    assert norms(restored) >= norms(network)
    assert output_shape(from_spec(to_spec(restored), device="meta"), zoo.IN_SHAPE) == (zoo.CLASSES,)


def test_gates_get_none() -> None:
    restored = restore_batchnorm(fold_batchnorm(zoo.network("Gated"), zoo.IN_SHAPE))
    readers = {str(node.target): next(iter(node.users)).target for node in restored.graph.nodes if node.op == "call_module"}
    assert not str(readers["squeeze"]).endswith("_bn") and not str(readers["excite"]).endswith("_bn")
    assert readers["stem.0"] == "stem.0_bn"


def test_the_original_keeps_its_bias_and_its_tensors() -> None:
    network = fold_batchnorm(zoo.network("Chain"), zoo.IN_SHAPE)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    restore_batchnorm(network)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_it_trains_from_initialisation() -> None:
    made = architectures.build("resnet20", 5, (3, 16, 16), 0.5, seed=1).eval()
    restored = restore_batchnorm(fold_batchnorm(made, (3, 16, 16))).train()
    assert norms(restored) == norms(made)
    reinitialise(restored, 0)
    restored(torch.rand(4, 3, 16, 16)).sum().backward()
    assert all(parameter.grad is not None for parameter in restored.parameters())
    assert all(layer.running_mean.abs().sum() > 0 for layer in restored.modules() if isinstance(layer, nn.BatchNorm2d))


def test_what_has_batch_norm_or_answers_stays_as_it_is() -> None:
    network = trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 5, 1))).eval()
    assert norms(restore_batchnorm(network)) == 1 and restorable(network) == 0
    assert restorable(fold_batchnorm(network, (3, 9, 9))) == 1


def test_signals_and_transposed_convolutions_get_it_too() -> None:
    network = trace(nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU(), nn.ConvTranspose1d(4, 5, 2), nn.ReLU(), nn.Flatten())).eval()
    restored, signals = restore_batchnorm(network), torch.rand(2, 3, 9)
    assert norms(restored) == 2 == restorable(network)
    assert torch.allclose(restored(signals), network(signals), atol=1e-6)
