"""A file of any form becomes profiles and hardware, or is refused with all that is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from worker.profile import json_text, scission, tables, writing
from worker.profile.allowed import checked
from worker.profile.document import Document, document
from worker.profile.faults import Fault, Faults, Unfit, quoted
from worker.profile.hardware import Hardware
from worker.profile.network import NetworkProfile
from worker.profile.sheet import Sheet, sheet
from worker.profile.text import text_of
from worker.profile.tree import Node, Spot, named
from worker.profile.writing import Written

HEADS = {"model": "scission", "network": "csv", "name": "device", "source": "links"}
NAMED = re.compile(r"(device|edge|cloud)-(.+)\.csv", re.IGNORECASE)
SLOW_S = 60.0
GUARDED = ("A spreadsheet could take some of its text for a formula: it is written again in the standard way, with a ' before "
           "such text and without comments.")
LINKS = ("this is a table of links between devices (ping and bandwidth); it is brought where links are, on the page of devices")


@dataclass(frozen=True)
class Brought:
    """What a file holds. `form`: house (JSON, YAML, our CSV), scission or scissiontl; `written_as`: json, yaml or csv.

    `device`: what it says of a device; of Scission's, what its name says. `notes`: what a person should know of it.
    """

    form: str
    written_as: str
    device: Hardware | None
    profiles: tuple[Written, ...]
    notes: tuple[str, ...] = field(default=())


def read(data: bytes, file_name: str = "") -> Brought:
    """Raises `Unfit` with everything that is wrong, up to a limit."""
    text, has_mark = text_of(data)
    name = re.split(r"[\\/]", file_name)[-1]
    kind = _kind(text, name.lower())
    if kind != "csv":
        found = _document(text, kind)
        profiles = tuple(Written(each) for each in found.profiles)
        return Brought("house", kind, found.device, profiles, _notes(found.profiles))
    return _table(sheet(text, has_mark), name)


def _document(text: str, kind: str) -> Document:
    """What could be read before a place that cannot is told of too."""
    faults = Faults()
    try:
        root = json_text.tree(text, faults) if kind == "json" else _yaml(text, faults)
    except Unfit as unfit:
        faults.take(unfit)
        faults.check()
        raise
    named(faults, root)
    return document(root, faults)


def _yaml(text: str, faults: Faults) -> Node:
    from worker.profile import yaml_text  # A web process that reads none does without its parser.

    return yaml_text.tree(text, faults)


def _kind(text: str, name: str) -> str:
    """By what is written there; by the file's name where both could be."""
    begins = text.lstrip()[:1]
    if begins in ("{", "[") and not name.endswith((".yaml", ".yml")):
        return "json"
    first = next((line for line in text.split("\n") if line.strip() and not line.startswith("#")), "")
    head = re.split("[,;\t]", first)
    is_table = len(head) > 1 and (head[0].strip(' "').lower() in HEADS or not re.search("[:{]", first))
    if is_table or name.endswith(".csv"):
        return "csv"
    return "json" if name.endswith(".json") else "yaml"


def _table(found: Sheet, name: str) -> Brought:
    kind = HEADS.get(found.header.cells[0].lower()) or next(
        (HEADS[each] for each in HEADS if each in found.header.cells), "")
    if kind == "links":
        raise Unfit(Fault("header", quoted(found.header.raw), LINKS, found.header.line, 1))
    if not kind:
        allowed = "; or ".join(", ".join(each.name for each in some if each.needed) for some in
                               (tables.BLOCKS, scission.PLAIN, tables.DEVICE))
        raise Unfit(Fault("header", quoted(found.header.raw), f"a header that begins with network, model or name: {allowed}",
                          found.header.line, 1))
    return _device(found) if kind == "device" else _blocks(found, kind, name)


def _device(found: Sheet) -> Brought:
    faults, columns = Faults(), tables.headed(found, tables.DEVICE)
    if len(found.rows) != 1:
        raise Unfit(Fault("", f"{len(found.rows)} lines below the header", "one: a file describes one device",
                          found.header.line + len(found.rows[:2]), 1))
    row = found.rows[0]
    cells = {each.key: made for place, each in enumerate(columns)
             if (made := tables.node(row, place, each, found.separator, faults)) is not None}
    device = checked(Hardware, Node(cells, Spot(row.line, 1)), faults)
    faults.check()
    return Brought("house", "csv", device, (), tuple(found.notes))


def _blocks(found: Sheet, kind: str, name: str) -> Brought:
    faults = Faults()
    form, columns = _form(found, kind)
    root = (tables if form == "csv" else scission).profiles(found, columns, faults)
    told = document(root, faults)
    profiles, at = [], 0
    for each in told.profiles:
        rows, at = found.rows[at:at + len(each.blocks)], at + len(each.blocks)
        profiles.append(Written(each, writing.as_written(form, found, columns, rows, each)))
    guarded = [GUARDED] if found.is_even and not all(each.written for each in profiles) else []
    return Brought("house" if form == "csv" else form, "csv", _named(name, told.profiles), tuple(profiles),
                   (*found.notes, *guarded, *_notes(told.profiles)))


def _form(found: Sheet, kind: str) -> tuple[str, list[tables.Column]]:
    if kind == "csv":
        return "csv", tables.headed(found, tables.BLOCKS)
    is_plain = not {each.name for each in scission.OF_TRANSFER} & set(found.header.cells)
    return ("scission", tables.headed(found, scission.PLAIN)) if is_plain else (
        "scissiontl", tables.headed(found, scission.WITH_TRANSFER))


def _named(name: str, profiles: Sequence[NetworkProfile]) -> Hardware | None:
    """The device that a table's file is called after: `tier-resource.csv`, with its one network behind it, as ScissionTL has."""
    found = NAMED.fullmatch(name)
    if not found:
        return None
    resource = found[2].removesuffix(f"-{profiles[0].network}") if len(profiles) == 1 else found[2]
    try:
        return Hardware.model_validate({"name": resource, "tier": found[1].lower()})
    except ValueError:
        return None


def _notes(profiles: Sequence[NetworkProfile]) -> tuple[str, ...]:
    """What is possible, but worth a look."""
    still = [each.network for each in profiles if any(block.seconds == 0 for block in each.blocks)]
    many = sum(block.seconds == 0 for each in profiles for block in each.blocks)
    notes = [f"{many:,} block{'' if many == 1 else 's'} of {', '.join(still[:5])}{' and others' if len(still) > 5 else ''} "
             "took 0 s: less than the clock could tell."] if many else []
    slow = [each for each in profiles if each.total_s > SLOW_S]
    return (*notes, *(f"{each.network} takes {each.total_s:,.0f} s in all: times are in seconds, not milliseconds."
                      for each in slow[:3]))
