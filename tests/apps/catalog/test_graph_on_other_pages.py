"""Another page that draws a network is told that it is being read, or why there is no graph, without an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import Blob, RegisteredModel, Variant
from tests.apps.cast import Cast
from tests.apps.networks import drawn

FACTS = {"size_bytes": 1, "params": 100, "macs": 1, "activation_bytes": 1}


@pytest.fixture
def unread(cast: Cast) -> Variant:
    blob = Blob.objects.create(sha256="7" * 64, size_bytes=5)
    model = RegisteredModel.objects.create(team=cast.team, name="Net", in_shape=[1, 8, 8], classes=10)
    return Variant.objects.create(team=cast.team, model=model, name="root", file=blob, **FACTS)


def asked(client: Client, cast: Cast, variant: Variant, **headers: str) -> Any:
    client.force_login(cast.victor)
    return client.get(f"/models/variants/{variant.pk}/graph.svg", headers=headers)


def test_a_network_that_is_being_read_is_to_be_asked_for_again(cast: Cast, unread: Variant, client: Client) -> None:
    answer = asked(client, cast, unread, HX_Request="true")
    assert answer.status_code == 202 and "data-again" in answer.content.decode()


def test_one_without_a_structure_of_its_own_says_why(cast: Cast, unread: Variant, client: Client) -> None:
    Variant.objects.update(precision="int8")
    answer = asked(client, cast, unread, HX_Request="true")
    assert answer.status_code == 200 and "int8" in answer.content.decode() and "data-again" not in answer.content.decode()


def test_a_link_to_a_graph_that_is_not_there_leads_to_none(cast: Cast, unread: Variant, client: Client) -> None:
    assert asked(client, cast, unread).status_code == 404


def test_one_that_is_known_is_drawn(cast: Cast, client: Client, tmp_path: Path, settings: Any) -> None:
    settings.BLOBS = tmp_path / "blobs"
    assert b"<svg" in asked(client, cast, drawn(cast.team, tmp_path), HX_Request="true").content
