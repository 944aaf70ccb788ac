"""What training really takes: the peak of living tensors on a CPU, the allocator's on a CUDA device."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from worker.training.memory.living import Living, size_of

# Noting each tensor costs time, and every step of one batch size takes the same: the first ones are measured.
STEPS = 2


class Meter:
    """`peak_bytes` of the steps between `begin` and `end`, of what runs inside `counted`.

    On a CPU the first steps alone are measured, of which the second has the optimiser's state from its beginning on; on CUDA
    all of them are, less what was there before the meter and is none of the training's.
    """

    def __init__(self, device: torch.device, resident: Iterable[Tensor], steps: int = STEPS) -> None:
        self.device, self.left, self.peak_bytes = device, steps, 0
        self._living: Living | None = None
        self._others = 0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            own = size_of(tensor for tensor in resident if tensor.device.type == "cuda")
            self._others = torch.cuda.memory_allocated(device) - own

    def begin(self, resident: Iterable[Tensor], given: Iterable[Tensor]) -> None:
        """A step begins: what is there already, and the batch."""
        if self.left and self.device.type != "cuda":
            self._living = Living()
            self._living.note((*resident, *given))

    def counted(self) -> AbstractContextManager[object]:
        """What runs inside is part of the step."""
        return self._living or nullcontext()

    def end(self) -> None:
        if self.device.type == "cuda":
            self.peak_bytes = torch.cuda.max_memory_allocated(self.device) - self._others
        elif self._living:
            self.peak_bytes = max(self.peak_bytes, self._living.peak)
            self._living, self.left = None, self.left - 1
