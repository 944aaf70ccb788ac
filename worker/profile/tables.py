"""Tables of our own: a line for each block of each network, or one line for a device; their columns come from the forms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from worker.profile.allowed import part_of, phrase, schema
from worker.profile.faults import Fault, Faults, Unfit, quoted
from worker.profile.hardware import Hardware
from worker.profile.network import Block, NetworkProfile, TransferLayer
from worker.profile.sheet import COMMA, DECIMAL_COMMA, Row, Sheet, guarded, unguarded
from worker.profile.tree import Node, Spot, number

REAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
PAIR = re.compile(r"([^\s=]+)=([^\s=]+)")
TRUTHS = {"true": True, "false": False}
PAIRS = "words as conv=1200 linear=64, with blanks between them"


class Column(NamedTuple):
    """A column: what the header calls it, where its values go, of what kind they are, and whether it must be there."""

    name: str
    key: str
    of: type[BaseModel]
    kind: str
    needed: bool

    @property
    def takes(self) -> str:
        return PAIRS if self.kind == "object" else phrase(part_of(schema(self.of), (self.key,)))


def column(name: str, of: type[BaseModel], key: str = "", *, needed: bool | None = None) -> Column:
    key = key or name
    kind = part_of(schema(of), (key,)).get("type", "string")
    return Column(name, key, of, kind, of.model_fields[key].is_required() if needed is None else needed)


def _columns(of: type[BaseModel], besides: tuple[str, ...] = (), **names: str) -> list[Column]:
    needed = False if of is TransferLayer else None
    return [column(names.get(key, key), of, key, needed=needed) for key in of.model_fields if key not in besides]


NETWORK = column("network", NetworkProfile)
BLOCKS: tuple[Column, ...] = (
    NETWORK, *_columns(Block, ("transfer",)), *_columns(TransferLayer, output_bytes="transfer_bytes"),
    *_columns(NetworkProfile, ("network", "blocks")))
DEVICE: tuple[Column, ...] = tuple(_columns(Hardware))


def headed(found: Sheet, known: Sequence[Column]) -> list[Column]:
    """The columns of the header, each known, each once, all the needed ones there."""
    faults, header, by_name = Faults(), found.header, {each.name: each for each in known}
    for place, name in enumerate(header.cells):
        at = (header.line, header.columns[place])
        if name not in by_name:
            faults.add(Fault("header", quoted(name) if name else "a column without a name", ", ".join(by_name), *at))
        elif name in header.cells[:place]:
            faults.add(Fault("header", f"{name} again", "each column once", *at))
    missing = [each.name for each in known if each.needed and each.name not in header.cells]
    if missing:
        faults.add(Fault("header", "no column " + ", ".join(missing), "all of " + ", ".join(
            each.name for each in known if each.needed), header.line, 1))
    faults.check()
    return [by_name[name] for name in header.cells]


def node(row: Row, place: int, each: Column, separator: str, faults: Faults) -> Node | None:
    """The value in a cell; None for an empty one that may be."""
    text, at = row.cells[place], Spot(row.line, row.columns[place])
    if not text and not each.needed:
        return None
    if each.kind == "object":
        return _pairs(text, at, each, faults)
    value: Any = unguarded(text)
    if each.kind == "array":
        return Node([Node(word, at, word, each.name) for word in text.split()], at, text, each.name)
    if each.kind in ("number", "integer"):
        is_comma = separator != COMMA and DECIMAL_COMMA.fullmatch(text)
        return _number(text.replace(",", ".") if is_comma else text, at, each, faults)
    return Node(TRUTHS.get(text, value) if each.kind == "boolean" else value, at, text, each.name)


def _number(text: str, at: Spot, each: Column, faults: Faults) -> Node:
    """A number, or the text for the form to refuse."""
    if not REAL.fullmatch(text):
        return Node(text, at, text, each.name)
    try:
        return Node(number(text, at), at, text, each.name)
    except Unfit as unfit:
        faults.add(Fault(each.name, unfit.faults[0].got, unfit.faults[0].allowed, *at))
        return Node(0, at, text, each.name, broken=True)


def _pairs(text: str, at: Spot, each: Column, faults: Faults) -> Node:
    found: dict[str, Node] = {}
    for word in text.split():
        pair = PAIR.fullmatch(word)
        if not pair or pair[1] in found:
            faults.add(Fault(each.name, quoted(word) + (" again" if pair else ""), PAIRS, *at))
            continue
        inner = Node(pair[2], at, pair[2], each.name) if each.of is Hardware else _number(pair[2], at, each, faults)
        inner.key = at
        found[pair[1]] = inner
    return Node(found, at, text, each.name)


def profiles(found: Sheet, columns: Sequence[Column], faults: Faults) -> Node:
    """The networks of a table of ours, as a document has them."""
    groups: list[Node] = []
    for row in found.rows:
        cells = {each: made for place, each in enumerate(columns)
                 if (made := node(row, place, each, found.separator, faults)) is not None}
        if not groups or cells[NETWORK].value != groups[-1].value["network"].value:
            groups.append(Node({**_of(cells, NetworkProfile), "blocks": Node([], cells[NETWORK].at)}, Spot(row.line, 1)))
        else:
            _check_same(groups[-1], _of(cells, NetworkProfile), columns, row, faults)
        block, transfer = _of(cells, Block), _of(cells, TransferLayer)
        if transfer:
            block["transfer"] = Node(transfer, Spot(row.line, 1))
        groups[-1].value["blocks"].value.append(Node(block, Spot(row.line, 1)))
    return Node({"profiles": Node(groups, Spot(1, 1))}, Spot(1, 1))


def _of(cells: Mapping[Column, Node], of: type[BaseModel]) -> dict[str, Node]:
    return {each.key: made for each, made in cells.items() if each.of is of}


def _check_same(group: Node, cells: Mapping[str, Node], columns: Sequence[Column], row: Row, faults: Faults) -> None:
    """What is said of a whole network is said in each of its lines."""
    for place, each in enumerate(columns):
        if each.of is not NetworkProfile or each.key == "blocks":
            continue
        first, now = group.value.get(each.key), cells.get(each.key)
        if (first and first.plain()) != (now and now.plain()):
            there = f"{quoted(first.text if first else '')}, as in line {group.at.line}, the first of this network"
            faults.add(Fault(each.name, quoted(now.text if now else ""), there, row.line, row.columns[place]))


def cell(each: Column, value: Any) -> str:
    """How a value is written in a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return " ".join(f"{name}={inner}" for name, inner in value.items())
    if isinstance(value, tuple):
        return " ".join(value)
    return repr(value) if isinstance(value, float) else guarded(value) if isinstance(value, str) else str(value)


def used(all_of: Sequence[NetworkProfile]) -> list[Column]:
    """The needed columns, and those that say something in one of these profiles."""
    return [each for each in BLOCKS if each.needed or any(
        value not in (None, "", {}) and value != each.of.model_fields[each.key].default
        for profile in all_of for value in values(profile, each))]


def values(profile: NetworkProfile, each: Column) -> list[Any]:
    """A column's values, one a block."""
    if each.of is NetworkProfile:
        return [getattr(profile, each.key)] * len(profile.blocks)
    if each.of is TransferLayer:
        return [getattr(block.transfer, each.key, None) for block in profile.blocks]
    return [getattr(block, each.key) for block in profile.blocks]
