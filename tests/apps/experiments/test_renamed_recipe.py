"""A run of a recipe that has another name since: its page, its list and its repetition stay what they were."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.experiments.models import Experiment, Status
from apps.experiments.results import recipe_of
from tests.apps.cast import Cast
from worker import menu

OLD, NEW = "pruning.channels", "pruning.l1_channels"


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def test_it_is_still_the_same_recipe(cast: Cast) -> None:
    found = recipe_of(cast.run(Status.FINISHED, recipe=OLD))
    assert found is menu.get(NEW) is menu.get(OLD) and OLD not in menu.recipes() and OLD in menu.names(found)


def test_its_page_names_the_recipe_and_draws_its_charts(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED, recipe=OLD, params={"channels": 0.25})
    page = alice.get(f"/runs/{run.pk}/").content.decode()
    assert menu.get(NEW).title in page and "Channels kept by layer" in page


def test_it_is_repeated_with_its_parameters(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED, recipe=OLD, params={"channels": 0.25})
    page = alice.get(f"/experiments/new/{OLD}/", {"from": str(run.pk)}).content.decode()
    assert 'value="0.25"' in page


def test_both_names_find_it_in_the_list(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED, recipe=OLD)
    Experiment.objects.filter(pk=run.experiment_id).update(recipe=OLD)
    for name in (OLD, NEW):
        assert f"/runs/{run.pk}/" in alice.get("/experiments/", {"recipe": name}).content.decode()

