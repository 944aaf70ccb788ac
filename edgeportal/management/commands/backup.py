"""Write a backup of this installation into a folder, while it works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from edgeportal.backup.manifest import Unusable
from edgeportal.backup.writing import write


class Command(BaseCommand):
    """Into the same folder again, it copies only files that are new."""

    help = "Back up the database and all files into a folder. The secret key is not in it: keep that elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            made = write(folder, self.stdout.write)
        except (Unusable, OSError) as problem:
            raise CommandError(str(problem)) from None
        if made.lost:
            raise CommandError(f"The backup is done, but the store itself no longer has {len(made.lost)} of its files, "
                               f"or has them damaged: {', '.join(made.lost[:5])}")
        self.stdout.write(f"The backup in {folder} is whole.")
