"""Bring the database to the tables of this release."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from edgeportal import tables


class Command(BaseCommand):
    """What `migrate` does, faster on an empty database and safe on several hosts at once."""

    help = "Make the tables of this release in an empty database, or migrate one that has some."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--wait", type=float, default=0.0, metavar="S", help="wait up to S seconds for the database")
        parser.add_argument("--keep", action="store_true", help="write edgeportal/tables.sql anew, after a change of migrations")

    def handle(self, *args: Any, keep: bool, wait: float, **options: Any) -> None:
        tables.wait_for_the_database(wait)
        if keep:
            self.stdout.write(f"{tables.KEPT.name}: {tables.keep()} statements.")
        else:
            tables.bring_up(options["verbosity"])
