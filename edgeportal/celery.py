"""The Celery application: JSON only, settings from Django."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edgeportal.settings")
# Celery's own Django fixup would load and check every app in every process, beat included; worker.tasks does what is needed.
app = Celery("edgeportal", fixups=[])
app.config_from_object("django.conf:settings", namespace="CELERY")
# Beat names tasks and runs none: it stays small without them.
app.conf.imports = () if os.environ.get("EDGEPORTAL_WORKER") == "beat" else ("worker.tasks",)
# In every thread: Django answers requests in threads of its own.
app.set_default()
