"""What a network costs is counted as torch counts it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tests.worker.dnn import zoo
from worker.dnn import architectures, files
from worker.dnn.cost import cost, facts, peak_bytes
from worker.dnn.form import trace
from worker.dnn.shapes import shapes
from worker.dnn.surgery import keep_channels, shrink


def flops(network: nn.Module, shape: tuple[int, ...]) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        like = next(network.parameters())
        network.eval()(torch.zeros(1, *shape, dtype=like.dtype, device=like.device))
    return int(counter.get_total_flops())


@pytest.mark.parametrize("shape", [(3, 32, 32), (3, 224, 224)], ids=["small", "large"])
@pytest.mark.parametrize("name", architectures.names())
def test_macs_are_half_of_torchs_flops(name: str, shape: tuple[int, ...]) -> None:
    network = architectures.outline(name, in_shape=shape)
    assert 2 * cost(network, shape).macs == flops(network, shape)


@pytest.mark.parametrize("name", zoo.ALL)
def test_so_they_are_for_every_coupling_and_after_shrinking(name: str) -> None:
    network = zoo.network(name)
    compact = shrink(network, zoo.filter_masks(network)).network
    for each in (network, compact):
        total = cost(each, zoo.IN_SHAPE)
        assert 2 * total.macs == flops(each, zoo.IN_SHAPE)
        assert total.params == zoo.parameters(each)


@pytest.mark.parametrize("name", zoo.ALL)
def test_shapes_are_those_torch_finds(name: str) -> None:
    network = zoo.network(name)
    found: dict[str, tuple[int, ...]] = {}

    class Watch(torch.fx.Interpreter):
        def run_node(self, node: torch.fx.Node) -> object:
            result = super().run_node(node)
            found[node.name] = tuple(result.shape[1:])
            return result

    Watch(network).run(zoo.images(1))
    assert shapes(network, zoo.IN_SHAPE) == found


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([nn.MaxPool2d, nn.AvgPool2d, nn.Conv2d]), st.integers(1, 11), st.integers(1, 5), st.integers(1, 4),
    st.integers(0, 2), st.integers(1, 2), st.booleans(),
)
def test_windows_are_counted_as_torch_counts_them(
    cls: type[nn.Module], size: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool
) -> None:
    assume(cls is nn.Conv2d or padding <= kernel // 2)
    if cls is nn.Conv2d:
        layer: nn.Module = nn.Conv2d(2, 2, kernel, stride, padding, dilation)
    elif cls is nn.MaxPool2d:
        layer = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil)
    else:
        layer = nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil)
    network = trace(nn.Sequential(layer))
    try:
        expected = tuple(network(torch.zeros(1, 2, size, size + 3)).shape[1:])
    except RuntimeError:
        with pytest.raises(ValueError, match="too small"):
            shapes(network, (2, size, size + 3))
        return
    assert shapes(network, (2, size, size + 3))["output"] == expected


def test_the_peak_is_what_lives_at_the_same_time() -> None:
    layers = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 2))
    total = cost(trace(layers), (1, 4, 4))
    assert total.activation_bytes == 4 * (64 + 64)
    assert [layer.activation_bytes for layer in total.layers] == [256, 256, 64, 0, 8]
    assert total.macs == 64 + 32


def test_a_shortcut_keeps_its_image_alive() -> None:
    class Around(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.two(self.one(x)) + x

    assert cost(trace(Around()), (2, 5, 5)).activation_bytes == 4 * 3 * 50


def test_a_shape_that_does_not_fit_is_refused_by_layer() -> None:
    with pytest.raises(ValueError, match=r"0\.0 expects 3 channels but is given 4"):
        cost(zoo.network("Chain"), (4, 12, 12))
    with pytest.raises(ValueError, match="expects 90 channels but is given 160"):
        cost(zoo.network("Chain"), (3, 16, 16))


def test_keeping_fewer_channels_costs_less() -> None:
    network = zoo.network("Chain")
    compact = keep_channels(network, {"0.0": torch.arange(4)})
    before, after = cost(network, zoo.IN_SHAPE), cost(compact, zoo.IN_SHAPE)
    assert after.macs < before.macs and after.activation_bytes < before.activation_bytes
    assert 2 * after.layers[0].macs == before.layers[0].macs


def test_facts_are_the_events(tmp_path: Path) -> None:
    network = architectures.build("lenet5")
    path = tmp_path / "a.safetensors"
    files.save(network, path, in_shape=(3, 32, 32), classes=10, name="a")
    told = facts(network, (3, 32, 32), path)
    assert (told.size_bytes, told.params, told.macs) == (path.stat().st_size, 62_006, 651_720)


def test_results_of_fewer_bits_take_fewer_bytes() -> None:
    network = trace(nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2)))
    first = next(iter(network.graph.nodes)).name
    assert peak_bytes(network, (1, 4, 4), lambda name: 1) == 64 + 64
    assert peak_bytes(network, (1, 4, 4), lambda name: 100 if name == first else 1) == 1600 + 64
