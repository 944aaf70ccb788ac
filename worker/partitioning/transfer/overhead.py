"""What a transfer layer takes: its two halves in ONNX Runtime, each by itself, and the packing of what is sent."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.events import Event, Progress
from worker.links import frames
from worker.links.frames import Frame
from worker.partitioning.transfer.exporting import layer_files
from worker.partitioning.transfer.layers import Halves
from worker.partitioning.transfer.options import Option, Shape
from worker.profiling import onnx
from worker.profiling.stopwatch import Call, Plan, Timing, clock

PLAN = Plan(warmup=2, least=20, seconds=0.05, rounds=4)
BRIEF = Plan(warmup=1, least=8, seconds=0.004, rounds=2)
ROOM = 1 << 16
TENSOR, KIND = "x", "image"


@dataclass(frozen=True)
class Overhead:
    """Medians in seconds; `wire_bytes`: what a frame with one image takes on a connection, its head and names included."""

    down_s: float
    convert_s: float
    up_s: float
    wire_bytes: int

    @property
    def total_s(self) -> float:
        return self.down_s + self.convert_s + self.up_s


def measured(
    option: Option, made: Halves, shape: Shape, *, folder: Path, threads: int, plan: Plan = PLAN,
) -> Generator[Event, None, Overhead]:
    """For one image, on this computer. The two halves lie in `folder` as files of their own."""
    crossing, is_int8 = option.crossing(shape), option.numbers != "float32"
    files = layer_files(made.down, made.up, shape, crossing, is_int8=is_int8, folder=folder)
    image = np.random.default_rng(0).standard_normal((1, *shape), dtype=np.float32)
    sent = np.zeros((1, *crossing), np.int8 if is_int8 else np.float32)
    timings = yield from timed({
        "down": _fed(files[0], image, threads), "convert": packed(sent), "up": _fed(files[1], sent, threads)}, plan)
    down_s, convert_s, up_s = (timings[name].p50_ms / 1e3 for name in ("down", "convert", "up"))
    return Overhead(down_s, convert_s, up_s, frames.size(_frame(sent)))


def timed(calls: dict[str, Call], plan: Plan) -> Generator[Event, None, dict[str, Timing]]:
    running = clock(calls, plan)
    while True:
        try:
            yield Progress(done=next(running), total=1, stage="timing the transfer layer")
        except StopIteration as end:
            timings: dict[str, Timing] = end.value
            return timings


def packed(sent: NDArray[Any]) -> Call:
    """One call packs a tensor into a frame and takes it out again on the other side."""
    frame, most = _frame(sent), sent.nbytes + ROOM

    def call() -> object:
        content = b"".join(frames.parts(frame))
        return frames.read(io.BytesIO(content), most)

    return call


def _frame(sent: NDArray[Any]) -> Frame:
    return Frame(KIND, {"image": 1}, {TENSOR: sent})


def _fed(file: Path, given: NDArray[Any], threads: int) -> Callable[[], object]:
    session = onnx.session(file, threads=threads, is_one_of_many=True)
    feed = {session.get_inputs()[0].name: given}
    return lambda: session.run(None, feed)


def networks_s(files: Sequence[Path], shapes: Sequence[Shape], *, threads: int, plan: Plan = PLAN) -> Generator[
        Event, None, list[float]]:
    """Median seconds of one image through each of these networks, turn by turn."""
    calls = {str(number): _fed(file, np.zeros((1, *shape), np.float32), threads)
             for number, (file, shape) in enumerate(zip(files, shapes, strict=True))}
    timings = yield from timed(calls, plan)
    return [timings[name].p50_ms / 1e3 for name in calls]
