"""The life of an agent: beat, take what it is to serve, ask for work, do it, one after the other, until a signal comes."""

from __future__ import annotations

import logging
import os
import signal
import threading
import uuid
from dataclasses import replace
from typing import Any

from worker.agent import data_port, hosting, running, updating
from worker.agent.beating import Beat
from worker.agent.hosting import Hosting
from worker.agent.keeper import ANEW
from worker.agent.portal import Answer, Patience, Portal
from worker.agent.running import Means, Running
from worker.agent.sending import Sender
from worker.agent.serving import Serving
from worker.agent.state import Folder, Identity
from worker.agent.wording import Away, Over, Refused

log = logging.getLogger(__name__)
CLAIM = "claim-request.json"
# What the portal gives who asks for work.
RUN, SLICE = 200, 202
CONFIRMED_EVERY_S = 0.2
# The keeper starts it again, later each time: the portal may have another wheel by then.
OUTDATED = 1
# An agent without one of these threads is deaf or mute, and does not know it.
VITAL, DIED = (Beat, Sender), 1


class Agent:
    """One board at work for its portal."""

    def __init__(self, folder: Folder, means: Means) -> None:
        self._folder, self._means = folder, means
        self._identity = Identity.of(folder)
        self._portal = Portal(self._identity.address, self._identity.instance, lambda: self._identity.token)
        self._stopping, self._busy = threading.Event(), False
        self._patience = Patience()
        self._port = data_port.of(folder)
        self._serving = Serving(folder, self._identity.instance, self._identity.signing_key, self._portal, self._stopping)
        self._beat = Beat(self._portal, self._identity.poll_s, self._activity, self._renew, self._stopping, self._about_slices,
                          self._serving.about)

    def live(self) -> int:
        """The exit status: 0 after a signal, ANEW when another version is to be started. Over when it cannot go on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        log.info("%s, for %s at %s", self._identity.device["name"], self._identity.team, self._identity.address.base)
        if self._port:
            log.info("tensors of other boards are taken at port %d, while a run needs it", self._port.port)
            log.info("by the certificate %s", self._port.certificate.fingerprint)
        self._serving.recover()
        self._beat.start()
        threading.Thread(target=self._confirm, name="confirm", daemon=True).start()
        self._go_on()
        while not self._stopping.is_set():
            if self._beat.wanted and updating.install(self._folder, self._beat.wanted, self._portal):
                return ANEW
            self._stopping.wait(self._turn())
        if self._beat.over:
            raise Over(self._beat.over)
        if self._beat.is_outdated and self._beat.wanted:
            return ANEW if updating.install(self._folder, self._beat.wanted, self._portal) else OUTDATED
        self._say_farewell()
        return 0

    def _go_on(self) -> None:
        """With the run that a life before this one held."""
        claim = running.held(self._folder)
        if claim and not self._stopping.is_set():
            log.info("going on with run %s", claim["number"])
            self._run(claim)
        kept = hosting.held(self._folder)
        if kept and not self._stopping.is_set():
            self._keep_slice(kept)

    def _turn(self) -> float:
        """Ask for work and do it; how long to wait before asking again."""
        if self._beat.draining or not self._beat.count:
            self._beat.told.wait(1.0)
            return 1.0
        if self._beat.network:
            self._serve(self._beat.network)
            return 0.0
        self._beat.yardstick()
        try:
            answer = self._claimed()
        except Away as away:
            return self._patience.next(away.retry_after)
        except Refused as refused:
            log.warning("No run could be had: %s", refused)
            return self._patience.next()
        self._patience.over()
        if answer.status == RUN:
            self._run(answer.body)
        elif answer.status == SLICE:
            self._keep_slice(answer.body)
        else:
            return answer.retry_after or self._identity.poll_s
        return 0.0

    def _claimed(self) -> Answer:
        """A run, a slice of another's run, or nothing.

        The number of the request is kept until there was something for it: an answer that was lost is given once more.
        """
        kept = self._folder.read(CLAIM)
        if kept is None:
            kept = {"request": str(uuid.uuid4())}
            self._folder.write(CLAIM, kept)
        answer = self._portal.ask("POST", "/api/agent/claim", kept)
        if answer.status in (RUN, SLICE):
            (running if answer.status == RUN else hosting).begin(self._folder, answer.body)
            self._folder.forget(CLAIM)
        return answer

    def _run(self, claim: dict[str, Any]) -> None:
        self._busy = True
        try:
            Running(self._folder, claim, self._portal, self._means, self._stopping).live()
        finally:
            self._busy = False

    def _keep_slice(self, claim: dict[str, Any]) -> None:
        self._busy = True
        try:
            Hosting(self._folder, claim, self._portal, self._means, self._port, self._stopping).live()
        finally:
            self._busy = False

    def _serve(self, wanted: dict[str, Any]) -> None:
        """Between runs: nothing is measured beside it."""
        self._busy = True
        try:
            self._beat.network = self._serving.take(wanted)
        finally:
            self._busy = False

    def _about_slices(self) -> dict[str, Any]:
        """Where others may bring tensors; nothing where they may not."""
        address = self._identity.address
        return self._port.about((address.name, address.port)) if self._port else {}

    def _activity(self) -> str:
        return "draining" if self._stopping.is_set() else "busy" if self._busy else "idle"

    def _renew(self, token: str) -> None:
        """On disk before it is used: its first use ends the old one."""
        fresh = replace(self._identity, token=token)
        fresh.keep(self._folder)
        self._identity = fresh

    def _confirm(self) -> None:
        """A new version stays once the portal has heard it."""
        while not (self._beat.count or self._stopping.wait(CONFIRMED_EVERY_S)):
            pass
        if self._beat.count:
            updating.confirm(self._folder)

    def _say_farewell(self) -> None:
        try:
            self._portal.ask("POST", "/api/agent/beat", {"activity": "draining", "health": {}})
        except (Away, Refused):
            pass  # It will be found silent.
        log.info("stopped")


def die_with(dead: threading.ExceptHookArgs) -> None:
    """Said of any thread that ends by a mistake; of one without which nobody is heard the whole agent ends, as by a kill.

    The keeper starts it again, and what it held is on its disk.
    """
    threading.__excepthook__(dead)
    if isinstance(dead.thread, VITAL):
        log.error("the thread %s has ended by a mistake, and the agent with it", dead.thread.name)
        logging.shutdown()
        os._exit(DIED)
