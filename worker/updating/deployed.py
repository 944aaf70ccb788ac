"""The network that a device serves, and how an update takes its place: whenever the power is cut, one of the two is whole.

In the folder each version is a file `NUMBER-SHA256.SUFFIX`, one that a portal began with `NUMBER-SHA256.first.SUFFIX`; the link
`current` names the one in use. An update is written beside the others, made durable and tried; then the link is exchanged by one
rename, which is all that happens at once. What was written and never switched to is used by nobody: it goes before anything else
is taken, and after a start. The number stands in the file's name, so that network and number never disagree; a new first network
takes the next number. The link `highest` names the highest one ever used, so that no older one of either kind comes back, not
even where the disk damaged the current one. The first network is kept, since updates may begin from it again, and so is the one
before the current. Python's own library and NumPy alone.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from worker import addressed
from worker.addressed import Refused, Update
from worker.durable import write_durably
from worker.firstlook.sentences import Unfit
from worker.updating import trial
from worker.updating.change import Change, Unusable, applied, read, sha256
from worker.updating.places import places
from worker.updating.version_files import Version, link, linked

CURRENT, HIGHEST = "current", "highest"


@dataclass(frozen=True)
class Taken:
    """What became of an update. `tried`: it was run on the stored batch first; `before`: it had been taken already."""

    version: Version
    tried: bool
    before: bool = False


class Deployed:
    """The networks in `folder`, of the device of this name, whose portal signs with `key` (32 bytes, public)."""

    def __init__(self, folder: Path, *, device: str, key: bytes) -> None:
        self.folder, self.device, self.key = folder, device, key
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def begin(self, file: bytes) -> Version:
        """Serve this network from now on, as number 0; what was served before is forgotten. Unfit when it is none.

        For devices without a portal: Refused where one brought a first network, since numbers would fall.
        """
        places(file)
        with self._alone():
            if any(version.is_first and version.number for version in self._versions()):
                raise Refused("A portal brought the network that is served here; only it can put another in its place.")
            version = self._written(0, file)
            (self.folder / HIGHEST).unlink(missing_ok=True)
            self._switch(version)
            self._tidy()
        return version

    def current(self) -> Version | None:
        """The version in use, as it was when the device last stopped; `recover` first, after a start."""
        return linked(self.folder, CURRENT)

    def first(self) -> Version | None:
        """The first network from which updates of the one in use may begin again."""
        held = self.current()
        return self._first(held) if held else None

    def recover(self) -> Version | None:
        """After a start: leftovers go, and where the current version is damaged the newest whole one below it is used again."""
        with self._alone():
            return self._in_order()

    def take(self, body: bytes, batch: Path | None = None) -> Taken:
        """Check an update or a first network, try it, use it. Refused with a sentence, and nothing changed, when it may not be.

        `batch`: a file that came beside it, of which nobody signed more than the hash of its arrays; stored if they have it.

        The one in use taken once more changes nothing and is no error: an acknowledgement may get lost. The highest one that was
        ever used may come again, to repair what the disk damaged.
        """
        update = addressed.opened(body, key=self.key, device=self.device)
        with self._alone():
            held, number = self._in_order(), update.address.number
            change = None if update.address.kind == "first" else _understood(update)
            meant = number, change.result if change else update.address.change_sha256
            if held is None and change:
                raise Refused("This device serves no network yet that could be updated.")
            if held and (held.number, held.sha256) == meant:
                return Taken(held, self._tried(held, update, batch) == (True, ""), before=True)
            highest = self._highest()
            if highest and number <= highest.number and (highest.number, highest.sha256) != meant:
                raise Refused(f"The update has number {number}; this device already has {highest.number}, and numbers only rise.")
            return self._used(update, self._changed(change, held) if change and held else _network(update), batch)

    def _used(self, update: Update, fresh: bytes, batch: Path | None) -> Taken:
        """Written beside, tried, and only then switched to; of one that fails nothing stays."""
        version = self._written(update.address.number, fresh, first=update.address.kind == "first")
        tried, why = self._tried(version, update, batch)
        if why:
            version.file.unlink()
            raise Refused(f"The new network was not used: {why}")
        link(self.folder, HIGHEST, version)
        self._switch(version)
        self._tidy()
        return Taken(version, tried)

    def _changed(self, change: Change, held: Version) -> bytes:
        """The current version with the change, or the first one where the change begins there."""
        first = self._first(held)
        base = first if first and change.base == first.sha256 != held.sha256 else held
        try:
            return applied(base.file.read_bytes(), change)
        except Unusable as why:
            raise Refused(str(why)) from None

    def _first(self, held: Version) -> Version | None:
        firsts = [version for version in self._versions() if version.is_first and version.number <= held.number]
        return firsts[-1] if firsts else None

    def _tried(self, version: Version, update: Update, brought: Path | None) -> tuple[bool, str]:
        """Whether it was run on the stored batch, and why it must not be used. What a device cannot run (without
        ONNX Runtime, or not ONNX) must have finite numbers at least."""
        wanted = update.address.batch_sha256
        if not wanted and update.address.kind == "first":
            trial.forget(self.folder)  # That of another network says nothing about this one.
        if version.file.suffix != ".onnx" or not trial.is_possible():
            return False, trial.without_numbers(version.file)
        batch = trial.adopt(self.folder, brought, wanted)
        if wanted and (batch is None or batch.sha256 != wanted):
            return False, "it should be tried on a batch that this device does not have."
        return batch is not None, trial.failed(version.file, batch, update.address.least_right) if batch else ""

    def _written(self, number: int, body: bytes, *, first: bool = False) -> Version:
        digest, suffix = sha256(body), "safetensors" if body[8:9] == b"{" else "onnx"
        file = self.folder / f"{number:016d}-{digest}{'.first' if first else ''}.{suffix}"
        try:
            write_durably(file, body)
        except OSError as error:
            raise Refused(f"The new network could not be written ({error.strerror}).") from None
        return Version(number, digest, file, first or not number)

    def _switch(self, version: Version) -> None:
        """From now on this one."""
        link(self.folder, CURRENT, version)

    def _highest(self) -> Version | None:
        """Of all that were ever used; a device of before has no link for it."""
        known = filter(None, [linked(self.folder, HIGHEST), self.current()])
        return max(known, key=lambda version: version.number, default=None)

    def _in_order(self) -> Version | None:
        """The version in use. One above it was never switched to, and may be what ended the process that tried it."""
        said = version = self.current()
        if said and not said.is_whole:
            below = (each for each in reversed(self._versions()) if each.number <= said.number and each.is_whole)
            version = next(below, None)
            if version:
                self._switch(version)
        self._tidy()
        return version

    def _versions(self) -> list[Version]:
        """By their numbers."""
        found = [version for file in self.folder.iterdir() if (version := Version.of(file))]
        return sorted(found, key=lambda version: (version.number, version.sha256))

    def _tidy(self) -> None:
        """Only the first of the current one's, the current and the one before it stay; nothing where none is in use."""
        held, kept = self.current(), set[Version]()
        for part in self.folder.glob("*.tmp"):
            part.unlink(missing_ok=True)
        if held:
            older = [version for version in self._versions() if version.number < held.number]
            kept = {held, *older[-1:], *filter(None, [self._first(held)])}
        for version in self._versions():
            if version not in kept:
                version.file.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One at a time: two programs of the device never exchange the network together."""
        with (self.folder / "lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _network(update: Update) -> bytes:
    try:
        places(update.change)
    except Unfit as why:
        raise Refused(str(why)) from None
    return update.change


def _understood(update: Update) -> Change:
    try:
        return read(update.change)
    except Unusable as why:
        raise Refused(str(why)) from None
