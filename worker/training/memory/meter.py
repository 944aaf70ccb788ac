"""What training really takes: the peak of living tensors on a CPU, the allocator's on a CUDA device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from worker.training.memory.living import Living, size_of

# Noting each tensor costs time, and every step of one batch size takes the same: the first ones are measured.
STEPS = 2


class Meter:
    """`peak_bytes` of the steps that ran inside `step`. `resident()` gives the tensors that are there before and after each.

    On a CPU the first steps alone are measured, of which the second has the optimiser's state from its beginning on; on CUDA
    all of them are, less what was there before the meter and is none of the training's.
    """

    def __init__(self, device: torch.device, steps: int = STEPS) -> None:
        self.device, self.left, self.peak_bytes = device, steps, 0
        self._others = 0

    def begin(self, resident: Iterable[Tensor]) -> None:
        """What else lies on a CUDA device when training begins is none of its own."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            own = size_of(tensor for tensor in resident if tensor.device.type == "cuda")
            self._others = torch.cuda.memory_allocated(self.device) - own

    @contextmanager
    def step(self, resident: Iterable[Tensor], given: Iterable[Tensor]) -> Iterator[None]:
        """Measures what runs inside; `given` is the batch."""
        if self.device.type == "cuda":
            yield
            self.peak_bytes = torch.cuda.max_memory_allocated(self.device) - self._others
            return
        if not self.left:
            yield
            return
        living = Living()
        living.note((*resident, *given))
        with living:
            yield
        self.peak_bytes = max(self.peak_bytes, living.peak)

    def stepped(self) -> None:
        """A whole step is behind, of all units that were trained in it."""
        self.left = max(0, self.left - 1)
