"""DATABASE_URL and REDIS_URL name real servers, by TCP: no embedded ones are started, everything else is the same."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from edgeportal import embedded
from tests.portal import Portal, free_port, strain, until

pytestmark = pytest.mark.kill


@pytest.fixture
def addresses() -> Iterator[dict[str, str]]:
    """A PostgreSQL and a Redis of their own, as an operator would run them."""
    folder, ports = Path(tempfile.mkdtemp(prefix="ep-real-")), (free_port(), free_port())
    command = embedded.postgres_command(folder / "postgres", folder)
    tcp = ["-c", "listen_addresses=127.0.0.1", "-p", str(ports[0])]
    dying = embedded.child_of_this_process(signal.SIGTERM)
    servers = [subprocess.Popen([*command, *tcp], preexec_fn=embedded.unprivileged(folder / "postgres")),
               subprocess.Popen([embedded.redis_binary(), "--port", str(ports[1]), "--save", ""], preexec_fn=dying,
                                stdout=subprocess.DEVNULL)]
    until(lambda: answers(ports[0]) and hears(ports[1]), 20, "PostgreSQL and Redis")
    yield {"DATABASE_URL": f"postgresql://edgeportal@127.0.0.1:{ports[0]}/postgres",
           "REDIS_URL": f"redis://127.0.0.1:{ports[1]}/0"}
    for server, how in zip(servers, (signal.SIGINT, signal.SIGTERM), strict=True):
        server.send_signal(how)
        server.wait(60)


def answers(port: int) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="edgeportal", dbname="postgres").close()
        return True
    except psycopg.OperationalError:
        return False


def hears(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
        return True
    except OSError:
        return False


def test_a_run_goes_through_real_servers(addresses: dict[str, str]) -> None:
    portal = Portal(Path(tempfile.mkdtemp(prefix="ep-own-")), **addresses)
    try:
        portal.start()
        assert not portal.processes("redis-server") and not portal.processes("pginstall")
        with psycopg.connect(addresses["DATABASE_URL"]) as connection:
            stream = connection.execute("select stream_id from experiments_run").fetchone()
        assert stream
        until(lambda: said(portal, str(stream[0])), 60, "the sample run trains")
    finally:
        portal.stop()
        portal.keep_logs(Path(tempfile.mkdtemp()))


def said(portal: Portal, stream: str) -> bool:
    rows = portal.http.get(f"/api/streams/{stream}/events").json()["events"]
    return any(row["type"] == "metric" and row["body"]["name"] == "accuracy" for row in rows)


def test_a_server_that_is_not_there_gives_one_line() -> None:
    portal = Portal(Path(tempfile.mkdtemp(prefix="ep-own-")), DATABASE_URL="postgresql://x@127.0.0.1:1/x",
                    REDIS_URL="redis://127.0.0.1:1/0", EDGEPORTAL_SAMPLE="0")
    portal.begin()
    assert portal.process
    assert portal.process.wait(60 * strain()) == 1
    lines = [line for line in portal.said().splitlines() if line.startswith("EdgePortal:")]
    assert len(lines) == 1 and "onnection" in lines[0], portal.said()
