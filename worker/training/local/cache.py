"""What a block learns from: the images, or what the blocks before it made of them, in files that a crash leaves whole."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from worker.datasets import Data, normalise
from worker.events import Progress
from worker.profiling.pulse import Pulse

PartName = Literal["train", "validation"]
PARTS: tuple[PartName, ...] = ("train", "validation")
SECONDS = "seconds"
Dtype = Literal["float32", "float16"]
Through = Callable[[Tensor], Tensor]


class Source(Protocol):
    """Samples by their places in a part, as float32."""

    def take(self, part: PartName, places: Tensor | slice) -> Tensor: ...


class Images:
    """The data set's own images, normalised."""

    def __init__(self, data: Data) -> None:
        self.data = data

    def take(self, part: PartName, places: Tensor | slice) -> Tensor:
        return normalise(torch.as_tensor(self.data.parts[part].images)[places], self.data)


class Stored:
    """What `write` left, memory-mapped: only the samples of a batch are read."""

    def __init__(self, folder: Path) -> None:
        self.arrays = {part: np.load(folder / f"{part}.npy", mmap_mode="r") for part in PARTS}

    def take(self, part: PartName, places: Tensor | slice) -> Tensor:
        rows = self.arrays[part][places.numpy() if isinstance(places, Tensor) else places]
        return torch.from_numpy(np.array(rows)).to(torch.float32)


class Caches:
    """The caches of a run, each in a folder named after the block that made it; one that is not whole is not there."""

    def __init__(self, folder: Path, data: Data, dtype: Dtype = "float32") -> None:
        self.folder, self.data, self.dtype = folder, data, dtype
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, block: int) -> bool:
        return block == 0 or (self.folder / str(block)).is_dir()

    def open(self, block: int) -> Source:
        return Images(self.data) if block == 0 else Stored(self.folder / str(block))

    def write(self, block: int, through: Through, shape: tuple[int, ...], batch: int) -> Generator[Progress, None, None]:
        """Cache number `block`, of the one before run through the block; that one is deleted once this one is safe."""
        begun, source, half = time.monotonic(), self.open(block - 1), self.folder / f"{block}.tmp"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir()
        pulse = Pulse()
        for part in PARTS:
            for done, total in self._written(half / f"{part}.npy", part, source, through, shape, batch):
                if pulse.due():
                    yield Progress(done=done, total=total, stage=f"{part} images into the cache")
        (half / SECONDS).write_text(repr(self.seconds(block - 1) + time.monotonic() - begun))
        _synced(half / SECONDS)
        _synced(half)
        half.rename(self.folder / str(block))
        _synced(self.folder)
        self.drop(block - 1)

    def seconds(self, block: int) -> float:
        """What it took to write this cache and all before it, in whichever attempt; 0 for one that is not there."""
        kept = self.folder / str(block) / SECONDS
        return float(kept.read_text()) if kept.exists() else 0.0

    def _written(
        self, path: Path, part: PartName, source: Source, through: Through, shape: tuple[int, ...], batch: int,
    ) -> Iterator[tuple[int, int]]:
        count = len(self.data.parts[part])
        array = np.lib.format.open_memmap(path, mode="w+", dtype=self.dtype, shape=(count, *shape))
        for begin in range(0, count, batch):
            some = slice(begin, min(begin + batch, count))
            array[some] = through(source.take(part, some)).cpu().numpy()
            yield some.stop, count
        array.flush()
        del array
        _synced(path)

    def drop(self, block: int) -> None:
        """Nobody reads it any more."""
        shutil.rmtree(self.folder / str(block), ignore_errors=True)

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def bytes(self, shape: tuple[int, ...]) -> int:
        """What a cache of results of this shape takes on the disk."""
        images = sum(len(self.data.parts[part]) for part in PARTS)
        return images * int(np.prod(shape)) * np.dtype(self.dtype).itemsize


def _synced(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
