"""Where this installation keeps what it owns: the folder var/, its sockets and its secret key."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import quote

BASE_DIR = Path(__file__).resolve().parent.parent
# The kernel cuts a unix socket's path at 107 characters; PostgreSQL's own file name takes 16 of them.
LONGEST_SOCKET_FOLDER = 85


def local() -> bool:
    """Whether this is what `make run` starts, for one person on this machine, and not `EDGEPORTAL_MODE=production`."""
    return os.environ.get("EDGEPORTAL_MODE", "local") == "local"


def var() -> Path:
    """The folder of everything that is data; EDGEPORTAL_VAR moves it."""
    return Path(os.environ.get("EDGEPORTAL_VAR") or BASE_DIR / "var").resolve()


def sockets() -> Path:
    """The 0700 folder of the embedded servers' sockets: in var/, or in the runtime folder when that path is too long."""
    inside = var() / "sockets"
    if len(str(inside)) <= LONGEST_SOCKET_FOLDER:
        return inside
    import hashlib

    name = f"edgeportal-{os.getuid()}-{hashlib.sha256(str(inside).encode()).hexdigest()[:12]}"
    return Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp") / name


def embedded_database_url() -> str:
    return f"postgresql://edgeportal@{quote(str(sockets()), safe='')}/edgeportal"


def embedded_redis_url() -> str:
    return f"unix://{sockets() / 'redis.sock'}"


def broker_url(redis_url: str) -> str:
    """Celery's spelling of a Redis address."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def secret_key() -> str:
    """The signing key of a local installation: made once, readable by its owner only."""
    path = var() / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text()
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(50))
    return path.read_text()
