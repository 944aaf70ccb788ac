"""What must hold before an installation serves people: each rule says what is wrong and how to put it right."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from edgeportal.proxies import networks

SHORTEST_SECRET, SHORTEST_TOKEN = 50, 20
PLACEHOLDERS = ("change-me", "changeme", "django-insecure", "secret-key", "replace-me", "example")
OBJECT_STORE = ("OBJECT_STORE_BUCKET", "OBJECT_STORE_KEY", "OBJECT_STORE_SECRET")


class Unfit(ImproperlyConfigured):
    """The settings are not fit to serve anybody; the text has a line for each reason."""


@register()
def installation(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Every rule, for `manage.py check` and everything that runs it."""
    return [*_modes(), *_values()] if settings.LOCAL else [*_modes(), *_values(), *_production()]


def refuse() -> None:
    """Stop a program that would serve with unfit settings; warnings pass."""
    wrong = [found for found in installation(None) if found.is_serious()]
    if wrong:
        raise Unfit("\n".join(f"{found.id}: {found.msg} {found.hint}" for found in wrong))


def _modes() -> Iterator[CheckMessage]:
    if settings.MODE not in ("local", "production"):
        yield Error(f"EDGEPORTAL_MODE is {settings.MODE!r}.", hint="Set it to local or production.", id="edgeportal.E001")


def _values() -> Iterator[CheckMessage]:
    given = [name for name in OBJECT_STORE if os.environ.get(name)]
    if given and len(given) < len(OBJECT_STORE):
        missing = ", ".join(sorted(set(OBJECT_STORE) - set(given)))
        yield Error(f"Object storage is named but {missing} is not set.", id="edgeportal.E008",
                    hint="Set all of them, or none to keep files in EDGEPORTAL_VAR.")
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        yield Error(f"METRICS_TOKEN has {len(settings.METRICS_TOKEN)} characters, at least {SHORTEST_TOKEN} are needed.",
                    hint="Make one: openssl rand -hex 32", id="edgeportal.E007")
    try:
        networks(settings.TRUSTED_PROXIES)
    except ValueError as bad:
        yield Error(f"TRUSTED_PROXIES: {bad}.", id="edgeportal.E009",
                    hint="Name addresses or networks, separated by commas: 127.0.0.1,10.0.0.0/8")


def _production() -> Iterator[CheckMessage]:
    yield from _secret()
    yield from _hosts()
    yield from _servers()
    if not settings.TRUSTED_PROXIES and not settings.DIRECT_TLS:
        yield Warning("No proxy is trusted, so no request counts as HTTPS and all are redirected.", id="edgeportal.W001",
                      hint="Set TRUSTED_PROXIES to your proxy's address, or EDGEPORTAL_TLS=direct where there is none.")


def _secret() -> Iterator[CheckMessage]:
    secret = os.environ.get("SECRET_KEY", "")
    make = "Make one, keep it out of the repository and of backups: openssl rand -base64 48"
    if not secret:
        yield Error("SECRET_KEY is not set.", hint=make, id="edgeportal.E002")
    elif any(word in secret.lower() for word in PLACEHOLDERS):
        yield Error("SECRET_KEY is a placeholder.", hint=make, id="edgeportal.E003")
    elif len(secret) < SHORTEST_SECRET or len(set(secret)) < 10:
        yield Error(f"SECRET_KEY is too easy to guess: {len(secret)} characters, {len(set(secret))} different ones; "
                    f"at least {SHORTEST_SECRET} and 10 are needed.", hint=make, id="edgeportal.E004")


def _hosts() -> Iterator[CheckMessage]:
    hosts = settings.ALLOWED_HOSTS
    if not os.environ.get("ALLOWED_HOSTS", "").strip(" ,") or any(host.strip(".") in ("*", "") for host in hosts):
        yield Error(f"ALLOWED_HOSTS is {','.join(hosts) or 'empty'!r}.", id="edgeportal.E005",
                    hint="Name the hosts under which people open the portal: portal.example.org")


def _servers() -> Iterator[CheckMessage]:
    embedded = [name for name in ("DATABASE_URL", "REDIS_URL") if not os.environ.get(name)]
    if embedded and os.environ.get("EDGEPORTAL_EMBEDDED") != "1":
        yield Error(f"{' and '.join(embedded)} is not set.", id="edgeportal.E006",
                    hint="Name real servers, or set EDGEPORTAL_EMBEDDED=1 to use the embedded ones of one machine.")
