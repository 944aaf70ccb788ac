"""What transfer layers offer a network, held against its profiles: where each one stands, and what it takes on every device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worker.partitioning.joint.versions import Layer
from worker.partitioning.planner.problem import Floats
from worker.partitioning.preparing import Network
from worker.planning.offers import Offer, OfferAsked

# What sizes of the same tensor may be off by: files of other tools count a head with it.
HEAD_BYTES, SHARE_OFF = 256, 0.01
LEAST_DROP = 1e-9
OTHER_FILE = ("Transfer layers of {name} were made of another file of it than the one that was profiled (their SHA-256 differ): "
              "times of its blocks are taken to be the same.")


@dataclass(frozen=True, eq=False)
class Fitted:
    """An offer where it fits. `is_measured`: R, whether its times on that resource were measured there."""

    offer: Offer
    layer: Layer
    is_measured: tuple[bool, ...]


@dataclass(frozen=True)
class Ground:
    """What offers are held against: the network as its profiles have it, R devices by name, what their profiles' files are."""

    network: Network
    devices: tuple[str, ...]
    batch: int
    files: frozenset[str] = frozenset()


def allowed(offers: Sequence[OfferAsked], most_drop: float | None, ground: Ground, warnings: list[str]) -> tuple[Fitted, ...]:
    """Those that cost at most so much accuracy, of one layer at one cut the first. What does not fit is told."""
    most = -1.0 if most_drop is None else most_drop + LEAST_DROP
    kept = {each.offer.title: each for each in reversed(offers) if most_drop is not None and each.offer.drop <= most}
    found = list[Fitted]()
    for each in reversed(kept.values()):
        why = unfit(each.offer, ground)
        if why:
            warnings.append(f"{each.offer.title} is left out: {why}")
        else:
            found.append(fit(each, ground, warnings))
    return tuple(found)


def unfit(offer: Offer, ground: Ground) -> str:
    """Why it cannot stand in this network, in a sentence; empty where it can."""
    ends = [last for _, last in ground.network.layers]
    if ends.count(offer.after) != 1 or offer.after == ends[-1]:
        return f"no block of its profiles ends with {offer.after}, so it cannot be cut there."
    crosses, raw = int(ground.network.output_bytes[ends.index(offer.after)]), offer.raw_bytes * ground.batch
    if abs(crosses - raw) > HEAD_BYTES + SHARE_OFF * crosses:
        return f"{crosses:,} bytes cross there by the profiles, {raw:,} where it was trained: it is of another network."
    return ""


def fit(asked: OfferAsked, ground: Ground, warnings: list[str]) -> Fitted:
    """Times of other devices than the one that was measured are scaled by what the whole network takes on both."""
    offer, names = asked.offer, ground.devices
    factors = _factors(asked, ground)
    if factors is None:
        warnings.append(f"The times of {offer.layer} were measured on {offer.device}, of which no profile of {offer.network} is "
                        "known: they are taken as they are on every device.")
        factors = np.ones(len(names))
    if offer.network_sha256 and ground.files and offer.network_sha256 not in ground.files:
        warnings.append(OTHER_FILE.format(name=offer.network))
    cut = [last for _, last in ground.network.layers].index(offer.after) + 1
    down, up = ground.batch * (offer.down_s + offer.convert_s) * factors, ground.batch * offer.up_s * factors
    return Fitted(offer, Layer(cut, ground.batch * offer.bytes, down, up, offer.accuracy, offer.params_bytes, offer.title),
                  tuple(name == offer.device for name in names))


def _factors(asked: OfferAsked, ground: Ground) -> Floats | None:
    """R: how many times as long a device takes as the one that was measured."""
    totals, names = ground.network.seconds.sum(axis=1), ground.devices
    own = names.index(asked.offer.device) if asked.offer.device in names else None
    reference = float(totals[own]) if own is not None else asked.reference_s
    return None if not reference else np.asarray(totals / reference, np.float64)
