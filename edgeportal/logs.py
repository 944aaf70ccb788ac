"""What goes to the log: readable lines here, JSON lines in production, each with the request or run it belongs to; no secrets."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from apps.live.about import about

MASK = "[secret]"
SECRETS = (
    # Links that sign somebody in, invite, or reset a password; tokens; passwords in the addresses of servers.
    (re.compile(r"(/(?:enter|invitations|reset|reset/key|confirm-email)/)[^\s\"'?]+"), rf"\1{MASK}"),
    (re.compile(r"\b(epa?)_[A-Za-z0-9_]{6,}"), rf"\1_{MASK}"),
    (re.compile(r"(?i)(bearer )[A-Za-z0-9._~+/=-]{8,}"), rf"\1{MASK}"),
    (re.compile(r"(\w+://[^\s:/@]*:)[^\s@/]+@"), rf"\1{MASK}@"),
)


def masked(text: str) -> str:
    """The text without what would let its reader in."""
    for secret, instead in SECRETS:
        text = secret.sub(instead, text)
    return text


class Lines(logging.Formatter):
    """For people: one line, a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class Json(logging.Formatter):
    """For machines: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": at, "level": record.levelname.lower(), "logger": record.name}
        line |= (about.get() or {}) | _of_request(record)
        line["message"] = masked(record.getMessage())
        if record.exc_info:
            line["trace"] = masked(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def _of_request(record: logging.LogRecord) -> dict[str, str]:
    """Django logs a failed request after the middleware has returned, but with the request."""
    request = getattr(record, "request", None)
    return getattr(request, "about", {})
