"""The architectures of the house."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.cost import cost
from worker.dnn.initialisation import reinitialise
from worker.dnn.shapes import output_shape

# Parameters and multiply-accumulates at 224x224 and 1,000 classes: those torchvision publishes for its models (vgg*_bn).
IMAGENET = {
    "alexnet": (61_100_840, 714_188_480), "convnext_tiny": (28_589_128, 4_455_531_264), "densenet121": (7_978_856, 2_834_161_664),
    "efficientnet_b0": (5_288_548, 385_814_752), "googlenet": (6_624_904, 1_498_376_192),
    "mobilenet_v2": (3_504_872, 300_774_272), "mobilenet_v3_large": (5_483_032, 216_589_760),
    "mobilenet_v3_small": (2_542_856, 56_510_400), "resnet18": (11_689_512, 1_814_073_344),
    "resnet50": (25_557_032, 4_089_184_256), "resnext50": (25_028_904, 4_230_479_872),
    "shufflenet_v2": (2_278_604, 144_907_992), "squeezenet": (1_235_496, 349_151_936),
    "vgg11": (132_868_840, 7_609_090_048), "vgg16": (138_365_992, 15_470_264_320), "vgg19": (143_678_248, 19_632_062_464),
}
# At 32x32 and 10 classes: those of the forms that are usual for CIFAR, as each family's first lines say.
CIFAR = {
    "alexnet": 2_472_266, "convnext_tiny": 27_824_362, "densenet121": 6_956_426, "efficientnet_b0": 4_020_358,
    "googlenet": 5_602_474, "mobilenet_v2": 2_236_682, "mobilenet_v3_large": 4_214_842, "mobilenet_v3_small": 1_528_106,
    "resnet18": 11_173_962, "resnet20": 272_474, "resnet50": 23_520_842, "resnet56": 855_770, "resnext50": 22_992_714,
    "shufflenet_v2": 1_263_854, "squeezenet": 727_626, "vgg11": 9_231_114, "vgg16": 14_728_266, "vgg19": 20_040_522,
    "vgg5": 582_346, "yolo_tiny_backbone": 1_697_178,
}
# Some tensors by the names that torchvision gives them, and how many there are in all.
TENSORS = {
    "alexnet": (16, {"features.10.bias": (256,), "classifier.1.weight": (4096, 9216), "classifier.6.weight": (1000, 4096)}),
    "convnext_tiny": (182, {
        "features.0.0.weight": (96, 3, 4, 4), "features.0.1.bias": (96,), "features.1.0.block.0.weight": (96, 1, 7, 7),
        "features.1.0.block.2.weight": (96,), "features.1.0.block.3.weight": (384, 96), "features.1.2.block.5.weight": (96, 384),
        "features.2.0.weight": (96,), "features.2.1.weight": (192, 96, 2, 2), "features.7.2.block.5.bias": (768,),
        "classifier.0.weight": (768,), "classifier.2.weight": (1000, 768)}),
    "densenet121": (727, {
        "features.conv0.weight": (64, 3, 7, 7), "features.denseblock1.denselayer6.norm1.weight": (224,),
        "features.denseblock1.denselayer1.conv1.weight": (128, 64, 1, 1), "features.transition1.conv.weight": (128, 256, 1, 1),
        "features.denseblock4.denselayer16.conv2.weight": (32, 128, 3, 3), "features.norm5.running_var": (1024,),
        "classifier.weight": (1000, 1024)}),
    "efficientnet_b0": (360, {
        "features.0.0.weight": (32, 3, 3, 3), "features.1.0.block.0.0.weight": (32, 1, 3, 3),
        "features.1.0.block.1.fc1.weight": (8, 32, 1, 1), "features.1.0.block.2.0.weight": (16, 32, 1, 1),
        "features.2.0.block.2.fc1.weight": (4, 96, 1, 1), "features.2.0.block.2.fc2.bias": (96,),
        "features.6.3.block.3.1.running_mean": (192,), "features.8.0.weight": (1280, 320, 1, 1),
        "classifier.1.weight": (1000, 1280)}),
    "googlenet": (344, {
        "conv1.conv.weight": (64, 3, 7, 7), "conv1.bn.running_var": (64,), "inception3a.branch1.conv.weight": (64, 192, 1, 1),
        "inception3a.branch2.1.conv.weight": (128, 96, 3, 3), "inception3a.branch3.1.conv.weight": (32, 16, 3, 3),
        "inception5b.branch4.1.bn.weight": (128,), "fc.weight": (1000, 1024)}),
    "mobilenet_v2": (314, {"features.1.conv.0.0.weight": (32, 1, 3, 3), "features.2.conv.2.weight": (24, 96, 1, 1),
                           "features.18.0.weight": (1280, 320, 1, 1), "classifier.1.weight": (1000, 1280)}),
    "mobilenet_v3_large": (312, {
        "features.1.block.0.0.weight": (16, 1, 3, 3), "features.1.block.1.0.weight": (16, 16, 1, 1),
        "features.4.block.2.fc1.weight": (24, 72, 1, 1), "features.15.block.3.1.weight": (160,),
        "features.16.0.weight": (960, 160, 1, 1), "classifier.0.weight": (1280, 960), "classifier.3.weight": (1000, 1280)}),
    "mobilenet_v3_small": (244, {
        "features.1.block.1.fc1.weight": (8, 16, 1, 1), "features.4.block.2.fc2.weight": (96, 24, 1, 1),
        "features.12.0.weight": (576, 96, 1, 1), "classifier.0.weight": (1024, 576)}),
    "resnet18": (122, {"conv1.weight": (64, 3, 7, 7), "layer2.0.downsample.0.weight": (128, 64, 1, 1),
                       "layer4.1.bn2.running_var": (512,), "fc.weight": (1000, 512)}),
    "resnet50": (320, {"layer1.0.downsample.1.weight": (256,), "layer4.2.conv3.weight": (2048, 512, 1, 1)}),
    "resnext50": (320, {"layer1.0.conv1.weight": (128, 64, 1, 1), "layer1.0.conv2.weight": (128, 4, 3, 3),
                        "layer4.2.conv2.weight": (1024, 32, 3, 3), "layer4.0.downsample.0.weight": (2048, 1024, 1, 1)}),
    "shufflenet_v2": (338, {
        "conv1.0.weight": (24, 3, 3, 3), "stage2.0.branch1.0.weight": (24, 1, 3, 3), "stage2.0.branch1.2.weight": (58, 24, 1, 1),
        "stage2.0.branch2.0.weight": (58, 24, 1, 1), "stage2.1.branch2.3.weight": (58, 1, 3, 3),
        "stage4.3.branch2.6.running_mean": (232,), "conv5.0.weight": (1024, 464, 1, 1), "fc.weight": (1000, 1024)}),
    "squeezenet": (52, {"features.0.weight": (64, 3, 3, 3), "features.3.squeeze.weight": (16, 64, 1, 1),
                        "features.12.expand3x3.bias": (256,), "classifier.1.weight": (1000, 512, 1, 1)}),
    "vgg16": (97, {"features.40.weight": (512, 512, 3, 3), "features.41.running_mean": (512,),
                   "classifier.0.weight": (4096, 25088), "classifier.6.bias": (1000,)}),
}
LARGE = (3, 224, 224)
# Sides below which a network is refused, where it is not 8.
SMALLEST = {"alexnet": 29, "convnext_tiny": 16, "lenet5": 4, "vgg11": 16, "vgg16": 16, "vgg19": 16, "vgg5": 4}


@pytest.mark.parametrize("name", IMAGENET)
def test_for_large_images_it_is_as_large_as_published(name: str) -> None:
    total = cost(architectures.outline(name, 1000, LARGE), LARGE)
    assert (total.params, total.macs) == IMAGENET[name]


@pytest.mark.parametrize("name", CIFAR)
def test_for_small_images_it_is_as_large_as_is_usual(name: str) -> None:
    assert cost(architectures.outline(name), (3, 32, 32)).params == CIFAR[name]


@pytest.mark.parametrize("name", TENSORS)
def test_for_large_images_its_tensors_are_called_as_elsewhere(name: str) -> None:
    count, shapes = TENSORS[name]
    state = architectures.outline(name, 1000, LARGE).state_dict()
    assert len(state) == count and {key: tuple(state[key].shape) for key in shapes} == shapes


# Whose linear head or upsampling goes by the size of the image.
SIZED = ("alexnet", "vgg11", "vgg5", "yolo_tiny_backbone")


@pytest.mark.parametrize(("name", "size"), [
    *((name, size) for name in architectures.names() for size in (64, 96)),
    *((name, size) for name in SIZED for size in (128, 160, 256)),
])
def test_each_is_outlined_for_the_sizes_in_between(name: str, size: int) -> None:
    network = architectures.outline(name, 7, (3, size, size + 32))
    assert output_shape(network, (3, size, size + 32)) == (7,)


def test_an_outline_takes_no_memory_and_is_what_is_built() -> None:
    outline, built = architectures.outline("resnet18"), architectures.build("resnet18")
    assert all(tensor.is_meta for tensor in outline.state_dict().values())
    assert {k: v.shape for k, v in outline.state_dict().items()} == {k: v.shape for k, v in built.state_dict().items()}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", architectures.names())
def test_each_takes_small_images_of_one_and_three_channels(name: str, channels: int) -> None:
    network = architectures.build(name, num_classes=7, in_shape=(channels, 32, 32), width=0.25)
    assert network(torch.zeros(2, channels, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize("name", [name for name in architectures.names() if SMALLEST.get(name, 8) <= 8])
def test_most_take_digits_as_they_are(name: str) -> None:
    assert architectures.build(name, in_shape=(1, 8, 8), width=0.25)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize("name", architectures.names())
def test_too_small_an_image_is_refused_in_one_sentence(name: str) -> None:
    least = SMALLEST.get(name, 8)
    small = least - 1
    told = f"^{name} needs images of at least {least}x{least} pixels; 3x{small}x{small} is too small.$"
    with pytest.raises(ValueError, match=told):
        architectures.build(name, in_shape=(3, small, small))
    network = architectures.build(name, in_shape=(3, least, least), width=0.1).eval()
    assert network(torch.zeros(1, 3, least, least)).shape == (1, 10)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"alexnet, .*lenet5, .*mobilenet_v2, .*resnet18, .*vgg16, vgg19"):
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


def test_building_a_network_does_not_wait_for_sympy() -> None:
    code = """import sys
from worker.dnn import architectures
for name in architectures.names():
    architectures.outline(name)
architectures.build("mobilenet_v3_small")
sys.exit("sympy" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
