"""What passes in real time is known before anything ran: a form says that a run takes at least that long."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.experiments.forms import form_for
from apps.experiments.promise import promise
from apps.experiments.reading import least_words
from tests.apps.cast import Cast
from tests.apps.experiments import test_several_networks
from worker import menu

RECIPE = test_several_networks.RECIPE
pytestmark = pytest.mark.django_db
things = test_several_networks.things


def said(cast: Cast, recipe: str, **typed: str) -> str:
    made = form_for(menu.get(recipe), cast.alice, cast.team)
    begun = {name: value for name, field in made().fields.items() if (value := field.initial) is not None}
    return promise(made({**begun, **typed}), cast.team).at_least


@pytest.mark.parametrize(("more", "words"), [
    ({}, "at least 3 min"), ({"baselines": "none"}, "at least 60 s"), ({"baselines": "all"}, "at least 5 min"),
    ({"repeat": "3"}, "at least 9 min"), ({"seconds": "20, 40", "baselines": "none"}, "at least 60 s"),
    ({"trace": "lines", "lines": "arrivals_per_s,deadline_ms\n5,100\n5,100", "baselines": "none"}, "at least 2 s"),
    ({"seconds": "soon"}, ""), ({"trace": "lines"}, "")])
def test_each_way_through_a_trace_takes_as_long_as_the_trace(
    cast: Cast, things: dict[str, Any], more: dict[str, str], words: str,
) -> None:
    asked = {"model": str(things["dense"].pk), "model_2": str(things["level 3"].pk), "dataset": str(things["dataset"].pk)}
    assert said(cast, RECIPE, **asked, **more) == words


def test_a_video_at_its_own_pace_takes_as_long_as_it_is(cast: Cast) -> None:
    assert said(cast, "detection.roma", pace="as filmed") == "at least 48 s" and said(cast, "detection.roma") == ""


def test_the_form_says_so_in_place_of_not_knowing(cast: Cast, client: Client, things: dict[str, Any]) -> None:
    client.force_login(cast.alice)
    page = client.get(f"/experiments/new/{RECIPE}/?model={things['dense'].pk}").content.decode()
    assert '<p class="usual">at least 3 min</p>' in page and "So long it runs in real time" in page
    assert "can be compared" not in page


def test_it_is_never_said_longer_than_it_is() -> None:
    assert [least_words(seconds) for seconds in (0, 0.5, 59, 119.9, 120, 179, 7300)] == [
        "", "", "at least 59 s", "at least 119 s", "at least 2 min", "at least 2 min", "at least 2 h"]
