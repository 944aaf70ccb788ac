"""A process that takes updates one after the other, killed (kill -9) at a moment drawn by lot: what is on its disk then."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from worker.addressed import BATCH, signed
from worker.updating.change import make
from worker.updating.deployed import Deployed, Taken
from worker.updating.trial import kept
from worker.updating.version_files import Version

DEVICE = "board"
# A process forked from this one begins at once: no import is in flight when the first byte is written.
FORK = multiprocessing.get_context("fork")


@dataclass
class Board:
    """A device's folder, the two files it goes back and forth between, and the portal's key.

    `bare`: it serves nothing yet, and its first update is a first network. `batch`: a folder with images that come beside each.
    """

    folder: Path
    old: bytes
    new: bytes
    bare: bool = False
    batch: Path | None = None

    def __post_init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.there, self.back = make(self.old, self.new), make(self.new, self.old)
        self.deployed = Deployed(self.folder, device=DEVICE, key=self.key.public_key().public_bytes_raw())
        self.images = kept(self.batch) if self.batch else None
        if not self.bare:
            self.deployed.begin(self.old)

    def update(self, number: int) -> bytes:
        """Odd numbers lead to the new file, even ones back; every third brings its file whole, as a first network."""
        batch = self.images.sha256 if self.images else ""
        if number % 3 == 0 or (self.bare and number == 1):
            return signed(self.rightly(number), self.key, device=DEVICE, number=number, kind="first", batch_sha256=batch)
        return signed(self.there if number % 2 else self.back, self.key, device=DEVICE, number=number, batch_sha256=batch)

    def take(self, number: int) -> Taken:
        return self.deployed.take(self.update(number), self.batch / BATCH if self.batch else None)

    def rightly(self, number: int) -> bytes:
        return self.new if number % 2 else self.old

    def takes_until_killed(self, first: int, ready: object) -> None:
        ready.set()  # type: ignore[attr-defined]
        number = first
        while True:
            self.take(number)
            number += 1

    def cut(self, after_s: float) -> tuple[int, int]:
        """Kill it `after_s` after it began; the number before, and the one found afterwards, 0 for none. AssertionError when what
        is found is damaged, or is not what its number says."""
        before = _number(self.deployed.current())
        ready = FORK.Event()
        process = FORK.Process(target=self.takes_until_killed, args=(before + 1, ready))
        process.start()
        assert ready.wait(60)
        time.sleep(after_s)
        assert process.is_alive(), "it ended by itself"
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        found = self.deployed.current()  # before anything is mended: as a program that reads it would find it
        assert found.file.read_bytes() == self.rightly(found.number) if found else self.bare and not before
        assert self.deployed.recover() == found and _number(found) >= before
        assert not list(self.folder.glob("*.tmp")) and (found or not list(self.folder.glob("*.onnx")))
        stored = kept(self.folder)
        assert stored is None or (self.images and stored.sha256 == self.images.sha256)
        return before, _number(found)


def _number(version: Version | None) -> int:
    return version.number if version else 0


def cuts(board: Board, times: int, seed: int = 1) -> list[tuple[int, int]]:
    """`times` cuts, each at another moment within some updates."""
    begun = time.monotonic()
    board.take(1)
    one_s = time.monotonic() - begun
    lot = random.Random(seed)
    return [board.cut(lot.uniform(0, 3 * one_s)) for _ in range(times)]


def bare_cuts(board: Callable[[int], Board], times: int, seed: int = 1) -> list[tuple[int, int]]:
    """Each on a bare board of its own, within its first two updates."""
    begun = time.monotonic()
    board(0).take(1)
    one_s = time.monotonic() - begun
    lot = random.Random(seed)
    return [board(number).cut(lot.uniform(0, 2 * one_s)) for number in range(1, times + 1)]
