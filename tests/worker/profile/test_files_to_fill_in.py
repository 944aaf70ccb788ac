"""The files to fill in are themselves right, name every field, and the guide says what the forms say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from worker.profile import reference, scission, tables
from worker.profile.document import Document
from worker.profile.examples import FILES
from worker.profile.reading import read

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "device-profiles.md").read_text()
READ = [name for name in FILES if name != "profile-schema.json"]


@pytest.mark.parametrize("name", READ)
def test_a_file_to_fill_in_is_read(name: str) -> None:
    found = read(FILES[name].text().encode(), name)
    assert found.device or found.profiles
    assert not found.notes


@pytest.mark.parametrize("name", ["device-and-profiles.yaml", "device-and-profiles.json"])
def test_it_has_every_field_of_the_form(name: str) -> None:
    text = FILES[name].text()
    assert all(f"{key}" in text for of in reference.PARTS.values() for key in of.model_fields)


def test_the_tables_have_every_column() -> None:
    said = {name: read(FILES[name].text().encode(), name) for name in READ}
    assert all(f"# {each.name}: " in FILES["profiles.csv"].text() for each in tables.BLOCKS)
    assert all(f"# {each.name}: " in FILES["device.csv"].text() for each in tables.DEVICE)
    assert said["profiles.csv"].profiles[0].profile == said["device-and-profiles.yaml"].profiles[0].profile
    assert said["device.csv"].device == said["device-and-profiles.json"].device
    assert (said["device-pi3.csv"].form, said["edge-server.csv"].form) == ("scission", "scissiontl")


def test_the_schema_is_that_of_the_form() -> None:
    assert json.loads(FILES["profile-schema.json"].text()) == Document.model_json_schema()


@pytest.mark.parametrize("part", reference.PARTS)
def test_the_guide_has_the_table_of_each_part(part: str) -> None:
    assert reference.table(reference.PARTS[part]) in GUIDE, reference.table(reference.PARTS[part])


@pytest.mark.parametrize("some", [tables.BLOCKS, tables.DEVICE, scission.PLAIN, scission.OF_TRANSFER], ids=len)
def test_the_guide_names_the_columns_of_each_table(some: tuple[tables.Column, ...]) -> None:
    assert reference.columns(some) in GUIDE, reference.columns(some)
