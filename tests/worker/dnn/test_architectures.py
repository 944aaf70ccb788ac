"""The architectures of the house."""

from __future__ import annotations

import pytest
import torch

from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.initialisation import reinitialise


def test_vgg16_has_the_parameters_of_the_literature() -> None:
    assert zoo.parameters(architectures.build("vgg16")) == 14_728_266


def test_resnet20_has_the_parameters_of_the_literature() -> None:
    assert zoo.parameters(architectures.build("resnet20")) == 272_474


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", architectures.names())
def test_each_takes_small_images_of_one_and_three_channels(name: str, channels: int) -> None:
    network = architectures.build(name, num_classes=7, in_shape=(channels, 32, 32), width=0.25)
    assert network(torch.zeros(2, channels, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize("name", ["lenet5", "resnet20"])
def test_two_take_digits_as_they_are(name: str) -> None:
    assert architectures.build(name, in_shape=(1, 8, 8))(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(("name", "least"), [("lenet5", 4), ("vgg11", 16), ("vgg16", 16), ("resnet20", 8)])
def test_too_small_an_image_is_refused_in_one_sentence(name: str, least: int) -> None:
    small = least - 1
    told = f"^{name} needs images of at least {least}x{least} pixels; 3x{small}x{small} is too small.$"
    with pytest.raises(ValueError, match=told):
        architectures.build(name, in_shape=(3, small, small))
    network = architectures.build(name, in_shape=(3, least, least), width=0.1).eval()
    assert network(torch.zeros(1, 3, least, least)).shape == (1, 10)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"alexnet, lenet5, mobilenet_v2, resnet18, .*vgg16, vgg19"):
        architectures.build("densenet")


def test_the_width_scales_every_inner_channel() -> None:
    half = architectures.build("vgg11", width=0.5)
    assert half.get_submodule("features.0").weight.shape == (32, 3, 3, 3)
    assert half.get_submodule("fc").weight.shape == (10, 256)


def test_the_same_seed_gives_the_same_weights() -> None:
    one, other, third = (architectures.build("lenet5", seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["conv1.weight"], third["conv1.weight"])


def test_weights_are_kaiming_normal_by_fan_in() -> None:
    weight = architectures.build("vgg11", seed=0).get_submodule("features.15").weight.detach()
    assert weight.std() == pytest.approx((2 / (9 * 256)) ** 0.5, rel=0.01)
    assert abs(weight.mean()) < 1e-4


def test_only_the_named_layers_are_redrawn() -> None:
    network = architectures.build("lenet5", seed=0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    reinitialise(network, 1, only={"conv2"})
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"conv2.weight"}


def test_redrawing_makes_batch_norm_the_identity_again() -> None:
    network = zoo.network("Residual", dtype=torch.float32)
    reinitialise(network, 1)
    norm = network.get_submodule("0.1")
    assert (norm.running_mean == 0).all() and (norm.running_var == 1).all() and (norm.weight == 1).all()


def test_the_networks_own_generator_is_left_alone_by_a_seed() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    architectures.build("lenet5", seed=1)
    assert torch.equal(torch.rand(1), expected)
