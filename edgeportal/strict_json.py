"""The one reader of what the API is sent: JSON that every parser reads alike, and text that a database can keep."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

DEEPEST = 32
LONGEST_NUMBER = 19
JSON_TYPE = "application/json"


class Unreadable(Exception):
    """What was sent cannot be read at all: 400, or 415 for another type than JSON, or 422 for text that nobody can keep."""

    def __init__(self, status: int, title: str, **more: object) -> None:
        super().__init__(title)
        self.status, self.title, self.more = status, title, more


class StrictParser(Parser):
    """Refuses NaN and Infinity, keys said twice, depth over 32, numbers over 19 digits, NUL and lone surrogates."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        sent_type = request.content_type or ""
        if sent_type != JSON_TYPE:
            raise Unreadable(415, f"Send JSON, with Content-Type: {JSON_TYPE}.", got=sent_type[:80])
        found: dict[str, Any] = _readable(_parsed(request.body))
        return found

    def parse_querydict(self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = _readable(super().parse_querydict(data, list_fields, request))
        return found


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite,
                          parse_int=_short)
    except UnicodeDecodeError:
        raise Unreadable(400, "The body is not UTF-8.") from None
    except RecursionError:
        raise Unreadable(400, "The JSON is nested too deeply.", limit=DEEPEST) from None
    except json.JSONDecodeError as error:
        raise Unreadable(400, f"The body is not JSON: line {error.lineno}, column {error.colno}.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Unreadable(400, "A key is said twice.", got=key[:80].encode("utf-8", "replace").decode())
        found[key] = value
    return found


def _no_number(word: str) -> Any:
    raise Unreadable(400, "NaN and Infinity are no JSON numbers.", got=word)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text[:40])


def _short(text: str) -> int:
    if len(text.lstrip("-")) > LONGEST_NUMBER:
        raise Unreadable(400, f"A whole number has at most {LONGEST_NUMBER} digits.", got=text[:40])
    return int(text)


def _readable(value: Any) -> Any:
    """The same value, when it is not too deep and every text in it can be kept."""
    for path, depth, each in _walk(value):
        if depth > DEEPEST:
            raise Unreadable(400, "The JSON is nested too deeply.", limit=DEEPEST)
        if isinstance(each, str) and not _keepable(each):
            raise Unreadable(422, "has a character that is no text", field=path)
    return value


def _walk(value: Any) -> Iterator[tuple[str, int, Any]]:
    waiting: list[tuple[str, int, Any]] = [("", 0, value)]
    while waiting:
        path, depth, each = waiting.pop()
        yield path, depth, each
        if isinstance(each, dict):
            waiting += [(path, depth, key) for key in each]
            waiting += [(f"{path}.{key}" if path else str(key)[:80], depth + 1, inner) for key, inner in each.items()]
        elif isinstance(each, list):
            waiting += [(path, depth + 1, inner) for inner in each]


def _keepable(text: str) -> bool:
    """PostgreSQL keeps no NUL; a lone half of a surrogate pair is no UTF-8."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
