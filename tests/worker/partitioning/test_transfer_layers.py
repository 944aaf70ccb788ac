"""What every transfer layer promises, for all sizes: the shape comes back, the bytes are counted, pools keep what they may."""

from __future__ import annotations

import itertools

import pytest
import torch

from worker.dnn import export, form
from worker.dnn.form import trace
from worker.partitioning.transfer.layers import Components, Halves, halves, with_int8
from worker.partitioning.transfer.options import IDENTITY, KINDS, Option, read
from worker.partitioning.transfer.rounding import Range

SIDES = range(1, 34)
EVERY = [Option(kind) for kind in KINDS]


def made(option: Option, shape: tuple[int, ...]) -> Halves:
    return halves(option, shape)


def down(found: Halves, x: torch.Tensor) -> torch.Tensor:
    for layer in found.down:
        x = layer(x)
    return x


def up(found: Halves, x: torch.Tensor) -> torch.Tensor:
    for layer in found.up:
        x = layer(x)
    return x


@pytest.mark.parametrize("option", EVERY, ids=str)
@torch.no_grad()
def test_the_shape_comes_back_whatever_the_sides_and_what_is_sent_is_counted_exactly(option: Option) -> None:
    for height, width in itertools.product(SIDES, SIDES):
        shape = (4, height, width)
        if option.unfit(shape):
            assert height == width == 1 and option != IDENTITY
            continue
        found, x = made(option, shape), torch.randn(2, *shape)
        sent = down(found, x)
        assert tuple(sent.shape[1:]) == option.crossing(shape)
        assert sent.numel() * 4 == option.payload_bytes(shape, batch=2)
        assert up(found, sent).shape == x.shape


@pytest.mark.parametrize("kind", ["max-pool", "average", "strided"])
def test_of_a_pool_a_quarter_is_sent_and_with_int8_a_sixteenth(kind: str) -> None:
    for height, width in itertools.product(range(2, 34), range(2, 34)):
        raw, pooled = 4 * 4 * height * width, 4 * 4 * (height // 2) * (width // 2)
        assert read(kind).payload_bytes((4, height, width)) == pooled
        assert read(f"{kind}, int8").payload_bytes((4, height, width)) * 4 == pooled
        if height % 2 == width % 2 == 0:
            assert raw == 4 * pooled


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("option", EVERY, ids=str)
@torch.no_grad()
def test_in_every_kind_of_numbers(option: Option, dtype: torch.dtype) -> None:
    for shape in ((4, 7, 7), (4, 8, 5), (4, 1, 2)):
        found, x = made(option, shape), torch.randn(1, *shape).to(dtype)
        for layer in (*found.down, *found.up):
            layer.to(dtype)
        restored = found(x)
        assert restored.shape == x.shape and restored.dtype == dtype


@torch.no_grad()
def test_what_was_sent_of_a_max_pool_comes_out_of_the_same_pool_again_and_no_number_of_a_window_is_larger() -> None:
    for height, width in itertools.product(SIDES, SIDES):
        if height * width == 1:
            continue
        shape = (3, height, width)
        found, x = made(read("max-pool"), shape), torch.randn(2, *shape)
        sent = down(found, x)
        assert torch.equal(down(found, up(found, sent)), sent)
        rows, columns = (min(2, side) for side in (height, width))
        for row, column in itertools.product(range(rows), range(columns)):
            inside = x[:, :, row::rows, column::columns][:, :, :sent.shape[2], :sent.shape[3]]
            assert bool((sent >= inside).all())


@pytest.mark.parametrize("kind", ["identity", "max-pool", "average", "strided"])
@torch.no_grad()
def test_a_constant_feature_map_survives_exactly(kind: str) -> None:
    for shape in ((2, 8, 8), (2, 7, 9), (2, 1, 5), (2, 33, 2)):
        x = torch.tensor([1.375, -0.1]).view(1, 2, 1, 1).expand(1, *shape)
        assert torch.equal(made(read(kind), shape)(x), x)


@torch.no_grad()
def test_the_identity_changes_no_bit() -> None:
    x = torch.randn(2, 5, 7, 3)
    assert torch.equal(made(IDENTITY, (5, 7, 3))(x), x)


@pytest.mark.parametrize("per_channel", [False, True])
@torch.no_grad()
def test_no_number_of_the_range_is_farther_off_than_half_a_step_and_zero_is_exact(per_channel: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(50):
        spread = 10 ** torch.empty(4, 1, 1).uniform_(-3, 3, generator=generator)
        x = (torch.randn(8, 4, 5, 6, generator=generator) + torch.randn(4, 1, 1, generator=generator)) * spread
        seen = x.movedim(1, 0).flatten(1) if per_channel else x.flatten()[None]
        low, high = seen.amin(1), seen.amax(1)
        found = Range(low, high) if per_channel else Range(low[0], high[0])
        both = with_int8(made(IDENTITY, (4, 5, 6)), found, 3)
        sent = down(both, x)
        assert torch.equal(sent, sent.round()) and sent.min() >= -128 and sent.max() <= 127
        step = found.scale.float().view(-1, 1, 1) if per_channel else found.scale.float()
        assert bool(((up(both, sent) - x).abs() <= step * 0.5005).all())
        assert bool((both(torch.zeros(1, 4, 5, 6)).abs() <= step * 1e-4).all())


@torch.no_grad()
def test_what_lies_beyond_the_range_becomes_its_end() -> None:
    both = with_int8(made(IDENTITY, (1, 2, 2)), Range(torch.tensor(0.0), torch.tensor(2.55)), 3)
    assert both(torch.full((1, 1, 2, 2), 9.0)).flatten().tolist() == pytest.approx([2.55] * 4)
    assert both(torch.full((1, 1, 2, 2), -9.0)).flatten().tolist() == pytest.approx([0.0] * 4, abs=1e-6)


@pytest.mark.parametrize("seen", [(0.0, 0.0), (3.0, 3.0), (-2.0, -2.0)])
@torch.no_grad()
def test_a_feature_map_of_one_number_is_sent_too(seen: tuple[float, float]) -> None:
    both = with_int8(made(IDENTITY, (1, 2, 2)), Range(torch.tensor(seen[0]), torch.tensor(seen[1])), 3)
    assert both(torch.full((1, 1, 2, 2), seen[0])).flatten().tolist() == pytest.approx([seen[0]] * 4, abs=0.01)


def test_training_goes_straight_through_what_is_rounded_and_stops_beyond_the_range() -> None:
    x = torch.tensor([0.3, 1.1, 9.0]).view(1, 1, 1, 3).requires_grad_()
    both = with_int8(made(IDENTITY, (1, 1, 3)), Range(torch.tensor(0.0), torch.tensor(2.0)), 3)
    both(x).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None and x.grad.flatten().tolist() == pytest.approx([1.0, 1.0, 0.0])


@torch.no_grad()
def test_a_bottleneck_begins_as_the_best_linear_one() -> None:
    """Of a feature map that varies in two directions only, two channels tell everything."""
    generator = torch.Generator().manual_seed(2)
    basis, _ = torch.linalg.qr(torch.randn(8, 8, generator=generator))
    x = torch.einsum("nkhw,ck->nchw", torch.randn(4, 2, 3, 3, generator=generator), basis[:, :2]) + 1.5
    found = halves(Option("bottleneck", ratio=4), (8, 3, 3), Components(torch.full((8,), 1.5), basis))
    assert torch.allclose(found(x), x, atol=1e-5)


@pytest.mark.parametrize("line", ["max-pool", "bottleneck 8, int8 per channel", "identity, int8", "average"])
def test_written_again_it_is_the_same(line: str) -> None:
    assert str(read(line)) == line and read(str(read(line))) == read(line)


def test_it_is_read_however_it_is_spaced_and_a_bottleneck_has_a_usual_ratio() -> None:
    assert str(read("  bottleneck  int8 ")) == "bottleneck 4, int8"


@pytest.mark.parametrize("line", ["", "max pool", "max-pool 4", "bottleneck 1", "bottleneck 900", "identity, int4", "int8"])
def test_what_is_no_transfer_layer_is_refused_in_a_sentence(line: str) -> None:
    with pytest.raises(ValueError, match="got "):
        read(line)


@pytest.mark.parametrize(("option", "shape", "reason"), [
    (read("max-pool"), (64, 1, 1), "it needs a feature map larger than 1x1, and there is 64x1x1"),
    (read("bottleneck"), (10,), "it needs a feature map larger than 1x1, and there is 10"),
    (read("identity, int8 per channel"), (10,), "it needs a feature map larger than 1x1, and there is 10"),
    (read("bottleneck 8"), (4, 9, 9), "4 channels cannot be made 8 times fewer"),
    (read("identity, int8"), (10,), ""), (read("identity"), (64, 1, 1), ""),
])
def test_where_it_cannot_stand_it_says_why(option: Option, shape: tuple[int, ...], reason: str) -> None:
    assert option.unfit(shape) == reason
    if reason:
        with pytest.raises(ValueError, match=r"No transfer layer .* can stand here"):
            halves(option, shape)


@pytest.mark.parametrize("shape", [(4, 7, 5), (4, 6, 6)])
@pytest.mark.parametrize("option", EVERY, ids=str)
def test_the_houses_writer_can_say_each_of_them(option: Option, shape: tuple[int, ...], tmp_path) -> None:  # type: ignore[no-untyped-def]
    found = halves(option, shape)
    network = trace(torch.nn.Sequential(*found.down, *found.up).eval())
    export.to_onnx(network, shape, tmp_path / "layer.onnx")
    again = form.from_spec(form.to_spec(network))
    assert [type(layer) for layer in again.children()] == [type(layer) for layer in (*found.down, *found.up)]
