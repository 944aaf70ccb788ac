"""The Celery application: JSON only, settings from Django."""

from __future__ import annotations

import os
from logging import captureWarnings
from logging.config import dictConfig
from typing import Any

from celery import Celery, signals
from django.conf import settings

from edgeportal import checks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edgeportal.settings")
# Celery's own Django fixup would load and check every app in every process, beat included; worker.tasks does what is needed.
app = Celery("edgeportal", fixups=[])
app.config_from_object("django.conf:settings", namespace="CELERY")
# Beat names tasks and runs none: it stays small without them. Answers run one, which does without Django's apps.
IMPORTS: dict[str, tuple[str, ...]] = {"beat": (), "answers": ("worker.tasks.answering",)}
PROGRAM = os.environ.get("EDGEPORTAL_WORKER", "")
app.conf.imports = IMPORTS.get(PROGRAM, ("worker.tasks.working",))
if PROGRAM in IMPORTS:
    checks.refuse()  # Where Django's apps are loaded, ours does it.


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _our_lines(**_: Any) -> None:
    """Lines as everywhere in the house, beat's too."""
    dictConfig(settings.LOGGING)
    captureWarnings(True)


# In every thread: Django answers requests in threads of its own.
app.set_default()
