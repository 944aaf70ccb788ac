"""Random networks of everything on the white list: each step is computed as it is drawn, so every one of them fits."""

from __future__ import annotations

import random
from collections.abc import Callable

import torch
from torch import Tensor, fx, nn

from worker.dnn import kinds, layers

IN_SHAPE = (3, 8, 8)
CLASSES = 3

PLAIN: tuple[Callable[[], nn.Module], ...] = (
    nn.ReLU, nn.ReLU6, lambda: nn.LeakyReLU(0.2), nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Softsign,
    nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, nn.PReLU, nn.Identity, lambda: nn.Dropout(0.3),
    lambda: layers.Affine(0.5, -0.5), lambda: layers.Affine(2.0, 0.0), lambda: layers.Clamp(-1.0, 1.5), lambda: layers.Power(2.0),
    *(lambda function=function: layers.Pointwise(function) for function in ("abs", "neg", "erf", "sin", "cos")),  # type: ignore[misc]
)


class Sketch:
    """A network in the making; `now` is the node whose result is worked on, `values` what it holds for one image."""

    def __init__(self, seed: int, dtype: torch.dtype) -> None:
        self.random, self.dtype = random.Random(seed), dtype
        self.noise = torch.Generator().manual_seed(seed)
        self.graph, self.layers, self.values = fx.Graph(), dict[str, nn.Module](), dict[fx.Node, Tensor]()
        self.now = self.graph.placeholder("x")
        self.values[self.now] = torch.randn(2, *IN_SHAPE, generator=self.noise).to(dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values[self.now].shape[1:])

    @torch.no_grad()
    def layer(self, layer: nn.Module, source: fx.Node | None = None) -> fx.Node:
        name = f"l{len(self.layers)}"
        self.layers[name] = lived_in(layer, self.noise).to(self.dtype).eval()
        source = source or self.now
        self.now = self.graph.call_module(name, (source,))
        self.values[self.now] = self.layers[name](self.values[source])
        return self.now

    @torch.no_grad()
    def function(self, name: str, *sources: fx.Node) -> fx.Node:
        given = [self.values[source] for source in sources]
        self.now = self.graph.call_function(kinds.FUNCTIONS[name], sources)
        self.values[self.now] = kinds.FUNCTIONS[name](*given)
        return self.now

    @torch.no_grad()
    def cat(self, *sources: fx.Node, dim: int = 1) -> fx.Node:
        self.now = self.graph.call_function(torch.cat, (tuple(sources),), {"dim": dim})
        self.values[self.now] = torch.cat([self.values[source] for source in sources], dim)
        return self.now

    def finished(self) -> fx.GraphModule:
        self.graph.output(self.now)
        return fx.GraphModule(self.layers, self.graph).eval()


@torch.no_grad()
def lived_in(layer: nn.Module, noise: torch.Generator) -> nn.Module:
    """No bias and no statistic as it began, and weights that keep numbers in their order of size."""
    for name, tensor in (*layer.named_parameters(), *layer.named_buffers()):
        if name == "running_var" or isinstance(layer, layers.Scale):
            tensor.uniform_(0.5, 1.5, generator=noise)
        elif name in ("bias", "running_mean") or isinstance(layer, nn.PReLU):
            tensor.normal_(0, 0.5, generator=noise)
        elif tensor.ndim > 1:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=noise)
        elif tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5, generator=noise)
    return layer


def network(seed: int, dtype: torch.dtype = torch.float64, steps: int = 5) -> fx.GraphModule:
    sketch = Sketch(seed, dtype)
    if sketch.random.random() < 0.1:
        sketch.layer(layers.Affine(2.0, -1.0))
    _conv(sketch, 6)
    for _ in range(steps):
        sketch.random.choice(STEPS)(sketch)
    sketch.random.choice(HEADS)(sketch)
    return sketch.finished()


def _conv(sketch: Sketch, width: int | None = None, stride: int = 1) -> None:
    channels, choose = sketch.shape[0], sketch.random
    width, kernel = width or choose.choice((4, 6, 8)), choose.choice((1, 3))
    padding = choose.choice((0, 1)) if kernel == 3 and min(sketch.shape[1:]) > 2 else kernel // 2
    sketch.layer(nn.Conv2d(channels, width, kernel, stride, padding, bias=choose.random() < 0.5))
    if choose.random() < 0.6:
        sketch.layer(nn.BatchNorm2d(width))
    _activation(sketch)


def _same(sketch: Sketch, source: fx.Node) -> fx.Node:
    """A branch of the shape of its source."""
    width = sketch.values[source].shape[1]
    sketch.layer(nn.Conv2d(width, width, 3, 1, 1, bias=sketch.random.random() < 0.5), source)
    return sketch.layer(nn.BatchNorm2d(width)) if sketch.random.random() < 0.5 else sketch.now


def _activation(sketch: Sketch) -> None:
    sketch.layer(nn.PReLU(sketch.shape[0]) if sketch.random.random() < 0.1 else sketch.random.choice((nn.ReLU, *PLAIN))())


def _strided(sketch: Sketch) -> None:
    _conv(sketch, stride=2)


def _groups(sketch: Sketch) -> None:
    channels = sketch.shape[0]
    groups = sketch.random.choice([count for count in (2, 3, 4, channels) if channels % count == 0] or [1])
    outputs = groups * sketch.random.choice((1, 2, channels // groups))
    kernel = sketch.random.choice((1, 3))
    if sketch.random.random() < 0.3:
        kernel = sketch.random.choice((1, 2))
        sketch.layer(nn.ConvTranspose2d(channels, outputs, kernel, kernel, groups=groups))
    else:
        sketch.layer(nn.Conv2d(channels, outputs, kernel, padding=kernel // 2, groups=groups))
    _activation(sketch)


def _transposed(sketch: Sketch) -> None:
    kernel, stride = sketch.random.choice(((1, 1), (2, 2), (3, 1)))
    if max(sketch.shape[1:]) <= 16:
        padding = kernel // 2 if stride == 1 else 0
        sketch.layer(nn.ConvTranspose2d(sketch.shape[0], sketch.random.choice((4, 6)), kernel, stride, padding))
    _activation(sketch)


def _norm(sketch: Sketch) -> None:
    width = sketch.shape[0]
    made: list[nn.Module] = [nn.BatchNorm2d(width), nn.GroupNorm(width, width), nn.GroupNorm(1, width), nn.LocalResponseNorm(3)]
    if sketch.dtype == torch.float64 and min(sketch.shape[1:]) > 1:  # a constant image divides by next to nothing
        made += [nn.InstanceNorm2d(width), nn.InstanceNorm2d(width, affine=True)]
    else:
        made.pop(1)
    sketch.layer(sketch.random.choice(made))


def _pool(sketch: Sketch) -> None:
    if min(sketch.shape[1:]) < 3:
        return
    sketch.layer(sketch.random.choice((
        nn.MaxPool2d(2), nn.MaxPool2d(3, 1, 1), nn.AvgPool2d(3, 1, 1), nn.AvgPool2d(2, ceil_mode=True), nn.LPPool2d(2, 2, 2),
        nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.AdaptiveMaxPool2d(3), nn.AdaptiveAvgPool2d((2, 3)),
    )))


def _grow(sketch: Sketch) -> None:
    if max(sketch.shape[1:]) > 10:
        return
    kind = sketch.random.choice(("nearest", "bilinear", "bicubic", "shuffle", "unshuffle"))
    if kind == "shuffle":
        sketch.layer(nn.Conv2d(sketch.shape[0], 12, 1))
        sketch.layer(nn.PixelShuffle(2))
    elif kind == "unshuffle":
        if all(side % 2 == 0 for side in sketch.shape[1:]) and sketch.shape[0] <= 6:
            sketch.layer(nn.PixelUnshuffle(2))
    else:
        sketch.layer(nn.Upsample(scale_factor=2.0, mode=kind))


def _constant(sketch: Sketch) -> None:
    channels, height, width = sketch.shape
    shape = sketch.random.choice((
        (channels, 1, 1), (channels, 1, 1), (1,), (height, width), (channels, height, width), (1, 1, width)))
    sketch.layer(sketch.random.choice((layers.Scale, layers.Shift))(shape))


def _pad(sketch: Sketch) -> None:
    before, after, mode, value = sketch.random.choice((
        ((0, 1, 0), (0, 0, 1), "constant", 0.0), ((0, 1, 1), (0, 1, 1), "constant", 0.5),
        ((0, 1, 0), (0, 0, 1), "replicate", 0.0), ((1, 0, 0), (2, 0, 0), "constant", 0.0),
        ((0, 0, 0), (2, 0, 1), "constant", 0.5),
    ))
    sketch.layer(layers.Pad(before, after, mode, value))


def _crop(sketch: Sketch) -> None:
    if sketch.shape[1] > 3:
        sketch.layer(layers.Slice(2, 1, None, sketch.random.choice((1, 2))))


def _pair(sketch: Sketch) -> None:
    source = sketch.now
    inner = _same(sketch, source)
    name = sketch.random.choice(("add", "add", "add", "sub", "mul", "maximum", "minimum", "div"))
    if name == "div":
        sketch.layer(layers.Pointwise("abs"))
        inner = sketch.layer(layers.Affine(1.0, 1.0))
    sketch.function(name, *sketch.random.sample((source, inner), 2) if name != "div" else (source, inner))
    if sketch.random.random() < 0.5:
        _activation(sketch)


def _twice(sketch: Sketch) -> None:
    """A result met with something made of it number by number."""
    source = sketch.now
    _activation(sketch)
    sketch.function(sketch.random.choice(("add", "mul")), source, sketch.now)


def _dense(sketch: Sketch) -> None:
    source = sketch.now
    if sketch.shape[0] <= 12:
        sketch.cat(*sketch.random.sample((source, _same(sketch, source)), 2))


def _tall(sketch: Sketch) -> None:
    """Joined along another axis than the channels'."""
    source = sketch.now
    if sketch.shape[1] <= 8:
        sketch.cat(source, _same(sketch, source), dim=2)


def _split(sketch: Sketch) -> None:
    source, width = sketch.now, sketch.shape[0]
    if width < 3:
        return
    edge = sketch.random.randrange(1, width)
    one, other = sketch.layer(layers.Slice(1, 0, edge), source), sketch.layer(layers.Slice(1, edge, None), source)
    if sketch.random.random() < 0.7:
        one = _same(sketch, one)
    sketch.cat(*sketch.random.sample((one, other), 2))


def _shuffle(sketch: Sketch) -> None:
    groups = [count for count in (2, 3, 4) if sketch.shape[0] % count == 0]
    if groups:
        sketch.layer(nn.ChannelShuffle(sketch.random.choice(groups)))


def _shuffled_unit(sketch: Sketch) -> None:
    """As in ShuffleNetV2: half of the channels pass, the other half is filtered, both are dealt anew."""
    if sketch.shape[0] % 4:
        sketch.layer(nn.Conv2d(sketch.shape[0], 8, 1))
    for _ in range(sketch.random.choice((1, 2, 3))):
        half = sketch.shape[0] // 2
        source = sketch.now
        one, other = sketch.layer(layers.Slice(1, 0, half), source), sketch.layer(layers.Slice(1, half, None), source)
        sketch.layer(nn.Conv2d(half, half, 3, 1, 1, groups=half), other)
        sketch.layer(nn.Conv2d(half, half, 1))
        sketch.layer(nn.BatchNorm2d(half))
        sketch.cat(one, sketch.layer(nn.ReLU()))
        sketch.layer(nn.ChannelShuffle(2))


def _gate(sketch: Sketch) -> None:
    """Squeeze and excite, in convolutions or in linear layers."""
    source, width = sketch.now, sketch.shape[0]
    if sketch.random.random() < 0.5:
        sketch.layer(sketch.random.choice((nn.AdaptiveAvgPool2d(1), layers.Mean((2, 3), True), layers.Max((-1, -2), True))))
        sketch.layer(nn.Conv2d(width, 3, 1))
        sketch.layer(nn.ReLU())
        sketch.layer(nn.Conv2d(3, width, 1))
    else:
        sketch.layer(layers.Mean((2, 3)))
        sketch.layer(nn.Linear(width, 3))
        sketch.layer(nn.ReLU())
        sketch.layer(nn.Linear(3, width))
        sketch.layer(layers.Reshape(sketch.random.choice(((-1, 1, 1), (width, 1, 1)))))
    sketch.layer(sketch.random.choice((nn.Sigmoid, nn.Hardsigmoid))())
    sketch.function("mul", *sketch.random.sample((source, sketch.now), 2))


def _spot(sketch: Sketch) -> None:
    """A gate of one channel, spread over all."""
    source = sketch.now
    sketch.layer(nn.Conv2d(sketch.shape[0], 1, 1) if sketch.random.random() < 0.7 else layers.Mean((1,), True))
    sketch.function("mul", source, sketch.layer(nn.Sigmoid()))


def _channels_last(sketch: Sketch) -> None:
    """As in ConvNeXt, with or without the norm."""
    source, width = sketch.now, sketch.shape[0]
    sketch.layer(layers.Permute((0, 2, 3, 1)))
    if sketch.random.random() < 0.5:
        sketch.layer(nn.LayerNorm(width))
    sketch.layer(nn.Linear(width, 8))
    sketch.layer(nn.GELU())
    sketch.layer(nn.Linear(8, width))
    if sketch.random.random() < 0.5:
        sketch.layer(layers.Scale((width,)))
    inner = sketch.layer(layers.Permute((0, 3, 1, 2)))
    if sketch.random.random() < 0.7:
        sketch.function("add", source, inner)


def _signal(sketch: Sketch) -> None:
    """The image as a signal, and back."""
    channels, height, width = sketch.shape
    flat = (nn.Flatten(2), layers.Reshape((channels, -1)), layers.Reshape((channels, height * width)))
    sketch.layer(sketch.random.choice(flat))
    sketch.layer(sketch.random.choice((
        nn.Conv1d(channels, channels, 3, 1, 1), nn.BatchNorm1d(channels), nn.ConvTranspose1d(channels, channels, 3, 1, 1),
        nn.Conv1d(channels, channels, 1, groups=channels), nn.Linear(height * width, height * width), nn.Softmax(2),
    )))
    sketch.layer(layers.Reshape((channels, height, width)))


def _competing(sketch: Sketch) -> None:
    sketch.layer(nn.Softmax(sketch.random.choice((1, 1, 2))))


def _decoded(sketch: Sketch) -> None:
    """Down to a row, and up to an image again."""
    sketch.layer(layers.Mean((2, 3)))
    sketch.layer(nn.Linear(sketch.shape[0], 4 * 9))
    sketch.layer(nn.ReLU())
    sketch.layer(layers.Reshape(sketch.random.choice(((4, 3, 3), (-1, 3, 3)))))


STEPS: tuple[Callable[[Sketch], None], ...] = (
    _conv, _conv, _conv, _strided, _groups, _groups, _transposed, _norm, _pool, _grow, _constant, _pad, _crop, _pair, _pair,
    _pair, _twice, _dense, _dense, _tall, _split, _split, _shuffle, _shuffled_unit, _gate, _gate, _spot, _channels_last, _signal,
    _competing, _decoded, _activation,
)


def _pooled_head(sketch: Sketch) -> None:
    sketch.layer(sketch.random.choice((nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1), layers.Mean((2, 3), True))))
    sketch.layer(nn.Flatten())
    _classify(sketch)


def _summed_head(sketch: Sketch) -> None:
    sketch.layer(sketch.random.choice((layers.Mean((2, 3)), layers.Max((2, 3)), layers.Sum((-1, -2)))))
    _classify(sketch)


def _flat_head(sketch: Sketch) -> None:
    if sketch.random.random() < 0.4:
        sketch.layer(layers.Permute((0, 2, 3, 1)))
    count = sketch.values[sketch.now][0].numel()
    sketch.layer(sketch.random.choice((nn.Flatten(), layers.Reshape((-1,)), layers.Reshape((count,)))))
    if sketch.random.random() < 0.5:
        sketch.layer(sketch.random.choice((nn.BatchNorm1d(count), layers.Scale((count,)), layers.Shift((count,)))))
    _classify(sketch)


def _last_head(sketch: Sketch) -> None:
    """The classifier in front of the mean."""
    sketch.layer(layers.Permute((0, 2, 3, 1)))
    _classify(sketch)
    sketch.layer(layers.Mean((1, 2)))


def _classify(sketch: Sketch) -> None:
    if sketch.random.random() < 0.4:
        sketch.layer(nn.Linear(sketch.shape[-1], 6))
        sketch.layer(sketch.random.choice(PLAIN)())
    sketch.layer(nn.Linear(sketch.shape[-1], CLASSES))


HEADS: tuple[Callable[[Sketch], None], ...] = (_pooled_head, _summed_head, _flat_head, _last_head)


def masks(made: fx.GraphModule, seed: int, dead: float, density: float) -> dict[str, Tensor]:
    """Whole filters gone with probability `dead`, the rest thinned out; the last layer is left alone."""
    noise = torch.Generator().manual_seed(seed)
    names = [name for name, layer in made.named_modules() if isinstance(layer, nn.modules.conv._ConvNd | nn.Linear)]
    found = {}
    for name in names[:-1]:
        weight = made.get_submodule(name).weight
        outputs = 1 if isinstance(made.get_submodule(name), nn.ConvTranspose1d | nn.ConvTranspose2d) else 0
        shape = [1] * weight.ndim
        shape[outputs] = weight.shape[outputs]
        rows = torch.rand(shape, generator=noise) >= dead
        found[f"{name}.weight"] = (torch.rand(weight.shape, generator=noise) < density) & rows
    return found
