"""Two people edit the same thing: who saves second is told what it is by now, keeps what was typed, and may save again."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import Dataset, RegisteredModel, Variant
from apps.devices.models import Device
from apps.experiments.models import Experiment
from tests.apps.house import House, undone

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Edit:
    """A form: on which page it stands, where it goes, and which thing it changes."""

    thing: str
    page: str
    action: str
    model: Any
    more: tuple[tuple[str, str], ...] = ()


EDITS = (
    Edit("model", "/models/{}/", "/models/{}/rename/", RegisteredModel, (("description", "the second's words"),)),
    Edit("dataset", "/data/{}/", "/data/{}/rename/", Dataset, (("description", "the second's words"),)),
    Edit("drawn", "/models/variants/{}/", "/models/variants/{}/rename/", Variant),
    Edit("device", "/devices/{}/", "/devices/{}/", Device,
         (("tier", "edge"), ("hardware", "the second's words"), ("location", "lab 2"))),
    Edit("run", "/runs/{}/", "/runs/{}/rename/", Experiment),
)


def seen(page: str) -> str:
    found = re.findall(r'name="seen" value="(\w+)"', page)
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize("edit", EDITS, ids=[edit.thing for edit in EDITS])
def test_the_second_to_save_overwrites_nothing_unseen(house: House, edit: Edit) -> None:
    thing = house.things[edit.thing]
    held = thing.experiment if edit.model is Experiment else thing
    page, action = edit.page.format(thing.pk), edit.action.format(thing.pk)
    with undone():
        client = Client()
        client.cookies = house.clients["alice"].cookies.copy()
        typed = {"name": "the second's name", **dict(edit.more), "seen": seen(client.get(page).content.decode())}
        edit.model.objects.filter(pk=held.pk).update(name="the first's name")

        answer = client.post(action, typed)
        said = html.unescape(answer.content.decode())
        assert answer.status_code == 409 and "the first's name" in said
        assert all(text in said for text in typed.values() if text != typed["seen"])
        assert edit.model.objects.get(pk=held.pk).name == "the first's name"

        assert client.post(action, {**typed, "seen": seen(answer.content.decode())}).status_code == 302
        assert edit.model.objects.get(pk=held.pk).name == "the second's name"
