"""The other engine: torch, operation by operation, as in training."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from worker.profiling.stopwatch import Call

ENGINE = "torch"


def runner(network: torch.nn.Module, in_shape: Sequence[int], *, batch: int, threads: int) -> Call:
    """One call is one inference of `batch` random images on the processor."""
    torch.set_num_threads(threads)
    images = torch.randn((batch, *in_shape), generator=torch.Generator().manual_seed(0))
    network.eval()

    def call() -> object:
        with torch.inference_mode():
            return network(images)

    return call
