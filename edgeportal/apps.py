from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import pre_migrate


class Edgeportal(AppConfig):
    """The project as an app: it brings the rules for settings, and holds every program to them."""

    name = "edgeportal"

    def ready(self) -> None:
        from edgeportal import checks

        pre_migrate.connect(_take_your_time)
        # manage.py says them itself, with all others; the servers would not.
        if Path(sys.argv[0]).name != "manage.py":
            checks.refuse()


def _take_your_time(using: str, **_: Any) -> None:
    """A migration may work for long on a large table; it still waits for nobody's lock for long."""
    with connections[using].cursor() as cursor:
        cursor.execute("set statement_timeout = 0")
