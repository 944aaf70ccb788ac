"""Our own form, in JSON or YAML: a device, the profiles of networks on it, or both."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from worker.profile.allowed import checked
from worker.profile.faults import Fault, Faults, Unfit, quoted
from worker.profile.hardware import Hardware
from worker.profile.network import Fact, NetworkProfile
from worker.profile.tree import Node, Spot

FORM = "edgeportal-profile-1"
MOST_NETWORKS = 1000


class Document(Fact):
    """A file of the house. It says what a device is, what networks take on it block by block, or both."""

    form: Literal["edgeportal-profile-1"] = Field("edgeportal-profile-1", description="This form and its version.")
    device: Hardware | None = Field(None, description="The device; left out where it is chosen when the file is brought.")
    profiles: Annotated[tuple[NetworkProfile, ...], Field(max_length=MOST_NETWORKS)] = Field(
        (), description="A network each, once.")


def document(root: Node, faults: Faults) -> Document:
    """What stands in the tree; a bare profile, as a run leaves it, is one too. Faults that were found before are said too."""
    if not isinstance(root.value, dict):
        faults.check()
        raise Unfit(Fault("", quoted(root.text) if root.text else "a list" if isinstance(root.value, list) else "nothing",
                          "keys with values: device, profiles", *root.at))
    if "blocks" in root.value and "profiles" not in root.value:
        root = Node({"profiles": Node([root], root.at)}, root.at)
    found = checked(Document, root, faults)
    if found is not None:
        check(found, root, faults)
    faults.check()
    assert found is not None
    return found


def check(found: Document, root: Node, faults: Faults) -> None:
    """What no single field shows: an empty file, a network said twice, an interval without its time, no time at all."""
    if found.device is None and not found.profiles:
        faults.add(Fault("", "neither a device nor a profile", "device, profiles, or both", *root.at))
    seen: dict[str, Spot] = {}
    for number, each in enumerate(found.profiles):
        node = root.value["profiles"].value[number]
        at = _at(node, "network")
        if each.network in seen:
            faults.add(Fault(_key(node, "network", f"profiles[{number}].network"), f"{quoted(each.network)} again",
                             f"each network once in a file (it stands in line {seen[each.network].line})", *at))
        seen.setdefault(each.network, at)
        if each.total_s == 0:
            faults.add(Fault(f"profiles[{number}].blocks", f"0 seconds in all {len(each.blocks)} blocks of "
                             f"{quoted(each.network)}", "a network that takes more than no time", *at))
        _check_intervals(each, node, number, faults)


def _check_intervals(profile: NetworkProfile, node: Node, number: int, faults: Faults) -> None:
    for place, block in enumerate(profile.blocks):
        low, high, path = block.low_s, block.high_s, f"profiles[{number}].blocks[{place}]"
        inner = node.value["blocks"].value[place]
        if (low is None) != (high is None):
            there, lacking = ("low_s", "high_s") if high is None else ("high_s", "low_s")
            faults.add(Fault(_key(inner, there, f"{path}.{there}"), f"{there} alone", f"both, or neither: {lacking} is missing",
                             *_at(inner, there)))
        elif low is not None and high is not None and not low <= block.seconds <= high:
            faults.add(Fault(_key(inner, "seconds", f"{path}.seconds"), f"{block.seconds:g}, from {low:g} to {high:g}",
                             "low_s at most, and high_s at least, the seconds", *_at(inner, "seconds")))


def _at(node: Node, key: str) -> Spot:
    return node.value[key].at if key in node.value else node.at


def _key(node: Node, key: str, path: str) -> str:
    return node.value[key].label or path if key in node.value else path
