"""What is wrong with a request, in our words: pydantic's errors by field, its own text never."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

LONGEST_QUOTE = 40

# By the beginning of the error's type; `{...}` is filled from the error's context.
WORDS = (
    ("missing", "is needed"),
    ("extra_forbidden", "is not known here"),
    ("greater_than_equal", "must be at least {ge}"),
    ("greater_than", "must be more than {gt}"),
    ("less_than_equal", "must be at most {le}"),
    ("less_than", "must be less than {lt}"),
    ("string_too_long", "has at most {max_length} characters"),
    ("string_too_short", "has at least {min_length} characters"),
    ("too_long", "has at most {max_length} entries"),
    ("too_short", "has at least {min_length} entries"),
    ("literal_error", "must be one of {expected}"),
    ("enum", "must be one of {expected}"),
    ("uuid", "must be an id"),
    ("int", "must be a whole number"),
    ("finite_number", "must be a number"),
    ("float", "must be a number"),
    ("bool", "must be true or false"),
    ("string", "must be text"),
    ("datetime", "must be a time, as in 2026-01-31T12:00:00Z"),
    ("date", "must be a date, as in 2026-01-31"),
    ("list", "must be a list"),
    ("dict", "must be an object"),
    ("model", "must be an object"),
)


def by_field(errors: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Each wrong field with one sentence; "" stands for the whole body."""
    found: dict[str, str] = {}
    for error in errors:
        found.setdefault(_field(error["loc"]), _sentence(error))
    return found


def _field(place: tuple[Any, ...]) -> str:
    """`("body", "asked", "name")` is the field `name`; a query's field stands right behind its source."""
    inner = place[2:] if place and place[0] == "body" else place[1:]
    return ".".join(str(part)[:80] for part in inner)


def _sentence(error: Mapping[str, Any]) -> str:
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", "does not fit"))
    words = next((words for start, words in WORDS if kind.startswith(start)), "is not understood")
    said = words.format_map({name: value for name, value in context.items()} | _missing(words, context))
    given = error.get("input")
    shown = isinstance(given, str | int | float) and kind not in ("missing", "extra_forbidden")
    return f"{said}; got {str(given)[:LONGEST_QUOTE]!r}" if shown else said


def _missing(words: str, context: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "…" for name in ("ge", "gt", "le", "lt", "max_length", "min_length", "expected")
            if name not in context and f"{{{name}}}" in words}
