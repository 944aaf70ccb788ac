"""What the guide about profiles says of each field, as tables in Markdown; a test holds docs/device-profiles.md to them."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel

from worker.profile import tables
from worker.profile.allowed import part_of, phrase, schema
from worker.profile.document import Document
from worker.profile.hardware import Hardware
from worker.profile.network import Block, NetworkProfile, TransferLayer

HEAD = "| key | takes | what it is |\n|---|---|---|"
PARTS: dict[str, type[BaseModel]] = {
    "The file": Document, "A device": Hardware, "A profile": NetworkProfile, "A block": Block, "A transfer layer": TransferLayer}


def table(of: type[BaseModel]) -> str:
    """A line for each key; needed ones in bold."""
    return "\n".join([HEAD, *(_line(of, key) for key in of.model_fields)])


def columns(some: Iterable[tables.Column]) -> str:
    """The columns of a table, needed ones first."""
    known = list(some)
    needed, more = ([f"`{each.name}`" for each in known if each.needed is is_needed] for is_needed in (True, False))
    return ", ".join(needed) + (f"; if you have them, {', '.join(more)}" if more else "")


def _line(of: type[BaseModel], key: str) -> str:
    part = part_of(schema(of), (key,))
    name = f"**`{key}`**" if of.model_fields[key].is_required() else f"`{key}`"
    return f"| {name} | {phrase(part)} | {part.get('description', '')} |"
