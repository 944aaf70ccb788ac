"""`/healthz`: whether this installation can do its work, and if not, what is wrong, in words that give nothing away."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.home import pulses

log = logging.getLogger(__name__)
ROOM_BYTES, FRESH_S = 200_000_000, 2.0
NEEDED = ("worker", "desk", "answers")
_last: tuple[float, dict[str, str]] = (float("-inf"), {})


class Wrong(Exception):
    """A part does not work; the text is for the answer."""


@never_cache
@require_safe
@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """All parts, for who watches over the installation: 200, or 503 with the parts that do not work."""
    return _answer(parts())


@never_cache
@require_safe
@login_not_required
def live(request: HttpRequest) -> JsonResponse:
    """Only this web process and its database, for who sends visitors here."""
    return _answer({"database": _state("database", database)})


def _answer(states: dict[str, str]) -> JsonResponse:
    works = all(state == "ok" for state in states.values())
    return JsonResponse({"status": "ok" if works else "unavailable", "parts": states}, status=200 if works else 503)


def parts() -> dict[str, str]:
    """Each part with `ok` or what is wrong; asked anew at most every two seconds, whoever asks how often."""
    global _last
    if time.monotonic() - _last[0] > FRESH_S:
        states = {name: _state(name, check) for name, check in CHECKS.items()}
        _last = (time.monotonic(), states)
    return _last[1]


def _state(name: str, check: Callable[[], object]) -> str:
    try:
        check()
    except Wrong as wrong:
        return str(wrong)
    except Exception as error:
        log.warning("The %s does not answer: %s", name, error)
        return "does not answer"
    return "ok"


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select 1")


def broker() -> None:
    pulses.line().ping()


def storage() -> None:
    """Object storage answers; or the folder is there and has room."""
    if settings.OBJECT_STORE:
        default_storage.exists("healthz")
        return
    if not Path(settings.VAR).is_dir():
        raise Wrong("is not there")
    if shutil.disk_usage(settings.VAR).free < ROOM_BYTES:
        raise Wrong("is full")


def workers() -> None:
    """At least one of each kind of worker said something lately."""
    kinds = {name.partition("@")[0] for name in pulses.heard()}
    silent = [kind for kind in NEEDED if kind not in kinds]
    if silent:
        raise Wrong(f"no pulse of any {' or '.join(silent)}")


CHECKS: dict[str, Callable[[], object]] = {"database": database, "redis": broker, "storage": storage, "workers": workers}
