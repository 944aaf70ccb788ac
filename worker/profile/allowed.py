"""What a field takes, in words, from its own declaration; and pydantic's complaints as faults, none in the library's words."""

from __future__ import annotations

import difflib
import json
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from worker.profile.faults import Fault, Faults, quoted
from worker.profile.tree import Node, Spot

M = TypeVar("M", bound=BaseModel)
MISSPELT = 0.75
HINTS = (("_ms", "times are in seconds"), ("ms", "times are in seconds"), ("_mb", "sizes are in bytes"),
         ("_gb", "sizes are in bytes"), ("time", "a time is called seconds"), ("latency", "a time is called seconds"))


@cache
def schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def checked(model: type[M], node: Node, faults: Faults) -> M | None:
    """The model of these values, or None and a fault for each thing that is wrong."""
    try:
        return model.model_validate_json(json.dumps(node.plain(), ensure_ascii=False), strict=True)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            fault = _fault(model, node, each)
            if fault is not None:
                faults.add(fault)
        return None


def _fault(model: type[BaseModel], node: Node, error: Any) -> Fault | None:
    """None for what the reader has said already."""
    loc = tuple(part for part in error["loc"] if part != "[key]")
    found, path = _walk(node, loc)
    at: Spot = found.at
    kind = error["type"]
    if found.broken or (kind == "too_short" and found.value):  # Pydantic does not count what is wrong in itself.
        return None
    takes = part_of(schema(model), loc)
    if kind == "missing":
        return Fault(_path(loc), "nothing", phrase(takes), *at)
    if kind == "extra_forbidden":
        at = found.key or at
        return Fault(_path(loc), "a key that is not known here", _known(part_of(schema(model), loc[:-1]), str(loc[-1])), *at)
    if error["loc"] and error["loc"][-1] == "[key]":
        return Fault(_path(loc), "this key", "1 to 60 letters, digits and . _ -", *(found.key or at))
    said = error.get("ctx", {}).get("error") if kind == "value_error" else None
    return Fault(found.label or path, _got(found), str(said) if said else phrase(takes), *at)


def _walk(node: Node, loc: tuple[Any, ...]) -> tuple[Node, str]:
    """The innermost node on the way that is there, and the whole way as text."""
    for part in loc:
        inner = node.value
        if isinstance(inner, dict) and part in inner:
            node = inner[part]
        elif isinstance(inner, list) and isinstance(part, int) and part < len(inner):
            node = inner[part]
        else:
            break
    return node, _path(loc)


def _path(loc: tuple[Any, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{quoted(part)}" for part in loc).removeprefix(".")


def _got(node: Node) -> str:
    if isinstance(node.value, list):
        return "a list" if node.value else "an empty list"
    if isinstance(node.value, dict):
        return "keys with values" if node.value else "no keys"
    return quoted(node.text) if node.text else "nothing"


def _known(takes: dict[str, Any], key: str) -> str:
    names = list(takes.get("properties", ()))
    close = difflib.get_close_matches(key, names, n=1, cutoff=MISSPELT)
    hint = next((words for sign, words in HINTS if key.lower().endswith(sign)), "")
    meant = f" (did you mean {close[0]}?)" if close else f" ({hint})" if hint else ""
    return ", ".join(names) + meant


def part_of(whole: dict[str, Any], loc: tuple[Any, ...]) -> dict[str, Any]:
    """The schema of what stands at this place."""
    found = whole
    for part in loc:
        found = _resolved(whole, found)
        inner = found.get("items", {}) if isinstance(part, int) else found.get("properties", {}).get(
            part, next(iter(found.get("patternProperties", {}).values()), found.get("additionalProperties")))
        found = inner if isinstance(inner, dict) else {}
    return _resolved(whole, found)


def _resolved(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Behind references and `or nothing`; what the field itself says stays."""
    for each in part.get("anyOf", ()):
        if each.get("type") != "null":
            return _resolved(whole, {**part, "anyOf": (), **each})
    if "$ref" in part:
        return {**whole["$defs"][part["$ref"].rpartition("/")[2]], **{k: v for k, v in part.items() if k != "$ref"}}
    return part


def phrase(part: dict[str, Any]) -> str:
    """`a number between 0 and 3,600`, `one of device, edge, cloud`."""
    if "allowed" in part:
        return str(part["allowed"])
    if "enum" in part:
        return f"one of {', '.join(map(str, part['enum']))}"
    if "const" in part:
        return str(part["const"])
    kind = part.get("type", "")
    if kind in ("integer", "number"):
        return f"{'a whole number' if kind == 'integer' else 'a number'}{_range(part)}"
    if kind == "string":
        return _text(part)
    if kind == "array":
        return f"a list{_count(part, 'Items')}"
    return {"boolean": "true or false", "object": "keys with values"}.get(kind, "a value")


def _range(part: dict[str, Any]) -> str:
    low, high = part.get("minimum"), part.get("maximum")
    if low is not None and high is not None:
        return f" between {_number(low)} and {_number(high)}"
    return f" of at least {_number(low)}" if low is not None else f" of at most {_number(high)}" if high is not None else ""


def _text(part: dict[str, Any]) -> str:
    most, least = part.get("maxLength"), part.get("minLength")
    return f"text of {f'{least} to' if least else 'at most'} {most} characters" if most else "text"


def _count(part: dict[str, Any], what: str) -> str:
    low, high = part.get(f"min{what}", 0), part.get(f"max{what}")
    return f" of {low} to {high:,}" if high else f" of at least {low}" if low else ""


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"
