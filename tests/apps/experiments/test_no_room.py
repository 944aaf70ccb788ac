"""A form says which of its recipes is known to have no room in the budget, and what no budget is, before anything is started."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import Rehearsal, Variant
from apps.experiments.models import Status
from apps.live import asking
from tests.apps.cast import Cast
from tests.apps.experiments.network import network
from tests.apps.rehearsed import NEEDS
from worker import budgets
from worker.training.fitted import answer

PATH = "/experiments/new/training.neuroflux/"


@pytest.fixture
def typed(cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    client.force_login(cast.alice)
    monkeypatch.setattr(asking, "ask", lambda name, question: answer(**question).model_dump(mode="json"))
    return {**network(cast), "epochs": "2", "budget_mb": "60", "repeat": "1", "compare_with": ["training.backprop"]}


@pytest.fixture
def known(cast: Cast, typed: dict[str, Any]) -> Rehearsal:
    """What its training takes was rehearsed."""
    variant = Variant.objects.get(pk=typed["model"])
    return Rehearsal.objects.create(variant=variant, asked=variant.created, made=variant.created, needs=NEEDS,
                                    version=budgets.VERSION)


def summary(client: Client, typed: dict[str, Any]) -> str:
    return client.post(f"{PATH}summary/", typed, headers={"HX-Request": "true"}).content.decode()


def test_a_recipe_that_will_be_refused_is_named_with_what_it_needs(
    client: Client, typed: dict[str, Any], known: Rehearsal,
) -> None:
    said = summary(client, typed)
    assert "Backprop will fail" in said and "needs 106 MB" in said and "Predicted, for SGD" in said
    assert "NeuroFlux will fail" not in said
    assert "will fail" not in summary(client, typed | {"budget_mb": "130"})
    assert "will fail" not in summary(client, typed | {"budget_mb": "much"})
    assert "Backprop will fail" in summary(client, typed | {"budget_mb": "60MB"})


def test_of_a_network_that_nobody_rehearsed_nothing_is_said(client: Client, typed: dict[str, Any]) -> None:
    assert "will fail" not in summary(client, typed) and not Rehearsal.objects.exists()


def test_no_budget_is_not_said_to_be_nought(client: Client, typed: dict[str, Any]) -> None:
    assert "Backprop has budget 60 as all have; by itself it takes no budget." in summary(client, typed)


def test_the_page_of_a_run_without_a_budget_says_so(cast: Cast, client: Client, typed: dict[str, Any]) -> None:
    run = cast.run(Status.FINISHED, params={"budget_mb": 0.0, "epochs": 2})
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert "<dt>budget</dt><dd>no budget</dd>" in page
    other = cast.run(Status.FINISHED, params={"budget_mb": 60.0, "epochs": 2})
    assert "<dt>budget</dt><dd>60.0 MB</dd>" in client.get(f"/runs/{other.pk}/").content.decode()


def test_of_several_runs_it_is_said_how_many_failed(cast: Cast, client: Client, typed: dict[str, Any]) -> None:
    one, other = cast.run(Status.FAILED), cast.run(Status.FINISHED)
    other.experiment = one.experiment
    other.save()
    for page in ("/experiments/", "/"):
        assert "1 of 2 failed" in client.get(page).content.decode()


def test_the_warning_stands_at_the_button(client: Client, typed: dict[str, Any], known: Rehearsal) -> None:
    begun = client.get(f"{PATH}?model={typed['model']}&budget_mb=1").content.decode()
    at = begun.index('class="actions start"')
    assert "NeuroFlux will fail" in begun[at:] and "NeuroFlux will fail" not in begun[:at]
    assert '<div id="no-room" hx-swap-oob="true"><p class="note warn">Backprop will fail' in summary(client, typed)


def test_a_run_that_failed_for_its_budget_offers_another_budget_and_no_retry(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    refused = cast.run(Status.FAILED, reason=f"{budgets.REFUSED}60 MB is too small: conv1 needs 106 MB for one sample.")
    page = client.get(f"/runs/{refused.pk}/").content.decode()
    assert "Repeat with another budget" in page and 'id="retry"' not in page and "last checkpoint" not in page
    broke = cast.run(Status.FAILED, reason="An error inside the recipe; the trace tells where.")
    page = client.get(f"/runs/{broke.pk}/").content.decode()
    assert 'id="retry"' in page and "Repeat with another budget" not in page
