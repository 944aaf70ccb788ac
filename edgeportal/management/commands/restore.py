"""Bring a backup into this installation, which must be empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from edgeportal.backup.manifest import Unusable
from edgeportal.backup.restoring import restore


class Command(BaseCommand):
    """Refuses whatever it cannot restore exactly, and says which file is wrong."""

    help = "Restore a backup into an empty database and store; run `tables` afterwards."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            restored = restore(folder, self.stdout.write)
        except (Unusable, OSError) as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"Restored what was there on {restored.made_at}. Runs that went on then begin again.")
