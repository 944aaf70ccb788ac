"""Several hosts on one machine: each a process group with its own name and folder, all with the same servers."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg
import redis

from edgeportal import embedded
from tests.operating.store import Store
from tests.portal import ROOT, Portal, free_port, lend_what_was_made, until


class Servers:
    """One PostgreSQL, one Redis and one S3 server, by TCP, as an operator would run them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ep-servers-"))
        database, broker = free_port(), free_port()
        self.store = Store()
        data = self.folder / "postgres"
        command = [*embedded.postgres_command(data, self.folder), "-c", "listen_addresses=127.0.0.1", "-p", str(database)]
        self._processes = [
            subprocess.Popen(command, preexec_fn=embedded.unprivileged(data)),
            subprocess.Popen([embedded.redis_binary(), "--port", str(broker), "--save", ""], stdout=subprocess.DEVNULL,
                             preexec_fn=embedded.child_of_this_process(signal.SIGTERM))]
        self.database = f"postgresql://edgeportal@127.0.0.1:{database}/postgres"
        self.environment = {"DATABASE_URL": self.database, "REDIS_URL": f"redis://127.0.0.1:{broker}/0",
                            "SECRET_KEY": secrets.token_urlsafe(50), **self.store.environment()}
        until(self._answer, 20, "PostgreSQL and Redis")

    def _answer(self) -> bool:
        try:
            psycopg.connect(self.database).close()
            with redis.Redis.from_url(self.environment["REDIS_URL"]) as line:
                return bool(line.ping())
        except (psycopg.OperationalError, redis.ConnectionError):
            return False

    def stop(self) -> None:
        for process, how in zip(self._processes, (signal.SIGINT, signal.SIGTERM), strict=True):
            process.send_signal(how)
            process.wait(60)
        self.store.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Host(Portal):
    """Web, worker, desk, answers and beat of one host. Nothing is shared with others but the servers."""

    def __init__(self, name: str, servers: Servers, **environment: str) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix=f"ep-host-{name}-")), EDGEPORTAL_HOST=name, **environment)
        self.name, self.servers = name, servers

    def environ(self) -> dict[str, str]:
        return super().environ() | self.servers.environment

    def begin(self) -> None:
        """As its own group, so that all of it can be killed at once, as when power is lost; it ends with the tests."""
        self.output.touch()
        lend_what_was_made(self.var)
        with self.output.open("ab") as out:
            self.process = subprocess.Popen([sys.executable, "-m", "edgeportal", "run"], cwd=ROOT, env=self.environ(),
                                            stdout=out, stderr=out,
                                            preexec_fn=embedded.child_of_this_process(signal.SIGTERM))

    def up(self) -> None:
        """Start it and wait for its web and its workers."""
        self.begin()
        until(lambda: self._healthy() or self._ended(), 90, f"{self.name} is up; it said {self.said()}")
        assert not self._ended(), self.said()

    def _ended(self) -> bool:
        assert self.process
        return self.process.poll() is not None

    def _healthy(self) -> bool:
        try:
            answer = self.http.get("/healthz")
        except Exception:
            return False
        return answer.status_code == 200 and self._has_pulse()

    def _has_pulse(self) -> bool:
        with redis.Redis.from_url(self.servers.environment["REDIS_URL"]) as line:
            return bool(line.exists(f"edgeportal:pulse:worker@{self.name}"))

    def power_off(self) -> None:
        """kill -9 of everything on this host at one moment."""
        family = self.processes()
        for one in family:
            try:
                os.kill(one.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        assert self.process
        self.process.wait(60)

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.servers.database, autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []
