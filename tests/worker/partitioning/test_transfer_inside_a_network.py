"""A transfer layer inside a network: what it changes, what it does not, and the two files that it becomes."""

from __future__ import annotations

import io
import socket
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import fx, nn

from worker import datasets
from worker.context import DatasetInput
from worker.datasets import Data
from worker.dnn import architectures, export, files
from worker.dnn.export.parity import Parity, refuse_strangers
from worker.dnn.form import to_spec, trace
from worker.links import frames
from worker.links.frames import Frame
from worker.links.wire import Wire
from worker.partitioning.transfer.calibration import calibrated
from worker.partitioning.transfer.exporting import exported, run
from worker.partitioning.transfer.insertion import Placed, inserted, shape_at
from worker.partitioning.transfer.layers import Halves, halves
from worker.partitioning.transfer.options import IDENTITY, Option, read
from worker.partitioning.transfer.overhead import BRIEF, measured
from worker.partitioning.transfer.rounding import Straight, settled
from worker.profiling.onnx import session

SHAPE = (1, 8, 8)
LINES = ("identity", "max-pool", "average", "strided", "bottleneck 2", "identity, int8", "max-pool, int8",
         "average, int8 per channel", "strided, int8", "bottleneck 3, int8 per channel")


def ended(running: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(running)
        except StopIteration as end:
            return end.value


@cache
def digits() -> Data:
    return datasets.load(DatasetInput("digits"))


@cache
def lenet() -> fx.GraphModule:
    return architectures.build("lenet5", 10, SHAPE, seed=3)


def images(count: int = 4) -> torch.Tensor:
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(5))


def made_for(line: str, after: str = "relu1") -> Halves:
    made: Halves = ended(calibrated(lenet(), SHAPE, after, read(line), digits()))
    return made


def placed_with(line: str, after: str = "relu1") -> Placed:
    found = inserted(lenet(), SHAPE, after, made_for(line, after))
    settled(found.network)
    return found


@torch.no_grad()
def test_the_identity_leaves_every_answer_bit_equal() -> None:
    found = inserted(lenet(), SHAPE, "relu1", halves(IDENTITY, shape_at(lenet(), SHAPE, "relu1")))
    assert torch.equal(found.network.eval()(images()), lenet().eval()(images()))


def test_the_network_that_it_was_put_into_is_untouched() -> None:
    before = to_spec(lenet())
    placed_with("strided, int8")
    assert to_spec(lenet()) == before


@pytest.mark.parametrize("line", LINES)
@torch.no_grad()
def test_it_is_cut_into_two_files_that_answer_as_the_whole_and_send_what_was_counted(line: str, tmp_path: Path) -> None:
    option, found = read(line), placed_with(line)
    is_int8 = option.numbers != "float32"
    made = exported(found, is_int8=is_int8, head=tmp_path / "head.onnx", tail=tmp_path / "tail.onnx")
    given = images(3).numpy()
    sent = run(made.head, given)
    assert sent.dtype == (np.int8 if is_int8 else np.float32)
    assert sent.nbytes == option.payload_bytes(shape_at(lenet(), SHAPE, "relu1"), batch=3)
    answer, whole = run(made.tail, sent), found.network(torch.from_numpy(given)).numpy()
    assert np.abs(answer - whole).max() <= (2e-2 if is_int8 else 1e-5) * np.abs(whole).max()
    assert made.max_relative <= 1e-4 and made.apart <= 0.01


def test_between_the_two_files_go_real_bytes(tmp_path: Path) -> None:
    exported(placed_with("max-pool, int8"), is_int8=True, head=tmp_path / "head.onnx", tail=tmp_path / "tail.onnx")
    assert session(tmp_path / "head.onnx", threads=1).get_outputs()[0].type == "tensor(int8)"
    assert session(tmp_path / "tail.onnx", threads=1).get_inputs()[0].type == "tensor(int8)"


def test_a_frame_takes_as_many_bytes_as_is_said(tmp_path: Path) -> None:
    option, shape = read("max-pool, int8"), shape_at(lenet(), SHAPE, "relu1")
    made = made_for("max-pool, int8")
    found = ended(measured(option, made, shape, folder=tmp_path, threads=1, plan=BRIEF))
    frame = Frame("image", {"image": 1}, {"x": np.zeros((1, *option.crossing(shape)), np.int8)})
    content = b"".join(frames.parts(frame))
    assert len(content) == found.wire_bytes
    back = frames.read(io.BytesIO(content), 1 << 20).tensors["x"]
    one, other = socket.socketpair()
    with Wire(one, 1 << 20, 5.0) as sender, Wire(other, 1 << 20, 5.0) as receiver:
        sender.send(frame)
        assert receiver.receive().tensors["x"].shape == back.shape
        assert sender.bytes_sent == receiver.bytes_received == found.wire_bytes
    assert back.nbytes == option.payload_bytes(shape) < found.wire_bytes
    assert min(found.down_s, found.convert_s, found.up_s) > 0


@pytest.mark.parametrize("line", ["max-pool, int8", "bottleneck 3, int8 per channel", "strided"])
@torch.no_grad()
def test_it_is_a_network_of_the_house_that_is_saved_and_read_again(line: str, tmp_path: Path) -> None:
    found = placed_with(line).network.eval()
    files.save(found, tmp_path / "a.safetensors", in_shape=SHAPE, classes=10, name="a")
    assert torch.equal(files.load(tmp_path / "a.safetensors").network(images()), found(images()))


def test_one_can_stand_behind_another() -> None:
    first = placed_with("max-pool, int8", "relu1").network
    made = ended(calibrated(first, SHAPE, "relu2", read("strided, int8"), digits()))
    second = inserted(first, SHAPE, "relu2", made)
    names = [str(node.target) for node in second.network.graph.nodes if "transfer" in str(node.target)]
    assert len(set(names)) == len(names) > 8
    assert second.network.eval()(images()).shape == (4, 10)


class Forked(nn.Module):
    """The result of `stem` is read twice behind the cut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.other = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)
        self.flat, self.end = nn.Flatten(), nn.Linear(4 * 36, 10)

    def forward(self, x: torch.Tensor) -> Any:
        stem = self.stem(x)
        return self.end(self.flat(self.one(stem) + self.other(stem)))


@torch.no_grad()
def test_everybody_who_read_the_layer_reads_what_comes_out_behind_the_cut() -> None:
    network = trace(Forked().eval())
    found = inserted(network, SHAPE, "stem", halves(read("max-pool"), (4, 6, 6)))
    head, tail = found.split()
    sent = head.network(images())
    assert sent.shape == (4, 4, 3, 3)
    assert torch.equal(tail.network(sent), found.network(images()))


def test_where_more_than_one_result_goes_across_there_is_no_cut() -> None:
    network = trace(Forked().eval())
    with pytest.raises(ValueError, match="parts 2 results"):
        inserted(network, SHAPE, "one", halves(read("max-pool"), (4, 6, 6)))
    with pytest.raises(ValueError, match="has no layer 'nowhere'"):
        shape_at(network, SHAPE, "nowhere")


def test_the_range_of_int8_is_what_was_seen_so_that_no_seen_number_is_cut_off() -> None:
    made = made_for("identity, int8")
    assert any(isinstance(layer, Straight) for layer in made.down)
    cut = inserted(lenet(), SHAPE, "relu1", halves(IDENTITY, shape_at(lenet(), SHAPE, "relu1"))).split()
    with torch.no_grad():
        seen = torch.cat([cut.head.network(batch) for batch in _seen()])
        scale = float(made.up[0].scale)  # type: ignore[arg-type]
        assert float((made(seen) - seen).abs().max()) <= scale * 0.5005


def _seen() -> list[torch.Tensor]:
    from worker.partitioning.transfer.calibration import some
    from worker.training.batches import in_order

    return [batch for batch, _ in in_order(digits(), some(digits()), torch.device("cpu"))]


@torch.no_grad()
def test_a_calibrated_bottleneck_loses_no_more_than_one_of_the_first_channels() -> None:
    cut = inserted(lenet(), SHAPE, "relu1", halves(IDENTITY, shape_at(lenet(), SHAPE, "relu1"))).split()
    seen, option = torch.cat([cut.head.network(batch) for batch in _seen()]), Option("bottleneck", ratio=2)
    fitted, plain = made_for("bottleneck 2"), halves(option, shape_at(lenet(), SHAPE, "relu1"))
    lost, otherwise = (float((made(seen) - seen).square().mean()) for made in (fitted, plain))
    assert lost < otherwise
    assert [type(layer) for layer in fitted.down] == [nn.Conv2d]


def test_of_a_network_that_rounds_onnx_runtime_may_answer_a_step_apart_and_of_no_other(tmp_path: Path) -> None:
    apart = Parity(max_abs=1.0, max_relative=7.8e-3)
    refuse_strangers(apart, placed_with("identity, int8").network)
    with pytest.raises(ValueError, match="differ from the network's"):
        refuse_strangers(apart, lenet())
    with pytest.raises(ValueError, match="differ from the network's"):
        refuse_strangers(Parity(max_abs=9.0, max_relative=0.5), placed_with("identity, int8").network)
    assert export.to_onnx(placed_with("identity, int8").network, SHAPE, tmp_path / "a.onnx").max_relative <= 2e-2
