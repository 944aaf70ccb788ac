#!/usr/bin/env python
"""Django's command line."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edgeportal.settings")
    from django.core.management import execute_from_command_line

    import edgeportal.celery  # noqa: F401  the current app, so that actions can wake workers by name

    execute_from_command_line(sys.argv)
