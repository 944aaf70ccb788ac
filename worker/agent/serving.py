"""The network that this board serves for its portal: fetched, tried and switched to between runs, by a process of its own.

Whatever happens in between, the portal goes on saying what waits; what was taken already is taken no second time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from worker.addressed import BATCH
from worker.agent.child import how, surroundings
from worker.agent.fetching import Unfetchable, Wanted, fetch_all, is_whole
from worker.agent.portal import Patience, Portal
from worker.agent.state import Folder
from worker.agent.wording import NO_DISK, NO_KEY, NO_NUMPY, NO_WORD, UNSEEN, Away, Refused

log = logging.getLogger(__name__)
NOTHING: dict[str, Any] = {"number": None, "sha256": "", "first_sha256": ""}
TRIES, LONGEST_S = 3, 600.0
REFUSED, LONGEST_REASON = 2, 400


@dataclass(frozen=True)
class Outcome:
    """What became of one thing that was sent. `tried`: it was run on the stored batch first."""

    state: str
    reason: str = ""
    tried: bool = False


class Serving:
    """`network/current` in the agent's folder is what is served. `key`: the portal's public one, hexadecimal; none where the
    board joined before there was any."""

    def __init__(self, folder: Folder, instance: str, key: str, portal: Portal, stopping: threading.Event) -> None:
        self._folder, self._instance, self._key, self._portal, self._stopping = folder, instance, key, portal, stopping
        self._served, self._cannot = NOTHING, self._lacks()

    def about(self) -> dict[str, Any]:
        """What every beat says of it."""
        key = hashlib.sha256(bytes.fromhex(self._key)).hexdigest() if self._key else ""
        return {**self._served, "key": key, "cannot": self._cannot}

    def recover(self) -> None:
        """After a start: what a power cut left is put in order, and what is served is looked up."""
        if self._folder.network.is_dir() and not self._cannot:
            self._cannot = self._looked()

    def _looked(self) -> str:
        """Put in order and look up what is served; why that cannot be done, in a sentence."""
        try:
            done = self._asked("show")
        except OSError as error:
            return UNSEEN.format(how=error.strerror)
        if done.returncode not in (0, REFUSED):
            return UNSEEN.format(how=how(done.returncode))
        self._served = NOTHING if done.returncode else _served(done)
        return ""

    def take(self, wanted: dict[str, Any]) -> dict[str, Any] | None:
        """Fetch what waits, take it, say what became of it; what waits next. None when the agent stops, or it was withdrawn."""
        log.info("number %s of the network: it is fetched", wanted["number"])
        try:
            outcome = self._outcome(wanted)
            return self._told(wanted["deployment"], outcome) if outcome else None
        except Refused as refused:
            log.info("number %s of the network waits no more: %s", wanted["number"], refused)
            return None

    def _outcome(self, wanted: dict[str, Any]) -> Outcome | None:
        try:
            return self._taken(self._folder.incoming / wanted["file"]["path"]) if self._fetched(wanted) else None
        except Unfetchable as why:
            return Outcome("refused", str(why))
        except OSError as error:  # A full disk, one that may only be read, no process to be had: said, and not tried for ever.
            return Outcome("refused", NO_DISK.format(why=error.strerror or type(error).__name__))

    def _fetched(self, wanted: dict[str, Any]) -> bool:
        """The update, and the images that it is tried on where this board can run it and has others.

        Nobody signed what a beat says: no name from there reaches the folder of the networks that are served.
        """
        incoming, files = self._folder.incoming, [wanted["file"]]
        for folder in (incoming, self._folder.network):
            folder.mkdir(exist_ok=True, mode=0o700)
        if wanted.get("batch") and find_spec("onnxruntime"):
            batch = wanted["batch"] | {"path": BATCH}
            files += [] if is_whole(self._folder.network / BATCH, Wanted(*(batch[name] for name in Wanted._fields))) else [batch]
        for old in incoming.glob("*"):
            if not old.name.startswith(tuple(each["path"] for each in files)):
                old.unlink(missing_ok=True)
        return fetch_all(files, incoming, self._portal, self._stopping.wait)

    def _taken(self, file: Path) -> Outcome:
        """In a process of its own: what a network does to its runtime is not done to the agent. What one that ended left goes."""
        ended, brought = "", file.with_name(BATCH)
        batch = ("--batch", str(brought)) if brought.exists() else ()
        for _ in range(TRIES):
            done = self._asked("take", str(file), *batch, "--device", self._instance, "--public", self._key)
            if done.returncode == 0:
                self._served, self._cannot = _served(done), ""
                log.info("number %d of the network is served", self._served["number"])
                return Outcome("taken", tried=bool(json.loads(done.stdout)["tried"]))
            if done.returncode == REFUSED:
                return Outcome("refused", _one_line(done.stderr))
            ended, self._cannot = how(done.returncode), self._looked()
        return Outcome("refused", NO_WORD.format(how=ended, tries=TRIES))

    def _asked(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "worker.updating", verb, *words, "--folder", str(self._folder.network)]
        try:
            return subprocess.run(command, env=surroundings(1), capture_output=True, text=True, check=False, timeout=LONGEST_S,
                                  stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, -9, "", "")

    def _told(self, deployment: str, outcome: Outcome) -> dict[str, Any] | None:
        """Said until it is heard: only then the portal stops asking for it."""
        if outcome.state == "refused":
            log.warning("the network was refused: %s", outcome.reason)
        said, patience = {**vars(outcome), "network": self.about()}, Patience()
        while True:
            try:
                heard = self._portal.ask("POST", f"/api/agent/deployments/{deployment}", said).body
            except Away as away:
                if self._stopping.wait(patience.next(away.retry_after)):
                    return None
                continue
            shutil.rmtree(self._folder.incoming, ignore_errors=True)
            return heard.get("network")

    def _lacks(self) -> str:
        return NO_KEY if not self._key else "" if find_spec("numpy") else NO_NUMPY


def _served(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    told = json.loads(done.stdout)
    return {"number": told["number"], "sha256": told["sha256"], "first_sha256": told["first"]}


def _one_line(text: str) -> str:
    last = (text.strip().splitlines() or [""])[-1]
    return "".join(letter for letter in last if letter.isprintable())[:LONGEST_REASON]
