"""Where others may bring tensors: only if the owner of the board said so, and only while a run has a slice here."""

from __future__ import annotations

import argparse
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from worker.agent.state import Folder
from worker.agent.wording import Over
from worker.links import certificate

DEFAULT, OFF, FILE = 7443, "off", "data-port.json"


@dataclass(frozen=True)
class DataPort:
    """The port, and the folder of the certificate by which this board is known there."""

    port: int
    folder: Path

    @cached_property
    def certificate(self) -> certificate.Certificate:
        """The board's own; it is made when it is asked for first. Over where nothing here can make one."""
        try:
            return certificate.own(self.folder)
        except certificate.Unmade as why:
            raise Over(f"The data port needs a certificate: {why}") from None

    def about(self, portal: tuple[str, int]) -> dict[str, Any]:
        """What the portal is told with every beat."""
        return {"port": self.port, "fingerprint": self.certificate.fingerprint, "host": own_address(portal)}


def chosen(word: str) -> int | None:
    """What stands behind `--data-port`: a port, or `off`."""
    if word == OFF:
        return None
    if word.isascii() and word.isdigit() and 1 <= int(word) <= 65535:
        return int(word)
    raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, or {OFF}; got {word[:40]!r}")


def keep(folder: Folder, port: int | None) -> None:
    """What the owner said holds until something else is said."""
    if port is None:
        folder.forget(FILE)
    else:
        folder.write(FILE, {"port": port})


def of(folder: Folder) -> DataPort | None:
    """None where nobody is to connect to this board."""
    kept = folder.read(FILE)
    return DataPort(int(kept["port"]), folder.path / "data-certificate") if kept else None


def own_address(portal: tuple[str, int]) -> str:
    """By which the portal's network knows this board: that of the way to it. Nothing is sent."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(*portal, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as way:
            way.connect(place)
            return str(way.getsockname()[0])
    except OSError:
        return ""
