"""The architectures of the house by name, as data: what a form or a terminal lists without loading torch.

`worker/dnn/architectures/` builds them; a test holds the two together.
"""

from __future__ import annotations

ARCHITECTURES: dict[str, str] = {
    "alexnet": "AlexNet: five convolutions; three linear layers behind them for large images, one for small.",
    "lenet5": "LeNet-5: two convolutions and three linear layers, for digits and other tiny images.",
    "mobilenet_v2": "MobileNetV2: inverted residuals with depthwise convolutions, made for phones.",
    "resnet18": "ResNet-18: eight residual blocks, 64 to 512 channels wide.",
    "resnet20": "ResNet-20: nine narrow residual blocks, made for small images.",
    "resnet50": "ResNet-50: sixteen bottleneck blocks, 256 to 2,048 channels wide.",
    "resnet56": "ResNet-56: twenty-seven narrow residual blocks, made for small images.",
    "vgg11": "VGG-11 with batch-norm: eight convolutions in a row.",
    "vgg16": "VGG-16 with batch-norm: thirteen convolutions in a row.",
    "vgg19": "VGG-19 with batch-norm: sixteen convolutions in a row.",
}


def names() -> list[str]:
    """The names that `--model` and the upload form take."""
    return sorted(ARCHITECTURES)
