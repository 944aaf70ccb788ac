"""What an agent keeps on its disk, for its user only: who it is, where its portal is, its token, its runs."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from worker.agent import hardware
from worker.agent.trust import Address
from worker.agent.wording import Over
from worker.durable import write_durably


class Folder:
    """The agent's folder (0700) and the names of what lies in it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
        except OSError as error:
            raise Over(f"The agent's folder {self.path} cannot be used ({error.strerror}); name another with --folder.") from None

    @property
    def run(self) -> Path:
        """The run that this board holds."""
        return self.path / "run"

    @property
    def slice(self) -> Path:
        """The slice of another board's run that this board keeps."""
        return self.path / "slice"

    @property
    def network(self) -> Path:
        """The network that is served, and those that it may have to go back to."""
        return self.path / "network"

    @property
    def incoming(self) -> Path:
        """What is on its way to it."""
        return self.path / "incoming"

    @property
    def lost(self) -> Path:
        """Runs that it held and lost or gave back: the evidence, and their checkpoints should they come again."""
        return self.path / "lost"

    @property
    def wheels(self) -> Path:
        return self.path / "wheels"

    @property
    def current(self) -> Path:
        """A link to the wheel that is in use."""
        return self.path / "current"

    def read(self, name: str) -> dict[str, Any] | None:
        """A small JSON file; None where it is not there, or a crash of the disk left it unreadable."""
        try:
            found = json.loads((self.path / name).read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def write(self, name: str, facts: dict[str, Any]) -> None:
        """Durable when it returns."""
        write_durably(self.path / name, json.dumps(facts).encode())

    def forget(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def instance(self) -> str:
        """Drawn once on this disk; another one when the disk, or a copy of it, finds itself on another board."""
        known, here = self.read("instance.json"), hardware.marks()
        if known is None or "marks" not in known:
            known = {"instance": secrets.token_hex(16), **(known or {}), "marks": here}
            self.write("instance.json", known)
        if here and known["marks"] and not set(here) & set(known["marks"]):
            return f"{known['instance']}-{here[0]}"
        return str(known["instance"])

    def locked(self) -> IO[str]:
        """Held while an agent lives here; Over when another does."""
        handle = (self.path / "lock").open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            raise Over(f"An agent already runs from {self.path}.") from None
        return handle


@dataclass
class Identity:
    """Who this board is to its portal. `signing_key`: the public key by which the portal signs networks, hexadecimal."""

    address: Address
    token: str
    instance: str
    device: dict[str, str]
    team: str
    poll_s: float
    signing_key: str = ""

    @classmethod
    def of(cls, folder: Folder) -> Identity:
        known = folder.read("identity.json")
        if known is None:
            raise Over(f"This board has not joined a portal (no identity in {folder.path}); use the line that the portal shows.")
        return cls(Address(known["base"], known["fingerprint"], known["certificate"]), known["token"], folder.instance(),
                   known["device"], known["team"], known["poll_s"], known.get("signing_key", ""))

    def keep(self, folder: Folder) -> None:
        old = os.umask(0o077)
        try:
            folder.write("identity.json", {
                "base": self.address.base, "fingerprint": self.address.fingerprint, "certificate": self.address.certificate,
                "token": self.token, "device": self.device, "team": self.team, "poll_s": self.poll_s,
                "signing_key": self.signing_key})
        finally:
            os.umask(old)
