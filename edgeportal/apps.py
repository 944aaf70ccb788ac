from __future__ import annotations

import sys
from pathlib import Path

from django.apps import AppConfig


class Edgeportal(AppConfig):
    """The project as an app: it brings the rules for settings, and holds every program to them."""

    name = "edgeportal"

    def ready(self) -> None:
        from edgeportal import checks

        # manage.py says them itself, with all others; the servers would not.
        if Path(sys.argv[0]).name != "manage.py":
            checks.refuse()
