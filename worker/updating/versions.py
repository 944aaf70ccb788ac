"""A network's state put into the file that a device holds, which must have a place for each of its numbers."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from worker.firstlook.sentences import Unfit
from worker.updating.places import places, put

# Counts batches while training; no answer depends on it, and an ONNX file has none.
COUNTER = "num_batches_tracked"
STATISTICS = ("running_mean", "running_var")
FOLDED = ("The file has batch-norm folded into its convolutions ({name} is missing), so that a changed statistic would change "
          "every weight of a layer: export it with batch-norm as a node of its own to update it.")
MISSING = "The file has no place for {name}: it was not exported from this network."


def version(base: bytes, state: Mapping[str, Tensor]) -> bytes:
    """`base` (safetensors or ONNX) with the numbers of `state`. Unfit when it has no place for one, with the reason."""
    there = {place.name for place in places(base)}
    for name in state:
        if name not in there and not name.endswith(COUNTER):
            raise Unfit((FOLDED if _of_norm(name, state) else MISSING).format(name=name))
    return put(base, {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in state.items()})


def _of_norm(name: str, state: Mapping[str, Tensor]) -> bool:
    layer = name.rpartition(".")[0]
    return any(f"{layer}.{statistic}" in state for statistic in STATISTICS)
