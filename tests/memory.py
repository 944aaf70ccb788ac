"""How much memory the portal's web process takes while something goes on."""

from __future__ import annotations

import threading

import psutil

from tests.portal import Portal


class Memory(threading.Thread):
    """The most that the web process held while it was watched, whichever process that is."""

    def __init__(self, portal: Portal) -> None:
        super().__init__(daemon=True)
        self.portal, self.most, self.done = portal, 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self.done.wait(0.05):
            try:
                self.most = max([self.most, *(web.memory_info().rss for web in self.portal.processes("uvicorn"))])
            except psutil.Error:
                continue
