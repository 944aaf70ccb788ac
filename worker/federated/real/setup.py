"""What an edge server's or a device's process is told when it starts, and a device before each round, as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from worker.context import DatasetInput
from worker.links.wire import Address, Wire, connect

Role = Literal["edge", "device"]
EDGE: Role = "edge"
DEVICE: Role = "device"


@dataclass(frozen=True)
class Setup:
    """`network`: a file of the house, for its layers; weights come with each round. `data` and `file`: the data set that a device
    loads by itself. `patience_s`: how long anybody is waited for."""

    role: Role
    name: str
    network: str
    token: str
    run: str
    most_bytes: int
    patience_s: float
    threads: int = 1
    data: str = ""
    file: str = ""

    def as_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Setup:
        return cls(**json.loads(line))

    @property
    def network_file(self) -> Path:
        return Path(self.network)

    @property
    def dataset(self) -> DatasetInput:
        return DatasetInput(self.data, Path(self.file) if self.file else None)

    def reach(self, address: Address) -> Wire:
        """A connection to an edge server; a LinkFault where there is none."""
        return connect(address, token=self.token, run=self.run, patience_s=self.patience_s, most_bytes=self.most_bytes)


@dataclass(frozen=True)
class Order:
    """Where a device belongs in a round: its edge server, and how each one that it may go to is reached. `fault`: what it is
    to do wrong."""

    round: int
    home: str
    routes: Mapping[str, Address]
    fault: str = ""

    def as_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Order:
        told = json.loads(line)
        routes = {str(edge): (str(host), int(port)) for edge, (host, port) in told["routes"].items()}
        return cls(int(told["round"]), str(told["home"]), routes, str(told["fault"]))
