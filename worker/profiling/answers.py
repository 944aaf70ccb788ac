"""What an ONNX file answers to a part of the data, in the engine that devices run: what is judged is what ships."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.context import Context
from worker.datasets import Data, normalise
from worker.datasets.data import PartName
from worker.events import Event, Progress
from worker.profiling import onnx
from worker.profiling.pulse import Pulse
from worker.profiling.recall import Work, once
from worker.profiling.written import Written

BATCH = 32


@dataclass(frozen=True)
class Answers:
    """The class named for each image of a part. `finite`: every number behind them was one."""

    classes: NDArray[np.int64]
    labels: NDArray[np.int64]
    finite: bool

    @property
    def correct(self) -> int:
        return int((self.classes == self.labels).sum())

    def agreement(self, other: Answers) -> float:
        """The part of the images for which both name the same class."""
        return float((self.classes == other.classes).mean())


def answers(variant: Written, data: Data, context: Context, *, split: PartName = "test") -> Generator[Event, None, Answers]:
    """Asked once a run; a resumed run recalls them."""
    work = _asked(variant.onnx, variant.name, data, split, context.threads)
    found = yield from once(context.checkpoints, f"answers-{variant.path.stem}-{split}", work)
    labels = np.asarray(data.parts[split].labels, dtype=np.int64)
    return Answers(np.asarray(found["classes"], dtype=np.int64), labels, found["finite"])


def _asked(path: Path, name: str, data: Data, split: PartName, threads: int) -> Work:
    session, part, pulse = onnx.session(path, threads=threads), data.parts[split], Pulse()
    given, classes, finite = session.get_inputs()[0].name, list[int](), True
    for begin in range(0, len(part), BATCH):
        images = normalise(part.images[begin : begin + BATCH], data).numpy()
        numbers: Any = session.run(None, {given: images})[0]
        classes += numbers.argmax(1).tolist()
        finite &= bool(np.isfinite(numbers).all())
        if pulse.due():
            yield Progress(done=len(classes), total=len(part), stage=f"{split} images, {name}")
    return {"classes": classes, "finite": finite}
