"""A list of the API asks the database as often for thirty rows as for one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Membership, Role, User
from apps.catalog.models import Dataset, RegisteredModel, Variant
from apps.devices.models import Device
from apps.experiments.models import Measurement, RunFile, Status
from apps.portfolios import actions
from tests.api.conftest import Ask
from tests.apps.cast import Cast


def thirty_more(cast: Cast, things: dict[str, Any]) -> None:
    team, model, variant, run = cast.team, things["model"], things["variant"], things["run"]
    facts = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1, "file": variant.file}
    for number in range(30):
        RegisteredModel.objects.create(team=team, name=f"net {number}", in_shape=[1, 8, 8], classes=10)
        Variant.objects.create(team=team, model=model, name=f"v {number}", **facts)
        Dataset.objects.create(team=team, name=f"d {number}", in_shape=[1, 8, 8], classes=10, file=variant.file)
        Device.objects.create(team=team, name=f"board {number}")
        cast.run(Status.QUEUED)
        RunFile.objects.create(run=run, path=f"f{number}", name="x", blob=variant.file)
        Measurement.objects.create(team=team, run=run, variant_name="x", metric="accuracy", unit="", origin="measured", value=1)
        actions.create(cast.alice, team, f"p {number}")
        actions.comment(cast.alice, things["portfolio"], f"c {number}")
        Membership.objects.create(team=team, user=User.objects.create_user(f"u{number}@example.org"), role=Role.VIEWER)


LISTS = ["/models", "/variants", "/datasets", "/devices", "/experiments", "/runs", "/portfolios", "/recipes", "/teams",
         "/uploads", "/runs/{run}/measurements", "/runs/{run}/files", "/portfolios/{portfolio}/comments", "/teams/{team}/members",
         "/teams/{team}/invitations", "/runs/{run}", "/models/{model}", "/portfolios/{portfolio}",
         "/portfolios/{portfolio}/run-time", "/search?q=e", "/me"]


def counts(ask: Ask, things: dict[str, Any]) -> dict[str, int]:
    found = {}
    for path in LISTS:
        for word in ("run", "portfolio", "team", "model"):
            path = path.replace(f"{{{word}}}", str(things[word].pk))
        with CaptureQueriesContext(connection) as asked:
            assert ask("GET", path).status_code == 200, path
        found[path] = len(asked)
    return found


def test_lists_ask_as_often_for_thirty_as_for_one(ask: Ask, cast: Cast, things: dict[str, Any]) -> None:
    Measurement.objects.create(team=cast.team, run=things["run"], variant_name="x", metric="accuracy", origin="measured",
                               value=1)
    counts(ask, things)
    few = counts(ask, things)
    thirty_more(cast, things)
    assert counts(ask, things) == few
    assert max(few.values()) <= 14, few


@pytest.mark.parametrize("size", [1, 7, 200])
def test_pages_hold_every_row_once(ask: Ask, cast: Cast, things: dict[str, Any], size: int) -> None:
    thirty_more(cast, things)
    seen, page = [], 1
    while rows := ask("GET", f"/runs?page={page}&page_size={size}").json()["items"]:
        seen += [row["number"] for row in rows]
        page += 1
    assert seen == sorted(set(seen), reverse=True) and len(seen) == 32
