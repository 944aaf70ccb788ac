"""What other people's files of an architecture call its tensors, where the house cannot use the same names."""

from __future__ import annotations

import re
from types import ModuleType
from typing import TypeVar

Value = TypeVar("Value")


def translated(family: ModuleType, tensors: dict[str, Value]) -> tuple[dict[str, Value], list[str]]:
    """The tensors under the house's names, without those that only training used; and a note on what was done.

    A family says so itself: RENAMED, pairs of a pattern and what stands instead; UNUSED, how names begin that are left out.
    """
    unused: str | None = getattr(family, "UNUSED", None)
    needed = {name: value for name, value in tensors.items() if unused is None or not re.match(unused, name)}
    renamed = {name: _renamed(family, name) for name in needed}
    new = [name for name, other in renamed.items() if name != other]
    if len(set(renamed.values())) < len(renamed):
        return tensors, []  # Two tensors of one name: the file is somebody's own, and no name in it is touched.
    notes = []
    if len(needed) < len(tensors):
        notes.append(f"{len(tensors) - len(needed)} tensors that only training used were left out ({_first(tensors, needed)}).")
    if new:
        notes.append(f"{len(new)} tensors have other names here: {new[0]} is {renamed[new[0]]}.")
    return {renamed[name]: value for name, value in needed.items()}, notes


def _renamed(family: ModuleType, name: str) -> str:
    for pattern, instead in getattr(family, "RENAMED", ()):
        name = re.sub(pattern, instead, name)
    return name


def _first(tensors: dict[str, Value], needed: dict[str, Value]) -> str:
    return next(name for name in tensors if name not in needed)
