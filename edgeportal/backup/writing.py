"""Make a backup while the portal works: the database in one snapshot, then the files that its rows name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from apps.catalog import blobs
from apps.catalog.models import Blob
from apps.live.models import Event, Stream
from edgeportal.backup.manifest import Manifest, Unusable, place, sha256_of
from edgeportal.backup.postgres import program

# Sessions and links are worth nothing under another secret key, and something to a thief.
LEFT_OUT = ("django_session", "accounts_signinlink")


def write(folder: Path, say: Callable[[str], None]) -> Manifest:
    """A whole backup in that folder; what an earlier one left there is used again."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    with _snapshot() as snapshot:
        made_at = datetime.now(UTC)
        dump = folder / f"database-{made_at:%Y%m%dT%H%M%S%f}.dump"
        left_out = [f"--exclude-table-data={table}" for table in LEFT_OUT]
        program("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", *left_out,
                f"--file={dump}")
        files = dict(Blob.objects.order_by("sha256").values_list("sha256", "size_bytes"))
        facts = {"migrations": applied(), "streams": Stream.objects.count(), "events": Event.objects.count()}
    say(f"The database is in {dump.name}; {len(files)} files belong to it.")
    lost = sorted(sha256 for sha256, size in files.items() if not _copied(sha256, size, folder))
    manifest = Manifest(made_at=made_at.isoformat(), dump=dump.name, dump_sha256=sha256_of(dump), files=files, lost=lost,
                        **facts)
    manifest.write(folder)
    for old in folder.glob("database-*.dump"):
        if old != dump:
            old.unlink()
    return manifest


def applied() -> list[str]:
    """The migrations that this database has."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


@contextmanager
def _snapshot() -> Iterator[str]:
    """One picture of the database, by a name that pg_dump can use too while this block lasts."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        cursor.execute("set local statement_timeout = 0")
        cursor.execute("select pg_export_snapshot()")
        (name,) = cursor.fetchone() or ("",)
        yield name


def _copied(sha256: str, size: int, folder: Path) -> bool:
    """Bring one file into the backup, unless it is there; False when the store has it no longer, or damaged."""
    target = place(folder, sha256)
    if target.exists() and target.stat().st_size == size:
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp = target.with_suffix(".tmp")
    try:
        _pour(sha256, tmp)
        tmp.rename(target)
    except blobs.Away as error:
        raise Unusable("The store of files does not answer; the backup is not whole.") from error
    except blobs.Unreadable:
        return False
    finally:
        tmp.unlink(missing_ok=True)
    return True


def _pour(sha256: str, target: Path) -> None:
    source = blobs.open(sha256)
    try:
        with target.open("wb") as out:
            while piece := source.read():
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
    finally:
        source.close()
