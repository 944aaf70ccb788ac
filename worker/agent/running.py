"""One run on this board, from what was claimed to its end: fetched, measured in a process of its own, spooled, sent.

Everything that matters is on disk: an agent that is killed goes on from there when it starts again, if the run is still its own.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from worker.agent.child import Child
from worker.agent.fetching import Unfetchable, fetch_all
from worker.agent.hardware import free_bytes, memory_bytes
from worker.agent.measuring import Task
from worker.agent.portal import Portal
from worker.agent.relaying import HERE, AtPortal, Calling
from worker.agent.sending import Sender
from worker.agent.spool import Spool
from worker.agent.state import Folder
from worker.agent.wording import FULL, Away, Refused
from worker.context import HostInput
from worker.durable import write_durably
from worker.events import Cancelled, Failed, Log
from worker.orders import Order

log = logging.getLogger(__name__)
LISTEN_S, CANCEL_S, SILENT_S, LEAVE_S = 0.25, 10.0, 900.0, 5.0
TRIES = 3
HOSTS_EVERY_S = 0.5
LOST_KEPT = 5
# The part behind the lead's own: those further behind are reached from the boards before them.
NEXT = 2
# Address space is more than memory: libraries and stacks are mapped and never touched.
BESIDE_MEMORY = 4_000_000_000


class Outcome(Enum):
    """How a run left this board: told to its end, no longer ours, or given back because the agent stops."""

    ENDED = "ended"
    LOST = "lost"
    LEFT = "left"


@dataclass(frozen=True)
class Means:
    """What a run may use of this board."""

    threads: int = 1
    cpus: tuple[int, ...] = ()
    memory_bytes: int | None = None


class Running:
    """The run whose claim lies in the agent's folder."""

    def __init__(self, folder: Folder, claim: dict[str, Any], portal: Portal, means: Means, stopping: threading.Event) -> None:
        self._folder, self._claim, self._portal, self._means, self._stopping = folder, claim, portal, means, stopping
        self._workdir = folder.run / "work"
        self._workdir.mkdir(parents=True, exist_ok=True)
        self._spool = Spool(folder.run / "spool")
        self._sender = Sender(claim, self._workdir, self._spool, portal)
        self._pending: list[dict[str, Any]] = []
        self._live: dict[str, Any] = {}
        self._hosts: tuple[HostInput, ...] = ()
        self._relays: list[Calling] = []
        self._told_full = False

    def live(self) -> Outcome:
        """Everything up to its end here."""
        log.info("run %s: %s", self._claim["number"], self._claim["recipe"])
        self._sender.start()
        try:
            if not self._spool.ended and self._fetched() and self._found():
                self._measured()
            return self._over()
        finally:
            self._sender.stop()
            for relay in self._relays:
                relay.close()

    def _fetched(self) -> bool:
        try:
            return fetch_all(self._claim["order"]["files"], self._workdir, self._portal, self._waits)
        except Unfetchable as problem:
            self._keep([Failed(reason=str(problem)).model_dump(mode="json")])
        except Refused as refused:
            self._sender.lost = self._sender.lost or str(refused)
        return False

    def _found(self) -> bool:
        """Where the parts stand that other boards keep, once all of them do."""
        told = ""
        while self._claim.get("hosted") and not self._hosts:
            heard = self._asked_for_hosts()
            if heard.get("broken"):
                self._keep([Failed(reason=str(heard["broken"])).model_dump(mode="json")])
                return False
            if (waiting := heard.get("waiting")) and waiting != told:
                told = waiting
                self._keep([Log(level="info", message=f"waiting: {told}").model_dump(mode="json")])
            self._hosts = tuple(self._host(each, heard["token"]) for each in heard.get("hosts", ()))
            if not self._hosts and self._waits(HOSTS_EVERY_S):
                return False
        return True

    def _host(self, told: dict[str, Any], token: str) -> HostInput:
        where: dict[str, Any] = {"addresses": tuple(told["addresses"])}
        if told["relayed"] and told["part"] == NEXT:
            relay = Calling(AtPortal(self._portal, told["relayed"], token))
            self._relays.append(relay)
            where = {"addresses": (HERE,), "port": relay.port}
        return HostInput(**told | where | {"run": self._claim["run"], "token": token})

    def _asked_for_hosts(self) -> dict[str, Any]:
        """Nothing while the portal is away."""
        try:
            return self._portal.ask("GET", f"/api/agent/runs/{self._claim['run']}/hosts").body
        except Away:
            return {}
        except Refused as refused:
            self._sender.lost = self._sender.lost or str(refused)
            return {}

    def _waits(self, seconds: float) -> bool:
        """Whether to stop, after so many seconds."""
        return self._stopping.wait(seconds) or bool(self._sender.lost)

    # Measuring

    def _measured(self) -> None:
        """As often as its process dies without a word; three times without a new checkpoint are enough."""
        tries = 0
        while not (self._spool.ended or self._interrupted()):
            before = self._checkpoints()
            how = self._attempt()
            if self._spool.ended or self._interrupted():
                return
            tries = 1 if self._checkpoints() != before else tries + 1
            if tries >= TRIES:
                why = f"Given up after {tries} tries on this board: its process ended without a word ({how})."
                return self._keep([Failed(reason=why).model_dump(mode="json")])
            log.warning("the process of the run ended without a word (%s); it is started again", how)

    def _interrupted(self) -> bool:
        return self._stopping.is_set() or bool(self._sender.lost)

    def _attempt(self) -> str:
        child = Child(self._task(), self._folder.run / "task.json")
        heard, cancelled = time.monotonic(), None
        try:
            while not (child.gone or self._interrupted()):
                lines = child.lines(LISTEN_S)
                heard = time.monotonic() if lines else heard
                self._hear(lines)
                cancelled = self._ask(child, cancelled)
                if cancelled and time.monotonic() - cancelled > CANCEL_S:
                    self._keep([Cancelled().model_dump(mode="json")])
                    break
                if time.monotonic() - heard > SILENT_S:
                    log.warning("the run said nothing for %g s; its process is ended", SILENT_S)
                    break
        finally:
            how = child.kill()
        self._hear([])
        return how

    def _hear(self, lines: list[dict[str, Any]]) -> None:
        """Keep what was said. While the disk is full nothing more is heard: the process waits for us, and loses nothing."""
        self._pending += [line["event"] for line in lines if "event" in line]
        while self._pending and not self._kept():
            if self._stopping.wait(2.0):
                return

    def _kept(self) -> bool:
        try:
            self._spool.add(self._pending)
        except OSError as error:
            if not self._told_full:
                log.error("%s", FULL.format(free=free_bytes(self._folder.path) // 10**6, folder=self._folder.path))
                log.error("the system said: %s", error.strerror)
            self._told_full = True
            return False
        self._pending, self._told_full = [], False
        self._sender.wake()
        return True

    def _keep(self, events: list[dict[str, Any]]) -> None:
        self._pending += events
        self._hear([])

    def _ask(self, child: Child, cancelled: float | None) -> float | None:
        """Pass on what the page asks."""
        if self._sender.live != self._live:
            self._live = self._sender.live
            child.ask(live=self._live)
        if self._sender.cancel and cancelled is None:
            child.ask(cancel=True)
            return time.monotonic()
        return cancelled

    def _task(self) -> Task:
        order = self._claim["order"]
        memory = self._means.memory_bytes or memory_bytes()
        return Task(
            recipe=self._claim["recipe"], params=self._claim["params"], workdir=str(self._workdir), live=self._live,
            order=Order(files=tuple(each["path"] for each in order["files"]), facts=order["facts"]),
            attempt=self._claim["attempt"], device=self._claim["device"], threads=self._means.threads, cpus=self._means.cpus,
            memory_bytes=memory + BESIDE_MEMORY if memory else None,
            file_bytes=max(1, free_bytes(self._workdir) // 2), hosts=self._hosts)

    def _checkpoints(self) -> set[str]:
        return {path.name for path in (self._workdir / "checkpoints").glob("*.ckpt")}

    # Its end

    def _over(self) -> Outcome:
        """Wait until all is told, however long the portal is away; unless the agent stops, or the run is lost."""
        while not (self._sender.lost or (self._spool.ended and self._spool.is_empty) or self._stopping.wait(0.05)):
            pass
        if self._sender.lost:
            return self._lose(self._sender.lost)
        if self._spool.ended and self._spool.is_empty:
            shutil.rmtree(self._folder.run)
            log.info("run %s is over", self._claim["number"])
            return Outcome.ENDED
        return self._leave()

    def _lose(self, why: str) -> Outcome:
        log.warning("run %s is no longer this board's: %s", self._claim["number"], why)
        set_aside(self._folder, self._claim, why)
        return Outcome.LOST

    def _leave(self) -> Outcome:
        """The agent stops: tell what is still to tell, give the run back. If the portal is away, the next start goes on."""
        self._sender.leave()
        self._sender.join(LEAVE_S)
        self._sender.stop()
        if self._spool.ended and self._spool.is_empty:
            shutil.rmtree(self._folder.run)
            return Outcome.ENDED
        try:
            self._portal.ask("POST", f"/api/agent/runs/{self._claim['run']}/release", {"lease": self._claim["token"]})
        except (Away, Refused) as problem:
            log.warning("run %s could not be given back: %s", self._claim["number"], problem)
            return Outcome.LEFT
        set_aside(self._folder, self._claim, "given back: the agent was stopped")
        log.info("run %s is given back", self._claim["number"])
        return Outcome.LEFT


def begin(folder: Folder, claim: dict[str, Any]) -> None:
    """Put a claim on disk, with the checkpoints that this board has of the run from before."""
    fresh = folder.run.with_name("run.new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "work").mkdir(parents=True, mode=0o700)
    earlier = folder.lost / str(claim["run"]) / "work"
    if earlier.is_dir():
        shutil.copytree(earlier, fresh / "work", dirs_exist_ok=True)
    write_durably(fresh / "claim.json", json.dumps(claim).encode())
    fresh.rename(folder.run)


def held(folder: Folder) -> dict[str, Any] | None:
    """The claim that a life before this one left on disk."""
    try:
        found = json.loads((folder.run / "claim.json").read_bytes())
    except (OSError, ValueError):
        shutil.rmtree(folder.run, ignore_errors=True)
        return None
    return dict(found)


def set_aside(folder: Folder, claim: dict[str, Any], why: str) -> None:
    """Keep the evidence of a run that this board no longer holds; of the last few."""
    target = folder.lost / str(claim["run"])
    folder.lost.mkdir(exist_ok=True, mode=0o700)
    shutil.rmtree(target, ignore_errors=True)
    (folder.run / "why.txt").write_text(why + "\n")
    folder.run.rename(target)
    for old in sorted(folder.lost.iterdir(), key=_age)[:-LOST_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _age(path: Path) -> float:
    return path.stat().st_mtime
