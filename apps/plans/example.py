"""Something to plan with before anything was measured: three emulated devices, which say that they are.

`example.csv` holds what MobileNetV2 (224 x 224, 1000 classes, an architecture of the house) is, block by block. A time is what
its multiplications and its memory traffic need at the speeds of a made-up machine; no such machine was timed, and no number says
that it was.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction

from apps.accounts.models import Team, User
from apps.devices import profiles
from apps.devices.links import actions as links
from apps.devices.models import Origin
from worker.profile import Block, Hardware, NetworkProfile
from worker.profile.document import Document

NETWORK = "MobileNetV2 (example)"
INPUT_BYTES = 3 * 224 * 224 * 4
FACTS = Path(__file__).with_suffix(".csv")


class Machine(NamedTuple):
    """Made up. `macs`, `octets`: what it multiplies and moves in a second."""

    name: str
    tier: Any
    macs: float
    octets: float

    @property
    def words(self) -> str:
        return f"emulated: {self.macs / 1e9:g} GMAC/s, memory {self.octets / 1e9:g} GB/s"


MACHINES = (Machine("example board", "device", 2e9, 2e9), Machine("example box", "edge", 2e10, 1e10),
            Machine("example server", "cloud", 4e11, 2e11))
# Round trip in ms and Mbit/s, there and back.
LINKS = {("example board", "example box"): (5, 40), ("example board", "example server"): (40, 15),
         ("example box", "example server"): (30, 200)}


def bring(user: User, team: Team) -> str:
    """The name of the network. What is there already stays as it is; Refused for those who may not."""
    with transaction.atomic():
        for machine in MACHINES:
            profiles.bring(user, team, document(machine), f"{machine.name}.json")
        links.take_in(user, team, "\n".join(["source,destination,ping(ms),bandwidth(mbps)", *_lines()]), Origin.TYPED)
    return NETWORK


def document(machine: Machine) -> bytes:
    """The machine and its profile, as a file would bring them."""
    hardware = Hardware(name=machine.name, tier=machine.tier, hardware=machine.words, labels=("example", "emulated"))
    profile = NetworkProfile(network=NETWORK, blocks=tuple(_blocks(machine)), input_bytes=INPUT_BYTES, engine="made up",
                             threads=1, origin="emulated")
    return Document(device=hardware, profiles=(profile,)).model_dump_json(exclude_none=True).encode()


def _blocks(machine: Machine) -> Iterator[Block]:
    sent = (INPUT_BYTES, *(int(row["output_bytes"]) for row in _facts()))
    for row, (given, made) in zip(_facts(), pairwise(sent), strict=True):
        sizes = {name: int(row[name]) for name in ("macs", "params_bytes", "activation_bytes")}
        seconds = sizes["macs"] / machine.macs + (given + made + sizes["params_bytes"]) / machine.octets
        yield Block(first=row["first"], last=row["last"], seconds=seconds, output_bytes=made, **sizes)


@cache
def _facts() -> tuple[dict[str, str], ...]:
    with FACTS.open(newline="") as rows:
        return tuple(csv.DictReader(rows))


def _lines() -> Iterator[str]:
    for (source, target), (latency_ms, mbps) in LINKS.items():
        yield from (f"{one},{other},{latency_ms},{mbps}" for one, other in ((source, target), (target, source)))
