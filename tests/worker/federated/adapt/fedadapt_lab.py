"""A lab of five devices on a simulator: two Raspberry Pi 3, two Pi 4, a Jetson, a server, Wi-Fi; VGG-5, batches of 100."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.federated.adapt.mapping import Points

BATCH, WIFI_MBPS, ROUND_TRIP_S = 100, 75.0, 0.004
MACS = (884_736, 0, 4_718_592, 0, 2_359_296, 524_288, 1_280)
SENT_MB = (13.1072, 3.2768, 6.5536, 1.6384, 1.6384, 0.0512)
VGG5 = Points(tuple(float(each) for each in np.cumsum(MACS) / sum(MACS)))
# Forward MACs per second; the server's is that of one client's thread.
PI3, PI4, JETSON, SERVER = 0.42e9, 0.67e9, 17e9, 8.5e9
SPEEDS = (PI4, PI4, PI3, PI3, JETSON)


class Testbed:
    """Seconds per iteration: three forward passes' work on each side, what is sent there and back, two round trips. `mbps`: of
    each client. `slow_windows`: for ten rounds all is well, then one client after the other has 4 Mbit/s for ten
    rounds, and again. `shared`: those who offload share the server."""

    __test__ = False

    def __init__(self, speeds: Sequence[float] = SPEEDS, mbps: Sequence[float] | None = None, *, noise: float = 0.0,
                 shared: bool = False, slow_windows: bool = False, seed: int = 0) -> None:
        self.speeds, self.shared, self.noise = np.asarray(speeds), shared, noise
        self.links = np.full(len(speeds), WIFI_MBPS) if mbps is None else np.asarray(mbps, dtype=float)
        self.slow_windows, self.rounds, self.draws = slow_windows, 0, np.random.default_rng(seed)

    def mbps(self) -> list[float]:
        links = self.links.copy()
        if self.slow_windows:
            window = self.rounds // 10 % (len(links) + 1)
            links[window - 1] = 4.0 if window else links[window - 1]
        return links.tolist()

    def seconds(self, cuts: Sequence[int]) -> list[float]:
        links, macs = self.mbps(), 3 * BATCH * np.cumsum(MACS)
        self.rounds += 1
        share = max(1, sum(cut < VGG5.native for cut in cuts)) if self.shared else 1
        told = []
        for speed, link, cut in zip(self.speeds, links, cuts, strict=True):
            time = macs[cut] / speed
            if cut < VGG5.native:
                time += (macs[-1] - macs[cut]) * share / SERVER + 2 * SENT_MB[cut] * 8 / link + 2 * ROUND_TRIP_S
            told.append(float(time * (1 + self.noise * self.draws.uniform(-1, 1))))
        return told
