"""The newest checkpoints of a run in object storage, so that another host can go on where this one stopped.

Each holder of a run writes under its own fencing token; the newest token with a manifest counts. A holder that was given up
writes where nobody looks any more.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from apps.catalog import objects
from apps.experiments import recorder
from apps.experiments.models import Run

log = logging.getLogger(__name__)
MANIFEST = "manifest.json"


class Trail:
    """What one holder of a run leaves behind; does nothing where all hosts share a folder, or there is one host."""

    def __init__(self, run: Run) -> None:
        self.folder = recorder.folder(run) / "checkpoints"
        self.root = f"runs/{run.pk.hex}/checkpoints"
        self.mine = f"{self.root}/{run.token:012d}"
        self._due, self._over = threading.Event(), False
        self._sent: set[str] = set()
        self._first = True
        self._thread: threading.Thread | None = None

    def follow(self) -> None:
        """Bring here what an earlier holder left and this host does not have."""
        if not settings.OBJECT_STORE:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in self._left():
            if not (self.folder / name.rsplit("/", 1)[1]).exists():
                _bring(name, self.folder)

    def leave(self) -> None:
        """A checkpoint was made: send it on, beside everything else. Of several that wait only the newest matters."""
        if settings.OBJECT_STORE:
            self._due.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_on, name="trail", daemon=True)
                self._thread.start()

    def end(self, *, finished: bool) -> None:
        """Send what still waits; a run that finished needs no trail."""
        self._over = True
        self._due.set()
        if self._thread:
            self._thread.join()
        if finished and settings.OBJECT_STORE:
            _try(lambda: self._remove(lambda name: True))

    def _send_on(self) -> None:
        while not self._over or self._due.is_set():
            self._due.wait()
            self._due.clear()
            _try(self._send)

    def _send(self) -> None:
        files = newest(self.folder)
        try:
            for file in files:
                if file.name not in self._sent:
                    objects.put(f"{self.mine}/{file.name}", file, file.stat().st_size)
                    self._sent.add(file.name)
        except FileNotFoundError:
            self._due.set()  # Replaced by a newer one meanwhile: look again.
            return
        names = sorted(file.name for file in files)
        if names:
            objects.write(f"{self.mine}/{MANIFEST}", json.dumps(names).encode())
            self._tidy(set(names))

    def _tidy(self, kept: set[str]) -> None:
        """Remove our own older ones, and once everything that holders before us left."""
        for name in self._sent - kept:
            objects.remove(f"{self.mine}/{name}")
        self._sent &= kept
        if self._first:
            self._remove(lambda name: name < f"{self.mine}/")
            self._first = False

    def _remove(self, which: Callable[[str], bool]) -> None:
        for name in objects.under(self.root):
            if which(name):
                objects.remove(name)

    def _left(self) -> list[str]:
        """The files of the newest manifest that a holder before us wrote."""
        manifests = [name for name in objects.under(self.root) if name.endswith(f"/{MANIFEST}") and name < self.mine]
        if not manifests:
            return []
        body, size = objects.stream(max(manifests))
        folder = max(manifests).rsplit("/", 1)[0]
        return [f"{folder}/{name}" for name in json.loads(body.read(size))]


def newest(folder: Path) -> list[Path]:
    """The last checkpoint of each name; files are named <name>-<step>-<digest>.ckpt."""
    last: dict[str, Path] = {}
    for file in sorted(folder.glob("*.ckpt")):
        last[file.name.rsplit("-", 2)[0]] = file
    return list(last.values())


def _bring(name: str, folder: Path) -> None:
    """Whole or not at all. Its name carries its hash; who reads it checks that."""
    source, _ = objects.stream(name)
    target = folder / name.rsplit("/", 1)[1]
    tmp = target.with_suffix(".fetched")
    with tmp.open("wb") as write:
        while piece := source.read(1 << 20):
            write.write(piece)
    tmp.rename(target)


def _try(work: Callable[[], None]) -> None:
    """The run does not depend on it: without its trail it would begin again further back."""
    try:
        work()
    except Exception as error:
        log.warning("A checkpoint did not reach object storage: %s", error)
