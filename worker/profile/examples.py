"""Files to fill in, one of each form, made from the forms' own declarations: what they say cannot be out of date."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic import BaseModel

from worker.profile import tables
from worker.profile.allowed import part_of, phrase, schema
from worker.profile.document import FORM, Document
from worker.profile.hardware import Hardware
from worker.profile.network import Block, NetworkProfile, TransferLayer
from worker.profile.writing import Written, write, yaml_of


class Example(NamedTuple):
    """A file to fill in and what it is for."""

    about: str
    text: Callable[[], str]


def values(of: type[BaseModel]) -> dict[str, Any]:
    """An example of each field; those of other forms are made where they are needed."""
    found = {name: part.get("examples", [None])[0] for name, part in schema(of)["properties"].items()}
    return {name: value for name, value in found.items() if value is not None}


def network() -> NetworkProfile:
    """Two blocks: one that says everything, and one that says what is needed."""
    first = {**values(Block), "transfer": values(TransferLayer)}
    second = {"first": "layer1", "last": "fc", "seconds": 0.0025, "output_bytes": 4000}
    return NetworkProfile.model_validate({**values(NetworkProfile), "blocks": [first, second]})


def hardware() -> Hardware:
    return Hardware.model_validate(values(Hardware))


def _document() -> dict[str, Any]:
    """Every key, those too that have their default value."""
    told = network().model_dump(mode="json")
    told["blocks"] = [{name: value for name, value in block.items() if value not in (None, {})} for block in told["blocks"]]
    return {"form": FORM, "device": hardware().model_dump(mode="json"), "profiles": [told]}


def told(of: type[BaseModel], key: str, needed: bool | None = None) -> str:
    """What a field is, and what it takes."""
    must = of.model_fields[key].is_required() if needed is None else needed
    part = part_of(schema(of), (key,))
    takes = f" Takes {phrase(part)}." if part.get("type") not in ("object", "array") or "allowed" in part else ""
    return f"{part.get('description', '')}{takes}{'' if must else ' May be left out.'}"


def _note(path: tuple[str, ...]) -> str:
    """The comment above a key; of blocks, which have a line each, above the first."""
    of = {0: Document, 1: Hardware if path[0] == "device" else NetworkProfile}.get(len(path) - 1)
    if of is None or path[-1] not in of.model_fields:
        return ""
    if path[-1] != "blocks":
        return told(of, path[-1])
    inner = "\n".join(f"  {key}: {told(Block, key)}" for key in Block.model_fields)
    more = "\n".join(f"    {key}: {told(TransferLayer, key)}" for key in TransferLayer.model_fields)
    return f"{told(of, 'blocks')} Of each block:\n{inner}\n{more}"


def _yaml() -> str:
    head = ("# A device and what networks take on it, block by block. Times are in seconds, sizes in bytes (1 MB is 1000000).\n"
            "# Lines that begin with # are comments. Write text that could be something else (yes, 1.10, 12:30) in quotes.\n")
    return head + yaml_of(_document(), _note)


def _json() -> str:
    return json.dumps(_document(), indent=1) + "\n"


def _commented(columns: tuple[tables.Column, ...], text: str) -> str:
    lines = [f"# {each.name}: {told(each.of, each.key, each.needed)}" for each in columns]
    return "\r\n".join(["# A line that begins with # above the header is a comment.", *lines, text])


def _csv() -> str:
    return _commented(tables.BLOCKS, write("csv", [Written(network())]).decode())


def _device() -> str:
    return _commented(tables.DEVICE, write("csv", [], hardware()).decode())


def _scission(form: str) -> str:
    return write(form, [Written(network())]).decode()


FILES: dict[str, Example] = {
    "device-and-profiles.yaml": Example("a device and its profiles, with a comment on every key", _yaml),
    "device-and-profiles.json": Example("the same in JSON", _json),
    "profiles.csv": Example("profiles as a table, a line for each block", _csv),
    "device.csv": Example("a device as a table", _device),
    "device-pi3.csv": Example("Scission's table, called after tier and device", lambda: _scission("scission")),
    "edge-server.csv": Example("ScissionTL's table, with transfer layers", lambda: _scission("scissiontl")),
    "profile-schema.json": Example("the form of JSON and YAML as a JSON Schema",
                                   lambda: json.dumps(schema(Document), indent=1) + "\n"),
}
