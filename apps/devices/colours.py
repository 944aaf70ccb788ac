"""The colour of each device: the same on every page, as long as the palette has one for everybody who is shown together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apps.devices.models import Device

COLOURS = 7  # the eighth is grey and stands for what is only context


def places(team: Any, names: Iterable[str]) -> dict[str, int]:
    """The place in the palette of each device that is named (or whose host is): by the order in which the team met them."""
    known: dict[str, int] = {}
    rows = Device.objects.usable_by(team).order_by("created", "pk").values_list("name", "host", "former_names")
    given_up: dict[str, int] = {}
    for place, (name, host, former) in enumerate(rows):
        for each in (name, host):
            known.setdefault(each, place)
        for each in former:
            given_up.setdefault(each, place)
    known = given_up | known  # who has a name now, has it
    return apart({name: known.get(name, sum(map(ord, name))) for name in names})


def apart(wanted: dict[str, int]) -> dict[str, int]:
    """The same within the palette; two that would share a colour get two, as long as there are colours."""
    taken: set[int] = set()
    found = {}
    for name, place in sorted(wanted.items(), key=lambda each: (each[1], each[0])):
        free = [(place + step) % COLOURS for step in range(COLOURS) if (place + step) % COLOURS not in taken]
        found[name] = free[0] if free else place % COLOURS
        taken.add(found[name])
    return found
