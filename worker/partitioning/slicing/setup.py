"""What a slice host is told by who starts it, and where a part is reached. JSON on both sides."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from worker.links.faults import LinkFault, Refused
from worker.links.wire import Wire, connect

Engine = Literal["onnxruntime", "torch"]
# A frame has tensors, their names and shapes, and facts beside them.
BESIDE_TENSORS = 1 << 20
HERE = "127.0.0.1"


@dataclass(frozen=True)
class Setup:
    """`file`: of the slice; empty where the part only holds the input. `part` counts from 1. `certificate`: the PEM file of the
    host's own one; without it nothing is encrypted. `port` 0 is chosen by the system. `idle_s`: the host ends when nobody speaks
    for so long. `onward`: the port on this very board from which the portal carries to the part behind; 0 where none is."""

    part: int
    name: str
    file: str
    engine: Engine
    token: str
    run: str
    most_bytes: int
    threads: int = 1
    host: str = HERE
    port: int = 0
    certificate: str = ""
    idle_s: float = 900.0
    onward: int = 0

    def as_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Setup:
        return cls(**json.loads(line))


@dataclass(frozen=True)
class Stop:
    """Where the host of a part is reached from the part before it: `addresses` are tried in order; with none of them it is
    reached by way of the portal, from a place that the part before knows. `run`: what it serves, in its own words. `pin`: the
    SHA-256 fingerprint of its certificate; without one nothing is encrypted."""

    addresses: tuple[str, ...]
    port: int
    run: str
    token: str
    pin: str | None = None

    def as_facts(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Stop:
        return cls(tuple(map(str, facts["addresses"])), int(facts["port"]), str(facts["run"]), str(facts["token"]), facts["pin"])

    def by(self, onward: int) -> Stop:
        """The same, as it is reached by the relay that listens here; 0: there is none."""
        return replace(self, addresses=(HERE,), port=onward) if onward and not self.addresses else self

    def reach(self, patience_s: float, most_bytes: int) -> Wire:
        """Connect; the last address's fault where none answers."""
        for place, host in enumerate(self.addresses, 1):
            try:
                return connect((host, self.port), token=self.token, run=self.run, pin=self.pin, patience_s=patience_s,
                               most_bytes=most_bytes)
            except LinkFault:
                if place == len(self.addresses):
                    raise
        raise Refused("Nobody can connect to it, and nobody here relays to it.")
