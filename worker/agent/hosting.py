"""A slice of another board's run, kept here: fetched, served by a process of its own, and over with the run.

Its claim lies on disk: an agent that is killed goes on with it when it starts again, at the same port and with the same token, so
that whoever was connected finds it again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from worker.agent.data_port import DataPort
from worker.agent.fetching import Unfetchable, fetch_all
from worker.agent.hardware import memory_bytes
from worker.agent.portal import Patience, Portal
from worker.agent.relaying import Answering, AtPortal, Calling
from worker.agent.running import BESIDE_MEMORY, Means
from worker.agent.slice_process import PROGRAMS, SLICE, SliceProcess
from worker.agent.state import Folder
from worker.agent.wording import Away, Refused
from worker.durable import write_durably
from worker.orders import DEVICE, SERVES

log = logging.getLogger(__name__)
TICK_S, TRIES, STEADY_S = 0.2, 3, 60.0
# So long a slice is served that the portal cannot be asked about.
UNHEARD_S = 900.0
UNKNOWN = "this board's agent does not know how to keep {what!r}; update it on the device's page"


class Hosting:
    """The slice whose claim lies in the agent's folder."""

    def __init__(self, folder: Folder, claim: dict[str, Any], portal: Portal, means: Means, port: DataPort | None,
                 stopping: threading.Event) -> None:
        self._folder, self._claim, self._portal, self._means = folder, claim, portal, means
        # Where the portal relays, nobody else connects.
        self._port = None if claim.get("relayed") else port
        self._process: SliceProcess | None = None
        self._onward: Calling | None = None
        self._stopping, self._workdir = stopping, folder.slice / "work"
        self._over = ""
        self._state = "wanted"
        self._next_word, self._heard = 0.0, time.monotonic()
        self._patience = Patience(most=15.0)

    def live(self) -> None:
        """Until the run needs it no more, the portal says so, it cannot be served, or the agent stops."""
        log.info("run %s: part %s is kept here", self._claim["number"], self._claim["part"])
        try:
            if self._what not in PROGRAMS:
                self._give_back(UNKNOWN.format(what=self._what[:40]))
            elif self._fetched():
                self._served()
            if self._over:
                log.info("part %s of run %s is over: %s", self._claim["part"], self._claim["number"], self._over)
        finally:
            if not (self._stopping.is_set() and self._state == "serving"):
                shutil.rmtree(self._folder.slice, ignore_errors=True)

    def _fetched(self) -> bool:
        try:
            return fetch_all(self._claim["files"], self._workdir, self._portal, self._waits)
        except Unfetchable as problem:
            self._give_back(str(problem))
        except Refused as refused:
            self._over = str(refused)
        return False

    def _waits(self, seconds: float) -> bool:
        """Whether to stop, after so many seconds; the portal hears meanwhile that the slice is made ready."""
        self._say_when_due()
        return self._stopping.wait(seconds) or bool(self._over)

    def _served(self) -> None:
        """As often as its process dies, three times at most in a minute."""
        with self._relayed(), self._relays_onward():
            self._kept_alive()

    @contextlib.contextmanager
    def _relayed(self) -> Iterator[None]:
        """The portal carries what goes to and from the slice, where nobody can connect to it."""
        if not self._claim.get("relayed"):
            yield
            return
        relay = Answering(self._place(self._claim["hosting"]), self._listens_at)
        relay.start()
        try:
            yield
        finally:
            relay.close()

    @contextlib.contextmanager
    def _relays_onward(self) -> Iterator[None]:
        """A way to the part behind by the portal; the slice goes it where that one takes no connections."""
        if not self._claim.get("onward"):
            yield
            return
        self._onward = Calling(self._place(self._claim["onward"]))
        try:
            yield
        finally:
            self._onward.close()

    def _place(self, hosting: str) -> AtPortal:
        return AtPortal(self._portal, hosting, self._claim["token"])

    def _listens_at(self) -> int:
        return self._process.port if self._process else 0

    def _kept_alive(self) -> None:
        tries = 0
        while not (self._over or self._stopping.is_set()):
            begun = time.monotonic()
            how = self._attempt()
            if self._over or self._stopping.is_set():
                break
            tries = 1 if time.monotonic() - begun > STEADY_S else tries + 1
            if tries >= TRIES:
                return self._give_back(f"its process ended {tries} times ({how})")
            log.warning("the process of the slice ended (%s); it is started again", how)
        if self._stopping.is_set():
            self._give_back("the board's agent was stopped")

    def _attempt(self) -> str:
        """From start to end of one process; how it ended, in words."""
        process = self._process = SliceProcess(self._setup(), self._means, _memory(self._means), self._what)
        try:
            while not (self._over or self._stopping.wait(TICK_S)):
                if process.sorry:
                    return process.sorry
                if ended := process.ended():
                    return ended
                if process.serves and self._state == "wanted":
                    self._state, self._next_word = "serving", 0.0
                self._say_when_due()
            return ""
        finally:
            self._process = None
            process.kill()

    @property
    def _what(self) -> str:
        return str(self._claim["facts"].get(SERVES, SLICE))

    def _setup(self) -> dict[str, Any]:
        claim, port = self._claim, self._port
        about = {name: value for name, value in claim["facts"].items() if name != SERVES}
        return {**(self._as_device(about) if self._what == DEVICE else self._as_slice(about)),
                "token": claim["token"], "run": claim["run"], "threads": self._means.threads,
                "host": "" if port else "127.0.0.1", "port": port.port if port else 0,
                "certificate": str(port.certificate.file) if port else ""}

    def _as_slice(self, about: dict[str, Any]) -> dict[str, Any]:
        files = self._files()
        return {**about, "part": self._claim["part"], "name": self._claim["device"], "file": files[0] if files else "",
                "onward": self._onward.port if self._onward else 0}

    def _as_device(self, about: dict[str, Any]) -> dict[str, Any]:
        """The layers come first, then its share of the images."""
        layers, share = self._files()
        return {"name": about["client"], "network": layers, "share": share,
                **{name: about[name] for name in ("most_bytes", "patience_s")}}

    def _files(self) -> list[str]:
        return [str(self._workdir / each["path"]) for each in self._claim["files"]]

    # The portal

    def _say_when_due(self) -> None:
        """How it stands. A portal that is away ends nothing for a while: lead and slice speak without it."""
        if time.monotonic() < self._next_word:
            return
        try:
            heard = self._say(self._state)
            self._heard = time.monotonic()
            self._next_word = self._heard + float(heard["poll_s"])
            self._patience.over()
        except Away as away:
            self._next_word = time.monotonic() + self._patience.next(away.retry_after)
            if time.monotonic() - self._heard > UNHEARD_S:
                self._over = "the portal was not heard for long"
        except Refused as refused:
            if refused.status in (401, 426):  # The beat tells it better, and ends the agent.
                self._next_word = time.monotonic() + 5.0
            else:
                self._over = str(refused)

    def _say(self, state: str, reason: str = "") -> dict[str, Any]:
        said = {"state": state, "reason": reason}
        return self._portal.ask("POST", f"/api/agent/hostings/{self._claim['hosting']}", said).body

    def _give_back(self, why: str) -> None:
        self._over, self._state = why, "gone"
        try:
            self._say("gone", why[:1000])
        except (Away, Refused) as problem:
            log.warning("the slice could not be given back: %s", problem)


def _memory(means: Means) -> int | None:
    memory = means.memory_bytes or memory_bytes()
    return memory + BESIDE_MEMORY if memory else None


def begin(folder: Folder, claim: dict[str, Any]) -> None:
    """Put a claim on disk."""
    fresh = folder.slice.with_name("slice.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(folder.slice, ignore_errors=True)
    (fresh / "work").mkdir(parents=True, mode=0o700)
    write_durably(fresh / "claim.json", json.dumps(claim).encode())
    fresh.rename(folder.slice)


def held(folder: Folder) -> dict[str, Any] | None:
    """The claim that a life before this one left on disk."""
    try:
        return dict(json.loads(Path(folder.slice / "claim.json").read_bytes()))
    except (OSError, ValueError):
        shutil.rmtree(folder.slice, ignore_errors=True)
        return None
