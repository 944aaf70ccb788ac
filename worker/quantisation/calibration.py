"""Which range of numbers each result of a network takes, seen on images of the train part."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod
from onnxruntime.quantization.calibrate import TensorData, TensorsData, create_calibrator
from torch import Tensor

from worker.context import Checkpoints, write_durably
from worker.datasets import Data, normalise
from worker.dnn.shapes import shapes
from worker.events import Event, Progress
from worker.profiling.recall import Work, once
from worker.quantisation.graph import Folded

Method = Literal["minmax", "entropy", "percentile"]
METHODS = {"minmax": CalibrationMethod.MinMax, "entropy": CalibrationMethod.Entropy, "percentile": CalibrationMethod.Percentile}
# Results of all images of one step are held in memory together.
STEP_NUMBERS = 1 << 24
MOST_A_STEP = 16
Images = NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """`percentile`: with that method, the share of numbers that a range keeps. The seed draws the images."""

    method: Method = "minmax"
    images: int = 128
    percentile: float = 99.99
    seed: int = 7


def ranges(
    folded: Folded, data: Data, rules: Calibration, kinds: list[str], *, folder: Path, checkpoints: Checkpoints
) -> Generator[Event, None, TensorsData]:
    """The range of every result, by its name in the file. Seen once a run; a resumed run recalls it."""
    found = yield from once(checkpoints, "ranges", _seen(folded, data, rules, kinds, folder))
    held = {name: _range(*pair) for name, pair in found.items()}
    return TensorsData(METHODS[rules.method], held)


def _range(low: float, high: float) -> TensorData:
    return TensorData(lowest=np.float32(low), highest=np.float32(high))


def _seen(folded: Folded, data: Data, rules: Calibration, kinds: list[str], folder: Path) -> Work:
    calibrator = _calibrator(folded, rules, kinds, folder)
    part, order, step = data.parts["train"], drawn(data, rules), _step(folded)
    for begin in range(0, len(order), step):
        images = normalise(part.images[order[begin : begin + step]], data).numpy()
        calibrator.collect_data(_One(images))
        yield Progress(done=min(begin + step, len(order)), total=len(order), stage="calibration images")
    found = calibrator.compute_data()
    return {name: [np.asarray(each.lowest).item(), np.asarray(each.highest).item()] for name, each in found.items()}


def _calibrator(folded: Folded, rules: Calibration, kinds: list[str], folder: Path) -> Any:
    """onnxruntime's, which reads and writes files; they lie in the run's folder and are gone before it works."""
    plain, watched = folder / "calibration.onnx", folder / "calibration-watched.onnx"
    write_durably(plain, folded.typed.SerializeToString())
    try:
        return create_calibrator(plain, kinds, str(watched), METHODS[rules.method],
                                 extra_options={"percentile": rules.percentile, "symmetric": False})
    finally:
        plain.unlink(missing_ok=True)
        watched.unlink(missing_ok=True)


def drawn(data: Data, rules: Calibration) -> Tensor:
    """Which images are looked at: a fixed draw of places in the train part, so that no test image is ever seen."""
    order = torch.randperm(len(data.parts["train"]), generator=torch.Generator().manual_seed(rules.seed))
    return order[: rules.images]


def _step(folded: Folded) -> int:
    """How many images at once: few where the results of one are large."""
    numbers = sum(int(np.prod(shape)) for shape in shapes(folded.network, folded.in_shape).values())
    return max(1, min(MOST_A_STEP, STEP_NUMBERS // max(1, numbers)))


class _One(CalibrationDataReader):  # type: ignore[misc]
    """A single step's images, once."""

    def __init__(self, images: Images) -> None:
        self._left: Images | None = images

    def get_next(self) -> dict[str, Images] | None:
        images, self._left = self._left, None
        return None if images is None else {"input": images}
