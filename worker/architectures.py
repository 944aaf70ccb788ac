"""The architectures of the house by name, as data: what a form or a terminal lists without loading torch.

`worker/dnn/architectures/` builds them; a test holds the two together.
"""

from __future__ import annotations

ARCHITECTURES: dict[str, str] = {
    "alexnet": "AlexNet: five convolutions; three linear layers behind them for large images, one for small.",
    "convnext_tiny": "ConvNeXt-T: wide depthwise filters, layer-norm and a little linear network at every pixel.",
    "densenet121": "DenseNet-121: four blocks in which every layer reads all layers before it.",
    "efficientnet_b0": "EfficientNet-B0: inverted residuals whose channels are gated by what the image holds.",
    "googlenet": "GoogLeNet with batch-norm: nine blocks of four branches side by side.",
    "lenet5": "LeNet-5: two convolutions and three linear layers, for digits and other tiny images.",
    "mobilenet_v2": "MobileNetV2: inverted residuals with depthwise convolutions, made for phones.",
    "mobilenet_v3_large": "MobileNetV3, large: inverted residuals, some gated, with activations that phones compute fast.",
    "mobilenet_v3_small": "MobileNetV3, small: the same in eleven blocks, for the smallest devices.",
    "resnet18": "ResNet-18: eight residual blocks, 64 to 512 channels wide.",
    "resnet20": "ResNet-20: nine narrow residual blocks, made for small images.",
    "resnet50": "ResNet-50: sixteen bottleneck blocks, 256 to 2,048 channels wide.",
    "resnet56": "ResNet-56: twenty-seven narrow residual blocks, made for small images.",
    "resnext50": "ResNeXt-50 32x4d: ResNet-50 with convolutions in 32 groups.",
    "shufflenet_v2": "ShuffleNetV2: half of the channels passes by each block, then all are dealt anew.",
    "squeezenet": "SqueezeNet 1.1: few parameters, no batch-norm, convolutions to the end.",
    "vgg11": "VGG-11 with batch-norm: eight convolutions in a row.",
    "vgg16": "VGG-16 with batch-norm: thirteen convolutions in a row.",
    "vgg19": "VGG-19 with batch-norm: sixteen convolutions in a row.",
    "vgg5": "VGG-5 with batch-norm: three convolutions and two linear layers, for federated learning on small boards.",
    "yolo_tiny_backbone": "A small YOLO-like detector's backbone and neck, with a classifier's head.",
}

_USUAL_SIDE = 8
_LEAST_SIDES = {"alexnet": 29, "convnext_tiny": 16, "lenet5": 4, "vgg11": 16, "vgg16": 16, "vgg19": 16, "vgg5": 4}


def least_side(name: str) -> int:
    """The fewest pixels along a side of an image that the architecture takes."""
    return _LEAST_SIDES.get(name, _USUAL_SIDE)


def title(name: str) -> str:
    """What its paper calls it: `ResNet-20`."""
    called, colon, _ = ARCHITECTURES[name].partition(":")
    return called.removesuffix(" with batch-norm") if colon else name.replace("_", " ")


def names() -> list[str]:
    """The names that `--model` and the upload form take."""
    return sorted(ARCHITECTURES)
