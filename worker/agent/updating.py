"""Another version of the agent: fetched, checked, switched to by one link, and given up again when it does not come to life."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import time
from pathlib import Path
from typing import Any

import worker
from worker.agent.fetching import sha256_of
from worker.agent.portal import Portal
from worker.agent.state import Folder
from worker.agent.version import mine
from worker.agent.wording import Away, Refused

log = logging.getLogger(__name__)
LARGEST_WHEEL = 50_000_000
# So long a new version has until its first beat.
PROBATION_S = 60.0
NOTE = "update.json"
KEPT = 3


def running_wheel() -> Path | None:
    """The wheel that this agent runs from; None when it runs from a checkout."""
    place = Path(str(worker.__file__)).parent.parent
    return place.resolve() if place.is_file() else None


def adopt(folder: Folder) -> None:
    """Keep the wheel that the agent was started from in its own folder, where later ones can take its place."""
    wheel = running_wheel()
    if wheel and not folder.current.exists():
        folder.wheels.mkdir(exist_ok=True, mode=0o700)
        kept = folder.wheels / wheel.name
        if wheel != kept:
            kept.write_bytes(wheel.read_bytes())
        switch(folder, kept)


def switch(folder: Folder, wheel: Path) -> None:
    """From the next start on, this one: the link changes at once or not at all."""
    fresh = folder.path / "current.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(wheel.relative_to(folder.path))
    fresh.replace(folder.current)


def install(folder: Folder, wanted: dict[str, Any], portal: Portal) -> bool:
    """Fetch the wanted wheel and switch to it; whether the agent shall start anew. What never came to life is not taken twice."""
    if not folder.current.exists():
        log.warning("This agent runs from a checkout and does not update itself.")
        return False
    known = folder.read("refused.json") or {}
    if wanted["sha256"] and known.get("sha256") == wanted["sha256"]:
        return False
    try:
        wheel = _fetched(folder, wanted, portal)
    except (Away, Refused, OSError) as problem:
        log.warning("The wanted version could not be fetched: %s", problem)
        return False
    if wheel is None or wheel == folder.current.resolve() or known.get("sha256") == sha256_of(wheel):
        return False
    folder.write(NOTE, {"old": folder.current.resolve().name, "new": wheel.name, "sha256": sha256_of(wheel), "at": time.time()})
    switch(folder, wheel)
    log.info("from %s to %s", mine(), wheel.name)
    return True


def _fetched(folder: Folder, wanted: dict[str, Any], portal: Portal) -> Path | None:
    """The wheel in the agent's folder. Where the portal could not say its hash beforehand, the pinned answer's ETag does."""
    folder.wheels.mkdir(exist_ok=True, mode=0o700)
    part = folder.wheels / "fetched.part"
    part.unlink(missing_ok=True)
    tag = portal.fetch(str(wanted["url"]), part, most=LARGEST_WHEEL)
    got = hashlib.sha256(part.read_bytes()).hexdigest()
    if got != (wanted["sha256"] or tag):
        part.unlink()
        log.error("The wheel that came is not the wanted one: its SHA-256 differs. It was thrown away.")
        return None
    wheel = folder.wheels / f"agent-{got[:16]}.whl"
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(wheel)
    return wheel


def confirm(folder: Folder) -> None:
    """The version that runs has been heard by the portal: it stays, and old ones go."""
    note = folder.read(NOTE)
    if note is None:
        return
    folder.forget(NOTE)
    kept = {folder.current.resolve().name, note["old"]}
    for wheel in folder.wheels.glob("*.whl"):
        if wheel.name not in kept:
            wheel.unlink(missing_ok=True)


def on_probation(folder: Folder) -> bool:
    return folder.read(NOTE) is not None


def fall_back(folder: Folder) -> None:
    """The new version did not come to life: the old one again, and this one never more."""
    note = folder.read(NOTE)
    if note is None:
        return
    with contextlib.suppress(OSError):
        switch(folder, folder.wheels / str(note["old"]))
    folder.write("refused.json", {"sha256": note["sha256"], "name": note["new"]})
    folder.forget(NOTE)
