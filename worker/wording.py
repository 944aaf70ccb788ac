"""Bounds and errors of parameters in words that a person would use: the same on a form, in the API and in a terminal."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from worker.params import Params, Reference, extra
from worker.profile import ENOUGH_LEFT_OUT

# What a timing is called that other work on the computer disturbed; static/js/words.js says the same.
NOISY = "noisy timing"
LONGEST_QUOTE = 40
PLAIN: dict[Any, str] = {int: "a whole number", float: "a number", bool: "yes or no", str: "text"}
COMMA = re.compile(r"\s*([-+]?\d+),(\d+)\s*")
NOT_WHOLE = {"int_parsing", "int_type", "int_from_float", "int_parsing_size"}


class Bound(NamedTuple):
    value: float
    inclusive: bool


def counted(number: int, word: str) -> str:
    """`1 epoch`, `2 epochs`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def worst_of(left_out: int | None) -> str:
    """What an error is that so few left-out numbers stand behind; nothing where they are enough to say what held 95 % of them."""
    return f"the worst of {left_out} left out" if left_out and left_out < ENOUGH_LEFT_OUT else ""


def figures(number: float) -> str:
    """Three significant digits, thousands parted: `0.0117`, `51.7`, `48,200`."""
    return f"{number:.3g}" if abs(number) < 100 else f"{float(f'{number:.3g}'):,.0f}"


def byte_size(count: int) -> str:
    """`512 B`, `18.6 kB`, `25.7 MB`: as the portal writes sizes, 1 MB = 10^6 bytes."""
    if count < 1000:
        return f"{count} B"
    return f"{figures(count / 1e3)} kB" if count < 1e6 else f"{figures(count / 1e6)} MB"


def signed(number: float) -> str:
    """With a sign in front, a real minus too; one decimal."""
    text = f"{abs(number):.1f}"
    return text if text == "0.0" else ("−" if number < 0 else "+") + text


def point_hint(text: Any) -> str:
    """`write 0.9` of `0,9`, a decimal as many write it; nothing of anything else."""
    found = COMMA.fullmatch(text) if isinstance(text, str) and len(text) <= LONGEST_QUOTE else None
    return f"write {found[1]}.{found[2]}" if found else ""


def bounds(info: FieldInfo) -> tuple[Bound | None, Bound | None]:
    """The lowest and highest value a field takes."""
    low = high = None
    for mark in info.metadata:
        for name, inclusive in (("ge", True), ("gt", False)):
            value = getattr(mark, name, None)
            low = Bound(value, inclusive) if value is not None else low
        for name, inclusive in (("le", True), ("lt", False)):
            value = getattr(mark, name, None)
            high = Bound(value, inclusive) if value is not None else high
    return low, high


def range_words(info: FieldInfo) -> str:
    """`between 0 and 0.999`, `at least 1`; nothing for a free field."""
    low, high = bounds(info)
    if low and high and low.inclusive and high.inclusive:
        return f"between {_number(low.value)} and {_number(high.value)}"
    said = [_side(low, "at least", "more than"), _side(high, "at most", "less than")]
    return " and ".join(part for part in said if part)


def complaint(error: Any, params: type[Params]) -> str:
    """One pydantic error as `must be between 0 and 0.999; got 1.2`. The library's own text never gets out."""
    name = str(error["loc"][0]) if error["loc"] else ""
    info = params.model_fields.get(name)
    kind = str(error["type"])
    if kind == "missing":
        return f"is needed: {why}" if (why := info and extra(params, name).get("needed")) else f"is needed{_allowed_after(info)}"
    if kind == "extra_forbidden":
        return "is not a parameter of this recipe"
    if kind in ("value_error", "assertion_error"):
        return str(error.get("ctx", {}).get("error", "does not fit"))
    if kind == "literal_error" and info:
        return f"must be one of {', '.join(map(str, get_args(info.annotation)))}; got {_quoted(error.get('input'))}"
    hint = point_hint(error.get("input")) if kind == "float_parsing" else ""
    return f"must be {_wanted(kind, info)}; got {_quoted(error.get('input'))}{'; ' + hint if hint else ''}"


def range_or_choices(info: FieldInfo) -> str:
    """What a field takes, as a phrase: its choices, its range, or its type."""
    if get_origin(info.annotation) is Literal:
        return f"one of {', '.join(map(str, get_args(info.annotation)))}"
    references = [mark.kind for mark in info.metadata if isinstance(mark, Reference)]
    if references:
        return f"a {references[0]}"
    return " ".join(part for part in (PLAIN.get(info.annotation, ""), range_words(info)) if part)


def _allowed_after(info: FieldInfo | None) -> str:
    allowed = range_or_choices(info) if info else ""
    return f": {allowed}" if allowed else ""


def _wanted(kind: str, info: FieldInfo | None) -> str:
    allowed = range_words(info) if info else ""
    if kind in NOT_WHOLE:
        return f"a whole number{', ' + allowed if allowed else ''}"
    if kind.startswith("float") or kind == "finite_number":
        return f"a number{', ' + allowed if allowed else ''}"
    if kind.startswith("bool"):
        return "yes or no"
    if kind.startswith("string_too"):
        return "shorter" if kind == "string_too_long" else "longer"
    return allowed or "a value this field takes"


def _side(bound: Bound | None, inclusive: str, exclusive: str) -> str:
    return f"{inclusive if bound.inclusive else exclusive} {_number(bound.value)}" if bound else ""


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _quoted(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}… ({len(text):,} characters)"
