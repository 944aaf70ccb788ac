"""What a run with transfer layers is asked for. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from worker.partitioning.transfer.options import Option


@dataclass(frozen=True)
class Asked:
    """`after`: the layer to cut behind; empty: where it pays most between two `devices`, by the profiles of `network`,
    with `least_blocks` of them before it.

    Accepted is what loses at most `most_drop` (a share) of the validation accuracy; the run ends with `wanted` accepted ones or
    after `tries`. `epochs`: of training on with a transfer layer; `epochs_before`: of a network that came untrained.
    `latency_ms`, `bandwidth_mbps` and `receiver_speed` are taken where no profile and no link says it.
    """

    after: str
    network: str
    devices: tuple[str, ...]
    least_blocks: int
    layers: tuple[Option, ...]
    most_drop: float
    wanted: int
    tries: int
    epochs: int
    epochs_before: int
    learning_rate: float
    batch_size: int
    distillation: float
    restoring: float
    augment: Literal["none", "crop_flip"]
    latency_ms: float
    bandwidth_mbps: float
    receiver_speed: float
