"""The heartbeat: every few seconds the portal hears how the board is, and says what it wants of the agent."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from worker.agent.hardware import runtimes
from worker.agent.portal import Patience, Portal
from worker.agent.sending import step_aside
from worker.agent.version import mine
from worker.agent.wording import COPIED, ENDED, VERSION, Away, Refused
from worker.profiling.sensors import health

log = logging.getLogger(__name__)
YARDSTICK = [sys.executable, "-m", "worker.profiling.yardstick"]
YARDSTICK_S, YARDSTICK_TIMEOUT_S = 3600.0, 60.0


class Beat(threading.Thread):
    """Tells of the board until the agent stops. `draining`: take no new run; `wanted`: the wheel to become; `network`: what waits
    to be served; `over`: why the agent must end."""

    def __init__(self, portal: Portal, poll_s: float, activity: Callable[[], str], renew: Callable[[str], None],
                 stopping: threading.Event, slices: Callable[[], dict[str, Any]] = dict,
                 serving: Callable[[], dict[str, Any]] = dict) -> None:
        super().__init__(name="beat", daemon=True)
        self.draining, self.is_outdated, self.over, self.count = False, False, "", 0
        self.wanted: dict[str, Any] | None = None
        self.network: dict[str, Any] | None = None
        self.told = threading.Event()
        self._portal, self._poll_s, self._activity, self._renew, self._stopping = portal, poll_s, activity, renew, stopping
        self._slices, self._serving = slices, serving
        self._patience = Patience()
        self._away = False
        self._baseline: dict[str, Any] | None = None
        self._measured_at = -YARDSTICK_S
        self._runtimes = runtimes()

    def run(self) -> None:
        step_aside()
        while not (self._stopping.is_set() or self.over):
            self._stopping.wait(self._turn())
        self._portal.close()

    def _turn(self) -> float:
        """One beat; how long to the next."""
        try:
            self._beat()
        except Away as away:
            if not self._away:
                log.warning("%s Trying again.", away)
            self._away = True
            return self._patience.next(away.retry_after)
        except Refused as refused:
            self._refused(refused)
            return self._patience.next()
        if self._away:
            log.info("The portal is back.")
        self._away = False
        self._patience.over()
        return self._poll_s

    def _beat(self) -> None:
        said: dict[str, Any] = {"activity": self._activity(), "health": health(), "data": self._slices()}
        if not self.count:
            said["runtimes"] = self._runtimes
        if serving := self._serving():
            said["network"] = serving
        if self._baseline:
            said["baseline"] = self._baseline
        heard = self._portal.ask("POST", "/api/agent/beat", said).body
        self._baseline = None
        self.draining, self.wanted, self._poll_s = bool(heard["draining"]), heard.get("wanted"), float(heard["poll_s"])
        self.network = heard.get("network")
        if heard.get("token"):
            self._renew(str(heard["token"]))
        self.count += 1
        self.told.set()

    def _refused(self, refused: Refused) -> None:
        if refused.status == 401:
            self._end(ENDED)
        elif refused.status == 409:
            self._end(COPIED)
        elif refused.status == 426:
            log.error("%s", VERSION.format(mine=mine(), needed=refused.body.get("needed")))
            self.wanted, self.is_outdated = {"version": "", "url": "/api/agent/wheel", "sha256": ""}, True
            self._stopping.set()  # A run stays on disk, for the version that is understood.
        else:
            log.error("The portal refused a beat: %s", refused)
            self._baseline = None
        self.told.set()

    def _end(self, why: str) -> None:
        self.over = why
        self._stopping.set()

    def yardstick(self) -> None:
        """Time the board's own yardstick, now and then, while it does nothing else."""
        if time.monotonic() - self._measured_at < YARDSTICK_S:
            return
        self._measured_at = time.monotonic()
        try:
            done = subprocess.run(YARDSTICK, capture_output=True, text=True, check=True, timeout=YARDSTICK_TIMEOUT_S,
                                  env={**os.environ, "OMP_NUM_THREADS": "1"})
            at = datetime.fromtimestamp(time.time() + self._portal.ahead_s, UTC)
            self._baseline = {"at": at.isoformat(), **json.loads(done.stdout)}
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            log.warning("The yardstick could not be timed (%s).", type(error).__name__)
