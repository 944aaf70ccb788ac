"""No answer tells what another team has: its ids, its names, its numbers."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.accounts.models import Scope, Team
from apps.accounts.tokens import make
from apps.experiments.models import Experiment, Run
from tests.api.conftest import Ask
from tests.api.test_bad_bodies import problem_of
from tests.apps.cast import Cast


@pytest.fixture
def mallory(cast: Cast) -> Ask:
    token = make(cast.mallory, Team.objects.get(name="Others"), "mine", Scope.ADMIN)[1]

    def asking(method: str, path: str, body: object = None) -> Any:
        return Client().generic(method, f"/api{path}", json.dumps(body), content_type="application/json",
                                headers={"Authorization": f"Bearer {token}"})

    return asking


def same(one: Any, other: Any, ids: list[str]) -> bool:
    """Whether two answers differ in nothing but the ids that were asked for."""
    texts = [answer.content.decode() for answer in (one, other)]
    for each in ids:
        texts = [text.replace(each, "ID") for text in texts]
    return one.status_code == other.status_code and texts[0] == texts[1]


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_a_reference_to_another_teams_thing_is_refused_like_one_that_is_not_there(
        mallory: Ask, things: dict[str, Any], kind: str) -> None:
    theirs, nowhere = str(things["variant" if kind == "model" else "dataset"].pk), str(uuid4())
    answers = [mallory("POST", "/experiments", {"recipe": "training.backprop", "params": {kind: each, **rest}})
               for each in (theirs, nowhere) for rest in [{"dataset" if kind == "model" else "model": str(uuid4())}]]
    assert problem_of(answers[0], 422) and same(*answers, [theirs, nowhere])
    assert Experiment.objects.filter(team__name="Others").count() == 0


def test_another_teams_variant_is_picked_like_one_that_is_not_there(mallory: Ask, things: dict[str, Any]) -> None:
    theirs, nowhere = str(things["variant"].pk), str(uuid4())
    answers = [mallory("POST", "/portfolios", {"name": "x", "variants": [each]}) for each in (theirs, nowhere)]
    assert problem_of(answers[0], 422) and same(*answers, [theirs, nowhere])


@pytest.mark.parametrize("path", ["/models/{}", "/variants/{}", "/datasets/{}", "/devices/{}", "/runs/{}", "/experiments/{}",
                                  "/portfolios/{}", "/teams/{}", "/streams/{}/events", "/uploads/{}"])
def test_a_foreign_id_and_an_invented_one_look_the_same(mallory: Ask, things: dict[str, Any], path: str) -> None:
    word = {"datasets": "dataset", "streams": "stream"}.get(path.split("/")[1], path.split("/")[1].removesuffix("s"))
    theirs, nowhere = str(things[word].pk), str(uuid4())
    answers = [mallory("GET", path.format(each)) for each in (theirs, nowhere)]
    assert problem_of(answers[0], 404) and same(*answers, [theirs, nowhere])


@pytest.mark.parametrize("path", ["/models", "/runs", "/devices", "/experiments"])
def test_asking_for_another_teams_list_is_a_404(mallory: Ask, things: dict[str, Any], path: str) -> None:
    answers = [mallory("GET", f"{path}?team={each}") for each in (things["team"].pk, uuid4())]
    assert problem_of(answers[0], 404) and same(*answers, [])


def test_a_filter_by_another_teams_thing_finds_nothing(mallory: Ask, things: dict[str, Any]) -> None:
    asked = (("/variants", "model", "model"), ("/variants", "made_by", "run"), ("/runs", "experiment", "experiment"))
    for path, name, thing in asked:
        assert mallory("GET", f"{path}?{name}={things[thing].pk}").json()["total"] == 0


def test_a_name_is_taken_in_ones_own_team_only(mallory: Ask, cast: Cast, things: dict[str, Any]) -> None:
    assert mallory("POST", "/portfolios", {"name": "Secret portfolio"}).status_code == 201
    assert mallory("POST", "/teams", {"name": "Edge"}).status_code == 401


def test_run_numbers_count_in_each_team_alone(cast: Cast, things: dict[str, Any]) -> None:
    assert set(Run.objects.filter(team=cast.team).values_list("number", flat=True)) == {1, 2}
    assert Team.objects.get(name="Others").runs_numbered == 0
