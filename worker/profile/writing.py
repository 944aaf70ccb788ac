"""Profiles and a device as files: ours in JSON, YAML or CSV, Scission's and ScissionTL's tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from worker.profile import scission, tables
from worker.profile.document import FORM
from worker.profile.hardware import Hardware
from worker.profile.network import NetworkProfile
from worker.profile.sheet import COMMA, SEMICOLON, STANDARD_END, TAB, Row, Sheet, is_formula, line_of
from worker.profile.text import MARK

FORMS = {"json": "JSON", "yaml": "YAML", "csv": "CSV", "scission": "Scission's CSV", "scissiontl": "ScissionTL's CSV"}
TABLES = ("csv", "scission", "scissiontl")
# Plain in YAML to every reader: begins with a letter, no sign that means something, no word that is a value.
PLAIN = re.compile(r"(?!(?:y|yes|n|no|on|off|true|false|null)$)[A-Za-z][A-Za-z0-9_./+\-]*(?: [A-Za-z0-9_./+\-]+)*", re.IGNORECASE)


class Written(NamedTuple):
    """A profile, and how the file it came in wrote it: `written` is what `as_written` told, or nothing."""

    profile: NetworkProfile
    written: Mapping[str, Any] = {}


def write(form: str, profiles: Sequence[Written], device: Hardware | None = None) -> bytes:
    """One file of all these."""
    if form in TABLES:
        return (_device_table(device) if not profiles and device and form == "csv" else _table(form, profiles)).encode()
    found = {"form": FORM, **({"device": _described(device)} if device else {}),
             **({"profiles": [_said(each.profile) for each in profiles]} if profiles else {})}
    return (yaml_of(found) if form == "yaml" else json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode()


def suffix(form: str) -> str:
    return f".{form}" if form in ("json", "yaml") else ".csv"


def _said(model: NetworkProfile | Hardware) -> dict[str, Any]:
    told: dict[str, Any] = model.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    return told


def _described(device: Hardware) -> dict[str, Any]:
    """Its tier always: who reads the file where no such device is would not know it otherwise."""
    return {"name": device.name, "tier": device.tier, **_said(device)}


# Tables.


def lines_of(form: str, profile: NetworkProfile, columns: Sequence[tables.Column]) -> list[list[str]]:
    """The cells of a profile's lines in the standard way."""
    if form != "csv":
        return scission.cells(profile, columns)
    return [[tables.cell(each, value) for each, value in zip(columns, row, strict=True)]
            for row in zip(*(tables.values(profile, each) for each in columns), strict=True)]


def as_written(form: str, found: Sheet, columns: Sequence[tables.Column], rows: Sequence[Row],
               profile: NetworkProfile) -> dict[str, Any]:
    """What has to be kept beside the numbers so that the file is written again as it was; lines that are standard need nothing.

    Where a text could be taken for a formula nothing is kept: then the standard way, which guards it, is the only one.
    """
    if not found.is_even or _is_risky(found, columns, rows):
        return {}
    names = _names(columns)
    told = {"form": form, "columns": names, "end": found.end, "last_end": found.has_last_end, "mark": found.has_mark,
            "preface": found.preface, "header": "" if found.header.raw == line_of(_standard(form, names)) else found.header.raw}
    standard = [line_of(cells) for cells in lines_of(form, profile, columns)]
    own = {str(place): row.raw for place, (row, line) in enumerate(zip(rows, standard, strict=True)) if row.raw != line}
    return {**told, "lines": own}


def _standard(form: str, names: list[str]) -> list[str]:
    """The order of columns that we write; in our own tables the one that came."""
    return {"scission": _names(scission.PLAIN), "scissiontl": _names(scission.WITH_TRANSFER)}.get(form, names)


def _names(columns: Sequence[tables.Column]) -> list[str]:
    return [each.name for each in columns]


def _is_risky(found: Sheet, columns: Sequence[tables.Column], rows: Sequence[Row]) -> bool:
    texts = [place for place, each in enumerate(columns) if each.kind in ("string", "object", "array")]
    above = re.split(f"[{COMMA}{SEMICOLON}{TAB}\n]", "".join(found.preface))
    return any(is_formula(row.cells[place]) for row in rows for place in texts) or any(map(is_formula, above))


def _table(form: str, profiles: Sequence[Written]) -> str:
    columns = _columns(form, profiles)
    names = _names(columns)
    same = _common(profiles, names, form)
    end: str = same.get("end", STANDARD_END)
    lines: list[str] = [same.get("header") or line_of(names)]
    for each in profiles:
        own = each.written["lines"] if same else {}
        lines += [own.get(str(place)) or line_of(cells) for place, cells in enumerate(lines_of(form, each.profile, columns))]
    text = (MARK if same.get("mark") else "") + "".join(same.get("preface", ())) + end.join(lines)
    return text + end if same.get("last_end", True) else text


def _columns(form: str, profiles: Sequence[Written]) -> Sequence[tables.Column]:
    if form == "scissiontl":
        return scission.WITH_TRANSFER
    if form == "scission":
        return scission.PLAIN
    named = [each.written.get("columns") if each.written.get("form") == form else None for each in profiles]
    if named and named[0] and all(names == named[0] for names in named):
        by_name = {each.name: each for each in tables.BLOCKS}
        return [by_name[name] for name in named[0] if name in by_name]
    return tables.used([each.profile for each in profiles])


def _common(profiles: Sequence[Written], names: list[str], form: str) -> Mapping[str, Any]:
    """How all of them were written, when they were written alike and in these columns."""
    told = [{key: value for key, value in each.written.items() if key != "lines"} for each in profiles]
    alike = bool(told) and told[0].get("form") == form and all(each == told[0] for each in told)
    there = told[0].get("columns", []) if alike else []
    return told[0] if alike and (there == names if form == "csv" else sorted(there) == sorted(names)) else {}


def _device_table(device: Hardware) -> str:
    cells = [tables.cell(each, getattr(device, each.key)) for each in tables.DEVICE]
    return STANDARD_END.join([line_of([each.name for each in tables.DEVICE]), line_of(cells), ""])


# YAML.


def yaml_of(value: Any, note: Callable[[tuple[str, ...]], str] = lambda path: "") -> str:
    """YAML that every reader takes for the same; `note` tells the comment above a key."""
    return "\n".join(_yaml(value, (), note)) + "\n"


def _yaml(value: Any, path: tuple[str, ...], note: Callable[[tuple[str, ...]], str]) -> list[str]:
    lines: list[str] = []
    for key, inner in value.items():
        here = (*path, key)
        lines += [f"# {line}" for line in note(here).splitlines()]
        if isinstance(inner, dict) and inner and not _is_flat(inner):
            lines += [f"{_word(key)}:", *(f"  {line}" for line in _yaml(inner, here, note))]
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            lines += [f"{_word(key)}:", *(line for each in inner for line in _item(each, here, note))]
        else:
            lines.append(f"{_word(key)}: {_flow(inner)}")
    return lines


def _item(value: dict[str, Any], path: tuple[str, ...], note: Callable[[tuple[str, ...]], str]) -> list[str]:
    """One of a list: a block of a network on one line, anything larger on several."""
    if "blocks" not in value and not note((*path, next(iter(value)))):
        return [f"- {_flow(value)}"]
    return ["-", *(f"  {line}" for line in _yaml(value, path, note))]


def _is_flat(value: dict[str, Any]) -> bool:
    return not any(isinstance(inner, dict | list) for inner in value.values()) and len(value) < 3


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_word(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    return _word(value) if isinstance(value, str) else json.dumps(value)


def _word(text: str) -> str:
    if PLAIN.fullmatch(text):
        return text
    signs = (letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in json.dumps(text, ensure_ascii=False))
    return "".join(signs)
