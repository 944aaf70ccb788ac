"""PostgreSQL's own programs, told by environment where the database is: nobody who lists processes sees a password."""

from __future__ import annotations

import os
import shutil
import subprocess

from django.db import connection

from edgeportal.backup.manifest import Unusable
from edgeportal.embedded import Unavailable, postgres_binary

NAMES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
         "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}


def program(name: str, *words: str) -> None:
    """Run pg_dump or pg_restore on our database; Unusable with its own reason, which is for the operator."""
    done = subprocess.run([_binary(name), *words], env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unusable(f"{name} failed: {done.stderr.strip()[-500:]}")


def _binary(name: str) -> str:
    """The wheel's, which is the newest; else the PATH's."""
    try:
        wheels = postgres_binary(name)
    except Unavailable:
        wheels = None
    if wheels and wheels.exists():
        return str(wheels)
    found = shutil.which(name)
    if not found:
        raise Unusable(f"There is no {name} here; install PostgreSQL's client programs.")
    return found


def _environment() -> dict[str, str]:
    known = connection.get_connection_params()
    given = {variable: str(known[name]) for name, variable in NAMES.items() if known.get(name)}
    return {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), **given}
