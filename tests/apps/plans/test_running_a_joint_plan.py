"""Run this plan, of a version with a transfer layer: the form has the network with the layer inside, cut in its middle."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from apps.catalog.models import Blob, Dataset, Variant
from tests.apps.plans.conftest import Town
from tests.apps.plans.joint_town import left, offer, whole_town
from worker.planning.offers import Offer, read, written

pytestmark = pytest.mark.django_db
FORM = "/experiments/new/partitioning.slices/"
SHA256 = "cd" * 32


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"


@pytest.fixture
def inside(town: Town, tmp_path: Path) -> Variant:
    """What a run of ScissionLite left: the offer, and the network with the layer inside beside the one before."""
    left(town, tmp_path, written([offer(variant_sha256=SHA256, inner_after="transfer_down_1")]), whole_town(town, tmp_path))
    before = Variant.objects.get(name="small")
    made: Variant = Variant.objects.create(
        team=town.cast.team, model=before.model, name="small with max-pool", size_bytes=1, params=1, macs=1, activation_bytes=1,
        file=Blob.objects.create(sha256=SHA256, size_bytes=1))
    return made


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def lead(client: Client) -> dict[str, str]:
    """Where the button of the version with a transfer layer leads; nothing where it has none."""
    every = client.get("/planner/joint/answer/").json()["versions"]
    layer = next(each for each in every if each["on_front"] and each["form"] == "layer")
    text = page(client, f"/planner/joint/?{urlencode({'show': layer['key']})}")
    assert f'id="choice-title">{layer["variant"]} with ' in text
    found = re.search(rf'href="({re.escape(FORM)}\?[^"]*)">Run this plan', text)
    return {name: values[0] for name, values in parse_qs(urlsplit(found[1]).query).items()} if found else {}


def test_it_leads_to_a_form_with_the_network_that_has_the_layer_inside_cut_in_its_middle(
        client: Client, town: Town, inside: Variant) -> None:
    data = Dataset.objects.create(team=town.cast.team, name="fits", in_shape=[3, 8, 8], classes=10, file=inside.file)
    client.force_login(town.cast.mia)
    told = lead(client)
    assert told["model"] == str(inside.pk) and told["network"] == "small"
    assert "pi-4 until transfer_down_1\n" in told["plan"] and "stem.conv" not in told["plan"]
    assert told["between"].startswith("pi-4 to ")
    form = page(client, f"{FORM}?{urlencode(told)}")
    assert told["plan"] in form
    for chosen in (inside.pk, data.pk):
        assert re.search(rf'<option value="{chosen}"[^>]* selected', form)


def test_who_may_only_look_is_offered_no_run(client: Client, town: Town, inside: Variant) -> None:
    client.force_login(town.cast.victor)
    assert lead(client) == {}


def test_without_its_file_there_is_nothing_to_run(client: Client, town: Town, inside: Variant) -> None:
    client.force_login(town.cast.mia)
    inside.delete()
    assert lead(client) == {}


def test_an_offer_of_before_does_not_name_the_layer_and_offers_no_run(client: Client, town: Town, inside: Variant,
                                                                      tmp_path: Path) -> None:
    client.force_login(town.cast.mia)
    left(town, tmp_path, written([offer(variant_sha256=SHA256)]))
    assert lead(client) == {}


def test_a_file_of_offers_of_before_is_read() -> None:
    body = written([offer()]).replace(b'   "inner_after": "",\n', b"")
    assert b"inner_after" not in body
    assert read(body) == (Offer.model_validate(offer().model_dump(exclude={"inner_after"})),)
