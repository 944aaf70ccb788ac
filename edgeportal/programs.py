"""The four programs of an installation, each as the command that becomes it: pages, runs, desk, clock."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from edgeportal import places
from edgeportal.preconditions import Cannot

QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
Command = tuple[list[str], dict[str, str]]


def host() -> str:
    """The name by which this machine is known to all others; its measurements wait in the queue of that name."""
    return os.environ.get("EDGEPORTAL_HOST") or socket.gethostname()


def web(port: int) -> Command:
    """Pages, API and sockets. It believes no proxy by itself: edgeportal.proxies does, of those it was told."""
    bind = "127.0.0.1" if places.local() else os.environ.get("EDGEPORTAL_BIND", "127.0.0.1")
    return [sys.executable, "-m", "uvicorn", "edgeportal.asgi:application", "--host", bind, "--port", str(port),
            "--no-access-log", "--log-level", "warning", "--ws", "websockets-sansio", "--ws-max-size", "65536",
            "--ws-per-message-deflate", "false", "--ws-ping-interval", "4", "--ws-ping-timeout", "4",
            "--timeout-graceful-shutdown", "1", "--lifespan", "off", "--no-proxy-headers", "--no-server-header"], {}


def worker() -> Command:
    """One slot for runs: on a small machine a measurement never has a run of its own host beside it."""
    queues = os.environ.get("EDGEPORTAL_QUEUES") or f"cpu,bench.{host()}"
    command = _celery("worker", "--pool=threads", "--concurrency=1", "-Q", queues, "-n", f"runs@{host()}", *QUIET)
    return command, {"EDGEPORTAL_WARM": "1", "EDGEPORTAL_WORKER": "worker"}


def desk() -> Command:
    """What is done at once: inspecting uploads, answering questions, watching over leases."""
    command = _celery("worker", "--pool=threads", "--concurrency=2", "-Q", "inspect,ask", "-n", f"desk@{host()}", *QUIET)
    return command, {"EDGEPORTAL_WORKER": "desk"}


def beat() -> Command:
    """The clock. One is enough, two do no harm: what it starts may be started twice."""
    schedule = str(places.var() / "beat-schedule")
    return _celery("beat", "--pidfile=", "-s", schedule, "--loglevel=WARNING"), {"EDGEPORTAL_WORKER": "beat"}


def _celery(*words: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "edgeportal.celery", "--quiet", *words]


PROGRAMS: dict[str, Callable[[], Command]] = {"worker": worker, "desk": desk, "beat": beat}


def health(port: int) -> str:
    """Ask the web process of this host whether visitors may be sent to it; Cannot when not."""
    host = os.environ.get("ALLOWED_HOSTS", "127.0.0.1").split(",")[0].strip().lstrip(".")
    asked = Request(f"http://127.0.0.1:{port}/healthz/live", headers={"Host": host})
    try:
        with urlopen(asked, timeout=8) as answer:
            return str(answer.read().decode())
    except HTTPError as error:
        raise Cannot(f"the web process answers {error.code}.") from None
    except OSError:
        raise Cannot(f"no web process answers on port {port}.") from None


def become(command: Command) -> None:
    """Replace this process, so that whoever started it supervises the program itself."""
    words, environment = command
    places.var().mkdir(parents=True, exist_ok=True)
    os.execve(words[0], words, {**os.environ, **environment})
