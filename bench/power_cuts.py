"""A process that takes updates one after the other, killed (kill -9) at a moment drawn by lot: what is on its disk then."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from worker.addressed import signed
from worker.updating.change import make
from worker.updating.deployed import Deployed

DEVICE = "board"
# A process forked from this one begins at once: no import is in flight when the first byte is written.
FORK = multiprocessing.get_context("fork")


@dataclass
class Board:
    """A device's folder, the two files it goes back and forth between, and the portal's key."""

    folder: Path
    old: bytes
    new: bytes

    def __post_init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.there, self.back = make(self.old, self.new), make(self.new, self.old)
        self.deployed = Deployed(self.folder, device=DEVICE, key=self.key.public_key().public_bytes_raw())
        self.deployed.begin(self.old)

    def update(self, number: int) -> bytes:
        """Odd numbers lead to the new file, even ones back; every third brings its file whole, as a first network."""
        if number % 3 == 0:
            return signed(self.rightly(number), self.key, device=DEVICE, number=number, kind="first")
        return signed(self.there if number % 2 else self.back, self.key, device=DEVICE, number=number)

    def rightly(self, number: int) -> bytes:
        return self.new if number % 2 else self.old

    def takes_until_killed(self, first: int, ready: object) -> None:
        ready.set()  # type: ignore[attr-defined]
        number = first
        while True:
            self.deployed.take(self.update(number))
            number += 1

    def cut(self, after_s: float) -> tuple[int, int]:
        """Kill it `after_s` after it began; the number before, and the one found afterwards. AssertionError when what is found
        is damaged, or is not what its number says."""
        before = self.deployed.current()
        assert before is not None
        ready = FORK.Event()
        process = FORK.Process(target=self.takes_until_killed, args=(before.number + 1, ready))
        process.start()
        assert ready.wait(60)
        time.sleep(after_s)
        assert process.is_alive(), "it ended by itself"
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        found = self.deployed.current()  # before anything is mended: as a program that reads it would find it
        assert found is not None and found.file.read_bytes() == self.rightly(found.number)
        kept = self.deployed.recover()
        assert kept == found and kept.number >= before.number
        assert not list(self.folder.glob("*.tmp"))
        return before.number, kept.number


def cuts(board: Board, times: int, seed: int = 1) -> list[tuple[int, int]]:
    """`times` cuts, each at another moment within some updates."""
    begun = time.monotonic()
    board.deployed.take(board.update(1))
    one_s = time.monotonic() - begun
    lot = random.Random(seed)
    return [board.cut(lot.uniform(0, 3 * one_s)) for _ in range(times)]
