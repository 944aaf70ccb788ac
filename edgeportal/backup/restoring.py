"""Bring a backup into an empty installation: every byte is checked before the database is touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Count, F, Max
from django.db.models.functions import Coalesce

from apps.catalog import blobs
from apps.catalog.models import Blob
from apps.live.models import Event, Stream
from edgeportal.backup import manifest as manifests
from edgeportal.backup.manifest import Manifest, Unusable, place, sha256_of
from edgeportal.backup.postgres import program


def restore(folder: Path, say: Callable[[str], None]) -> Manifest:
    """Files first, then the database in one transaction, then a look at what came of it."""
    manifest = manifests.read(folder)
    _target_is_empty()
    _is_not_newer(manifest)
    _is_whole(folder, manifest)
    say(f"The backup of {manifest.made_at} is whole: {len(manifest.files)} files.")
    for sha256 in _had(manifest):
        blobs.put(place(folder, sha256), sha256)
    program("pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges",
            "--dbname", connection.settings_dict["NAME"], str(folder / manifest.dump))
    _came_through(manifest)
    return manifest


def _target_is_empty() -> None:
    tables = connection.introspection.table_names()
    if tables:
        raise Unusable(f"This database is not empty: it has {len(tables)} tables. A backup is restored into a new, empty one.")


def _is_not_newer(manifest: Manifest) -> None:
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    newer = sorted(set(manifest.migrations) - known)
    if manifest.format > manifests.FORMAT or newer:
        raise Unusable(f"This backup is of a newer EdgePortal: it has {', '.join(newer[:3]) or 'another format'}. "
                       "Restore it with that version.")


def _had(manifest: Manifest) -> list[str]:
    return sorted(set(manifest.files) - set(manifest.lost))


def _is_whole(folder: Path, manifest: Manifest) -> None:
    """Name the first file that is missing or not what it was."""
    checked = [(folder / manifest.dump, manifest.dump_sha256), *((place(folder, sha), sha) for sha in _had(manifest))]
    for file, sha256 in checked:
        if not file.is_file():
            raise Unusable(f"The backup is not whole: {file.relative_to(folder)} is missing.")
        if sha256_of(file) != sha256:
            raise Unusable(f"The backup is damaged: {file.relative_to(folder)} is not what it was. Nothing was restored.")


def _came_through(manifest: Manifest) -> None:
    """All events and streams are there, gap-free, and every row's file is in the store."""
    counts = (Stream.objects.count(), Event.objects.count())
    if counts != (manifest.streams, manifest.events):
        raise Unusable(f"{counts[0]} streams with {counts[1]} events came through of {manifest.streams} with {manifest.events}.")
    numbered = Stream.objects.annotate(n=Count("events"), last=Coalesce(Max("events__seq"), 0))
    gaps = list(numbered.exclude(n=F("head"), last=F("head")).values_list("pk", flat=True)[:3])
    if gaps:
        raise Unusable(f"Streams have gaps: {', '.join(map(str, gaps))}.")
    if Blob.objects.count() != len(manifest.files):
        raise Unusable("The database names other files than the backup holds.")
