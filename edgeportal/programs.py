"""The programs of an installation, each as the command that becomes it: pages, runs, desk, answers, clock."""

from __future__ import annotations

import os
import socket
import ssl
import sys
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from edgeportal import lan, places
from edgeportal.preconditions import Cannot

QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
Command = tuple[list[str], dict[str, str]]


def host() -> str:
    """The name by which this machine is known to all others; its measurements wait in the queue of that name."""
    return os.environ.get("EDGEPORTAL_HOST") or socket.gethostname()


def web(port: int) -> Command:
    """Pages, API and sockets. It believes no proxy by itself: edgeportal.proxies does, of those it was told."""
    bind = _bind()
    return [sys.executable, "-m", "uvicorn", "edgeportal.asgi:application", "--host", bind, "--port", str(port),
            "--no-access-log", "--log-level", "warning", "--ws", "websockets-sansio", "--ws-max-size", "65536",
            "--ws-per-message-deflate", "false", "--ws-ping-interval", "4", "--ws-ping-timeout", "4",
            "--timeout-graceful-shutdown", "1", "--lifespan", "off", "--no-proxy-headers", "--no-server-header", *_tls()], {}


def _bind() -> str:
    if places.local():
        return "0.0.0.0" if lan.wanted() else "127.0.0.1"
    return os.environ.get("EDGEPORTAL_BIND", "127.0.0.1")


def _tls() -> list[str]:
    """On the local network with the portal's own certificate; elsewhere a proxy speaks TLS, or there is only this machine."""
    return ["--ssl-certfile", str(lan.certificate()), "--ssl-keyfile", str(lan.key())] if lan.wanted() else []


def worker() -> Command:
    """One slot for runs: on a small machine a measurement never has a run of its own host beside it."""
    queues = os.environ.get("EDGEPORTAL_QUEUES") or f"cpu,bench.{host()}"
    command = _celery("worker", "--pool=threads", "--concurrency=1", "-Q", queues, "-n", f"runs@{host()}", *QUIET)
    return command, {"EDGEPORTAL_WARM": "1", "EDGEPORTAL_WORKER": "worker"}


def desk() -> Command:
    """What is done at once: inspecting and describing what came, watching over leases."""
    command = _celery("worker", "--pool=threads", "--concurrency=2", "-Q", "inspect", "-n", f"desk@{host()}", *QUIET)
    return command, {"EDGEPORTAL_WORKER": "desk"}


def answers() -> Command:
    """Questions that a page waits for: one process, one question after the other, with the planner loaded."""
    command = _celery("worker", "--pool=solo", "-Q", "ask", "-n", f"answers@{host()}", *QUIET)
    return command, {"EDGEPORTAL_WORKER": "answers", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def beat() -> Command:
    """The clock. One is enough, two do no harm: what it starts may be started twice."""
    schedule = str(places.var() / "beat-schedule")
    return _celery("beat", "--pidfile=", "-s", schedule, "--loglevel=WARNING"), {"EDGEPORTAL_WORKER": "beat"}


def _celery(*words: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "edgeportal.celery", "--quiet", *words]


PROGRAMS: dict[str, Callable[[], Command]] = {"worker": worker, "desk": desk, "answers": answers, "beat": beat}


def health(port: int) -> str:
    """Ask the web process of this host whether visitors may be sent to it; Cannot when not."""
    host = os.environ.get("ALLOWED_HOSTS", "127.0.0.1").split(",")[0].strip().lstrip(".")
    scheme, trust = ("https", ssl.create_default_context(cafile=str(lan.certificate()))) if lan.wanted() else ("http", None)
    asked = Request(f"{scheme}://127.0.0.1:{port}/healthz/live", headers={"Host": host})
    try:
        with urlopen(asked, timeout=8, context=trust) as answer:
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
