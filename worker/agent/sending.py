"""Who tells the portal what a run says: files first, then the events that name them, each batch until it is confirmed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from worker.agent.fetching import sha256_of
from worker.agent.portal import Patience, Portal
from worker.agent.spool import Batch, Spool
from worker.agent.wording import TOO_MUCH, Away, Refused
from worker.events import Failed

log = logging.getLogger(__name__)
LARGEST_FILE_BYTES = 8_000_000
# What the portal reads of one batch.
LARGEST_BATCH_BYTES = 2_000_000
STEP_ASIDE = 10
TICK_S, BETWEEN_S = 1.0, 0.4


class Sender(threading.Thread):
    """Sends a run's spool, and keeps its lease alive when there is nothing to send.

    `lost`: why the run is no longer this board's. `cancel` and `live`: what the portal asks of it.
    """

    def __init__(self, claim: dict[str, Any], workdir: Path, spool: Spool, portal: Portal) -> None:
        super().__init__(name="sender", daemon=True)
        self.cancel, self.lost, self.away = False, "", False
        self.live: dict[str, Any] = {}
        self._claim, self._workdir, self._spool, self._portal = claim, workdir, spool, portal
        self._base = f"/api/agent/runs/{claim['run']}"
        self._ordered = {each["path"]: each["sha256"] for each in claim["order"]["files"]}
        self._wake, self._leaving, self._stopped = threading.Event(), threading.Event(), False
        self._heard = 0.0
        self._patience = Patience(most=30.0)

    def run(self) -> None:
        step_aside()
        try:
            while not (self.lost or self._stopped or (self._leaving.is_set() and self._spool.is_empty)):
                self._turn()
        finally:
            self._portal.close()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def leave(self) -> None:
        """Nothing more will come: end when all is sent."""
        self._leaving.set()
        self._wake.set()

    def stop(self) -> None:
        """End now, whatever waits."""
        self._stopped = True
        self.leave()

    def _turn(self) -> None:
        try:
            sent = self._spoken()
            self._patience.over()
            self.away = False
            # A batch or two a second: what measures shall not be disturbed by what tells of it.
            (self._leaving if sent else self._wake).wait(BETWEEN_S if sent else TICK_S)
            self._wake.clear()
        except Away as away:
            if not self.away:
                log.warning("%s What the run says is kept until it is back.", away)
            self._hold(self._patience.next(away.retry_after))
        except Refused as refused:
            self._refused(refused)
        except OSError as error:
            if not self._stopped:
                log.warning("The spool cannot be used now (%s).", error.strerror)
            self._hold(2.0)

    def _spoken(self) -> bool:
        """Send the next batch, or prolong the lease when it is time to; whether there was a batch."""
        batch = self._spool.next()
        if batch:
            self._send(batch)
        elif time.monotonic() - self._heard >= self._claim["lease_s"] / 4:
            self._say(self._spool.confirmed, [])
        return batch is not None

    def _hold(self, seconds: float) -> None:
        self.away = True
        if self._leaving.is_set():
            time.sleep(min(seconds, 0.5))
        else:
            self._leaving.wait(seconds)

    def _refused(self, refused: Refused) -> None:
        """401: the beat tells it better, and ends the agent. 426: an update comes. Anything else ends the run here."""
        if refused.status in (401, 426):
            return self._hold(5.0)
        self.lost = str(refused)

    def _send(self, batch: Batch) -> None:
        events = [self._with_file(event) for event in batch.events]
        try:
            self._say(batch.number, events)
        except Refused as refused:
            if refused.status != 413:
                raise
            return self._give_up(batch.number)
        self._spool.confirm(batch)

    def _give_up(self, number: int) -> None:
        """The portal read nothing of this batch and never will: the run ends in its place, else it would come again for ever."""
        told = Failed(reason=TOO_MUCH.format(most=LARGEST_BATCH_BYTES))
        self._say(number, [told.model_dump(mode="json")])
        self.lost = told.reason

    def _say(self, number: int, events: list[dict[str, Any]]) -> None:
        said = json.dumps({"lease": self._claim["token"], "batch": number, "events": events}).encode()
        if len(said) > LARGEST_BATCH_BYTES:
            raise Refused(413, f"A batch of {len(said):,} bytes.", {})  # The portal would end the connection in the middle.
        heard = self._portal.ask("POST", f"{self._base}/events", said, **{"Content-Type": "application/json"}).body
        self._heard = time.monotonic()
        self.cancel, self.live = bool(heard.get("cancel")), heard.get("live") or {}

    def _with_file(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event, once the files that it names are with the portal; a line of the log in its place where they cannot be."""
        for path in _files(event):
            file = self._workdir / path
            if path in self._ordered and file.is_file() and sha256_of(file) == self._ordered[path]:
                continue
            if not file.is_file():
                return _instead(f"The file {path} was gone from the board before it was sent.")
            if file.stat().st_size > LARGEST_FILE_BYTES:
                return _instead(f"The file {path} has {file.stat().st_size:,} bytes; the portal takes {LARGEST_FILE_BYTES:,}. "
                                "It stays on the board.")
            try:
                self._put(path, file)
            except Refused as refused:
                if refused.status not in (413, 422):
                    raise
                return _instead(f"The portal did not take the file {path}: {refused} It stays on the board.")
        return event

    def _put(self, path: str, file: Path) -> None:
        self._portal.ask("PUT", f"{self._base}/outputs/{path}", file.read_bytes(),
                         **{"X-EdgePortal-SHA256": sha256_of(file), "X-EdgePortal-Lease": str(self._claim["token"])})


def _files(event: dict[str, Any]) -> list[str]:
    if event.get("type") == "file":
        return [event["path"]]
    if event.get("type") == "variant":
        return [path for path in (event["file"], event.get("onnx")) if path]
    return []


def _instead(message: str) -> dict[str, Any]:
    return {"type": "log", "level": "warning", "message": message}


def step_aside() -> None:
    """This thread yields to the process that measures (Linux counts threads one by one), unless it yields more already.

    Only root may make a thread less nice again, and no thread shall end for want of manners.
    """
    if sys.platform != "linux":
        return
    me = threading.get_native_id()
    with contextlib.suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, me) < STEP_ASIDE:
            os.setpriority(os.PRIO_PROCESS, me, STEP_ASIDE)
