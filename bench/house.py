"""PostgreSQL, Redis and one web process, as the portal starts them, in a folder of their own; no workers beside them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from edgeportal import embedded, places, programs
from tests.portal import ROOT, free_port, until


class House:
    """Sets this process up as a Django of that installation, so that a bench can fill its tables."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ep-bench-"))
        self.port = free_port()
        self.log = (self.folder / "log").open("ab")
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        os.environ |= {"EDGEPORTAL_VAR": str(self.folder), "PORT": str(self.port),
                       "DJANGO_SETTINGS_MODULE": "edgeportal.settings"}
        self._children: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []
        self.web: psutil.Process | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        sockets = places.sockets()
        sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "static").mkdir()
        data = self.folder / "postgres"
        self._begin(embedded.postgres_command(data, sockets), embedded.unprivileged(data), signal.SIGINT)
        self._begin(embedded.redis_command(sockets, self.folder / "redis"), embedded.child_of_this_process(signal.SIGTERM))
        until(lambda: embedded.postgres_answers(sockets) and embedded.redis_answers(sockets), 60, "PostgreSQL and Redis")
        self.manage("tables", "--verbosity=0")
        self.manage("collectstatic", "--noinput", "--verbosity=0")
        import django

        django.setup()

    def _begin(self, command: list[str], preexec: Any, how: signal.Signals = signal.SIGTERM,
               **more: Any) -> subprocess.Popen[Any]:
        output = more.pop("stdout", self.log)
        child = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=self.log, preexec_fn=preexec, **more)
        self._children.append((child, how))
        return child

    def program(self, *words: str, **more: Any) -> subprocess.Popen[Any]:
        """A helper of a bench: `python -m words`."""
        return self._begin([sys.executable, "-m", *words], embedded.child_of_this_process(signal.SIGTERM), **more)

    def beside(self, command: programs.Command) -> None:
        """Another of the portal's own programs."""
        words, environment = command
        self._begin(words, embedded.child_of_this_process(signal.SIGTERM), env={**os.environ, **environment})

    def manage(self, *words: str) -> None:
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, stdout=self.log, stderr=self.log, check=True)

    def open(self, application: str = "edgeportal.asgi:application", ping_s: int = 0) -> psutil.Process:
        """Start the web process, with the portal's own flags, or with fewer pings."""
        words, environment = programs.web(self.port)
        command = [application if word == "edgeportal.asgi:application" else word for word in words]
        if ping_s:
            command += ["--ws-ping-interval", str(ping_s), "--ws-ping-timeout", str(ping_s)]
        child = self._begin(command, embedded.child_of_this_process(signal.SIGTERM), env={**os.environ, **environment})
        until(lambda: _answers(self.address), 60, "the web process")
        self.web = psutil.Process(child.pid)
        return self.web

    def shut(self) -> None:
        if self.web:
            child = next(child for child, _ in self._children if child.pid == self.web.pid)
            child.terminate()
            child.wait(15)

    def stop(self) -> None:
        """Everything that was started, the last first; the folder goes with it."""
        for child, how in reversed(self._children):
            if child.poll() is None:
                child.send_signal(how)
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    child.kill()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def session(self, user: Any) -> str:
        """The cookie of somebody who has signed in."""
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = _backend()
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        return str(session.session_key)


def _backend() -> str:
    from django.conf import settings

    return str(settings.AUTHENTICATION_BACKENDS[0])


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/sign-in/", timeout=2).status_code < 500
    except httpx.HTTPError:
        time.sleep(0.1)
        return False
