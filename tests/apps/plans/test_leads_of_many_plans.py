"""Where plans with transfer layers can be run is found for all of a page at once: more plans take no more queries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Blob, Variant
from apps.plans import actions, running
from apps.plans.wanted import Wanted
from tests.apps.plans.conftest import Town
from tests.apps.plans.joint_town import left, offer, variant
from worker.planning.answer import PlanSaid
from worker.planning.offers import written

pytestmark = pytest.mark.django_db
SHA256 = "cd" * 32


@pytest.fixture
def best(town: Town, settings: Any, tmp_path: Path) -> PlanSaid:
    """A plan with a transfer layer, whose network with the layer inside is there."""
    settings.BLOBS = tmp_path / "blobs"
    left(town, tmp_path, written([offer(variant_sha256=SHA256, inner_after="transfer_down_1")]))
    Variant.objects.create(team=town.cast.team, model=variant(town, "small").model, name="inside", size_bytes=1, params=1, macs=1,
                           activation_bytes=1, file=Blob.objects.create(sha256=SHA256, size_bytes=1))
    rules = ("raw input stays", "pi-4 sends at most 0.05 MB")
    found = actions.ask(town.cast.mia, town.cast.team, Wanted(network="small", rules=rules, max_drop=2)).plans[0]
    assert found.transfer
    return found


def asked(town: Town, plans: list[PlanSaid]) -> tuple[list[str], int]:
    with CaptureQueriesContext(connection) as queries:
        found = running.of_plans(town.cast.team, plans, "small", {})
    return found, len(queries)


def test_a_hundred_plans_take_as_many_queries_as_one(town: Town, best: PlanSaid) -> None:
    one, few = asked(town, [best])
    many, still = asked(town, [best] * 100)
    assert many == one * 100 and "model=" in one[0]
    assert still == few <= 3


def test_plans_without_a_transfer_layer_take_none(town: Town, best: PlanSaid) -> None:
    found, queries = asked(town, [best.model_copy(update={"transfer": None})] * 2)
    assert queries == 0 and all(found) and "model=" not in found[0]
