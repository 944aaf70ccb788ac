"""Seconds of a batch of split training, from what devices compute and links carry: predicted, and called so wherever it is shown.

A training step costs three forward passes (forwards, and backwards for weights and for inputs); a third of it lies before the
message, two thirds behind it. A message takes the link's latency and its bytes over the bandwidth, each way. Wu et al.:
"FedAdapt", 2022, arXiv 2107.04271, measures such times; the model is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.federated.places import Place
from worker.planning.fleet import Speed

STEP = 3.0
LABEL_BYTES = 8


@dataclass(frozen=True)
class Legs:
    """Seconds of a batch, leg by leg. `up_bytes` and `down_bytes` go over the link."""

    forward_s: float
    up_s: float
    edge_s: float
    down_s: float
    backward_s: float
    up_bytes: int
    down_bytes: int

    @property
    def compute_s(self) -> float:
        return self.forward_s + self.backward_s

    @property
    def send_s(self) -> float:
        return self.up_s + self.down_s

    @property
    def total_s(self) -> float:
        """Where nobody queues."""
        return self.compute_s + self.send_s + self.edge_s


def legs(place: Place, speed: Speed, edge_macs_per_s: float, batch: int) -> Legs:
    """A batch of so many images at this offloading point."""
    device_s = STEP * place.share * place.macs * batch / speed.macs_per_s
    if place.is_whole:
        return Legs(device_s / 3, 0.0, 0.0, 0.0, 2 * device_s / 3, 0, 0)
    up, down = batch * (place.sent_bytes + LABEL_BYTES), batch * place.sent_bytes
    edge_s = STEP * (1 - place.share) * place.macs * batch / edge_macs_per_s
    return Legs(device_s / 3, speed.sends(up), edge_s, speed.sends(down), 2 * device_s / 3, up, down)
