"""Whatever torch functions and methods a module is written with, its form is made of layers and answers alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from worker.dnn import layers
from worker.dnn.form import from_spec, to_spec, trace
from worker.dnn.shapes import shapes

SHAPE = (6, 8, 8)
Call = Callable[[Tensor], Tensor]


class Written(nn.Module):
    """One call between two convolutions of a module that also has tensors of its own."""

    def __init__(self, call: Callable[..., Tensor], *, own: bool = False) -> None:
        super().__init__()
        self.conv, self.call, self.own = nn.Conv2d(6, 6, 1), call, own
        self.gain = nn.Parameter(torch.rand(1, 6, 1, 1) + 0.5)
        self.register_buffer("mean", torch.rand(6, 1, 1) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return torch.cat([x, x], 1) + (self.call(self, x) if self.own else self.call(x)).sum((1, 2, 3), keepdim=True)


class Plain(Written):
    """The call alone."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.call(self, x) if self.own else self.call(x)


def same(module: nn.Module) -> fx.GraphModule:
    """The form answers like the module, as does what its data are made into again; its shapes are those of torch."""
    module = module.double().eval()
    network, images = trace(module), torch.randn(3, *SHAPE, dtype=torch.float64)
    expected = module(images)
    torch.testing.assert_close(network(images), expected, rtol=1e-12, atol=1e-12)
    again = from_spec(to_spec(network)).double()
    again.load_state_dict(network.state_dict())
    torch.testing.assert_close(again(images), expected, rtol=1e-12, atol=1e-12)
    assert list(shapes(network, SHAPE).values())[-1] == tuple(expected.shape[1:])
    return network


def overwritten(x: Tensor) -> Tensor:
    x.div_(3)
    x.clamp_(-0.5, 0.5)
    x.tanh_()
    return x


def multiplied(parts: Tensor) -> Tensor:
    one, other = parts
    return one * other


NUMBERS: dict[str, Call] = {
    "x + 2": lambda x: x + 2, "2 + x": lambda x: 2 + x, "x - 2": lambda x: x - 2, "2 - x": lambda x: 2 - x,
    "x * 2": lambda x: x * 2, "2 * x": lambda x: 2 * x, "x / 2": lambda x: x / 2, "2 / x": lambda x: 2 / x,
    "x ** 2": lambda x: x**2, "-x": lambda x: -x,
    "add": lambda x: torch.add(x, 2), "mul": lambda x: x.mul(0.5), "mul by name": lambda x: torch.mul(input=x, other=3.0),
    "in place": lambda x: x.mul_(0.5).add_(1).div_(3), "square": torch.square, "pow": lambda x: x.pow(2),
    "rsqrt": lambda x: (x * x + 1).rsqrt(),
}
CALLS: dict[str, Call] = {
    "add by name": lambda x: torch.add(x, other=x),
    "abs": torch.abs, "exp": lambda x: x.exp(), "sqrt": lambda x: torch.sqrt(x.abs()), "neg": lambda x: x.neg(),
    "clamp": lambda x: x.clamp(-0.5, 0.5), "clamp from below": lambda x: torch.clamp(x, min=0.1), "hardtanh": F.hardtanh,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2, inplace=True), "elu": F.elu, "celu": F.celu, "selu": F.selu, "gelu": F.gelu,
    "softplus": F.softplus, "silu": F.silu, "tanh": lambda x: x.tanh(), "softmax": lambda x: x.softmax(1),
    "interpolate": lambda x: F.interpolate(x, scale_factor=2), "interpolate to a size": lambda x: F.interpolate(x, [5, 7]),
    "interpolate smoothly": lambda x: F.interpolate(x, size=(12, 12), mode="bilinear", align_corners=False),
    "pad": lambda x: F.pad(x, (1, 2, 3, 4)), "pad one axis": lambda x: F.pad(x, [1, 2], value=3.0),
    "pad channels": lambda x: F.pad(x, (0, 0, 0, 0, 2, 2)), "reflect": lambda x: F.pad(x, (1, 1, 2, 2), mode="reflect"),
    "global mean": lambda x: x.mean((2, 3)), "global mean kept": lambda x: torch.mean(x, [-2, -1], keepdim=True),
    "mean of rows": lambda x: x.mean(3), "mean over channels": lambda x: torch.mean(x, dim=1, keepdim=True),
    "largest": lambda x: x.amax((2, 3)), "sum": lambda x: x.sum(dim=1),
    "flatten": lambda x: x.flatten(1), "flatten places": lambda x: torch.flatten(x, 2), "view": lambda x: x.view(x.size(0), -1),
    "view without size": lambda x: x.view(-1, 6 * 64), "reshape": lambda x: x.reshape(x.shape[0], 3, 2, 64),
    "reshape to a tuple": lambda x: torch.reshape(x, (-1, 2, 3, 8, 8)),
    "permute": lambda x: x.permute(0, 2, 3, 1), "permute by a list": lambda x: torch.permute(x, [0, 3, 1, 2]),
    "transpose": lambda x: x.transpose(1, -1).contiguous(),
    "transpose of a flat image": lambda x: torch.transpose(x.flatten(2), 1, 2),
    "shuffle": lambda x: x.view(-1, 2, 3, 8, 8).transpose(1, 2).reshape(-1, 6, 8, 8),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 3),
    "chunk": lambda x: multiplied(x.chunk(2, dim=1)), "chunk unequally": lambda x: torch.chunk(x, 4, 1)[2],
    "split": lambda x: x.split(2, 1)[2] + x.split(2, 1)[0], "split by sizes": lambda x: torch.split(x, [1, 5], dim=-3)[1],
    "split of a join": lambda x: torch.cat([x, x[:, :2]], 1).relu().chunk(2, 1)[1], "split rows": lambda x: x.split([3, 5], 2)[0],
    "slice": lambda x: x[:, 1:4], "focus": lambda x: torch.cat([x[:, :, ::2, ::2], x[:, :, 1::2, 1::2]], 1),
    "max_pool2d": lambda x: F.max_pool2d(x, 3, 2, 1, 1, True), "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1, True, False),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, 1), "lp_pool2d": lambda x: F.lp_pool2d(x.abs(), 2, 2),
    "pixel_shuffle": lambda x: F.pixel_shuffle(x[:, :4], 2), "local_response_norm": lambda x: F.local_response_norm(x, 3),
    "overwritten": overwritten, "clone": lambda x: x.clone().detach() + x,
}
OWN: dict[str, Callable[[Written, Tensor], Tensor]] = {
    "scaled": lambda self, x: x * self.gain, "scaled from the left": lambda self, x: self.gain * x,
    "shifted": lambda self, x: x + self.mean, "less": lambda self, x: x - self.mean, "taken from": lambda self, x: self.mean - x,
    "normalised": lambda self, x: (x - self.mean) / self.gain,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_becomes_a_layer_that_no_training_moves(name: str) -> None:
    network = same(Plain(NUMBERS[name]))
    assert {key.partition(".")[0] for key in network.state_dict()} == {"conv"}
    assert all(node.op != "call_function" or node.target is torch.mul for node in network.graph.nodes)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_becomes_layers(name: str) -> None:
    same(Plain(CALLS[name]))


@pytest.mark.parametrize("name", OWN)
def test_a_tensor_of_the_modules_own_becomes_a_layer_of_its_name(name: str) -> None:
    network = same(Plain(OWN[name], own=True))
    own = [key for key in network.state_dict() if not key.startswith("conv")]
    assert own and all(key in ("gain.weight", "mean.weight", "mean.bias") for key in own)


def test_a_parameter_stays_the_same_parameter_and_a_buffer_is_not_trained() -> None:
    module = Plain(lambda self, x: x * self.scale + self.mean, own=True)
    module.scale = nn.Parameter(torch.ones(6, 1, 1))
    network = trace(module)
    assert network.get_submodule("scale").weight is module.scale
    assert not network.get_submodule("mean").bias.requires_grad and module.mean.shape == (6, 1, 1)


def test_deep_in_a_module_it_keeps_its_place() -> None:
    network = trace(nn.Sequential(nn.Conv2d(6, 6, 1), Plain(OWN["scaled"], own=True)))
    assert isinstance(network.get_submodule("1.gain"), layers.Scale)


class Twins(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(6, 6, 1), nn.ZeroPad2d((1, 2, 3, 4)), nn.ConstantPad2d(1, 2.0), nn.ReflectionPad2d((1, 0, 2, 0)),
            nn.ReplicationPad2d(2), nn.Hardtanh(-0.4, 0.6), nn.UpsamplingNearest2d(scale_factor=2),
            nn.UpsamplingBilinear2d(size=(9, 7)), nn.Softmax2d(),
        )


def test_layers_that_another_says_as_well_are_that_one_and_the_module_keeps_its_own() -> None:
    module = Twins()
    network = same(module)
    found = {type(network.get_submodule(str(number))) for number in range(1, 9)}
    assert found == {layers.Pad, layers.Clamp, nn.Upsample, nn.Softmax}
    assert isinstance(module[1], nn.ZeroPad2d)


@pytest.mark.parametrize("call", [
    lambda x: F.interpolate(x, x.shape[2:]), lambda x: x[:, -2:], lambda x: x[:, 0], lambda x: x.view(2, -1), lambda x: x.mean(),
    lambda x: F.max_pool2d(x, 2, return_indices=True)[0], lambda x: x.abs().sum(2).chunk(2, 2)[0], lambda x: x.split(2)[0],
    lambda x: 2**x, lambda x: torch.add(x, x, alpha=2), lambda x: x + float("nan"), lambda x: x.max(1)[0],
], ids=range(12))
def test_what_would_need_sizes_or_means_something_else_is_refused_in_one_sentence(call: Call) -> None:
    with pytest.raises(ValueError, match=r"this portal knows|does not know|else than tensors") as told:
        trace(Plain(call))
    assert str(told.value).endswith(".")


def test_calls_stand_together_in_one_network() -> None:
    network = same(Written(lambda self, x: F.gelu(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) * self.gain, own=True))
    assert network.state_dict().keys() == {"conv.weight", "conv.bias", "gain.weight"}
