"""A run of levels: its page speaks of the level that its sentence speaks of, while it runs and afterwards."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from apps.experiments.models import Measurement, Run, Status
from tests.apps.cast import Cast

RECIPE = "portfolio.dnnshifter"


def page(client: Client, run: Run) -> str:
    answer = client.get(f"/runs/{run.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def measured(run: Run, name: str, accuracy: float, *, params: int = 1000, noisy: bool = False) -> None:
    for metric, value in (("params", float(params)), ("accuracy", accuracy), ("latency_ms_p50", 2.0)):
        Measurement.objects.create(team=run.team, run=run, variant_name=name, metric=metric, value=value, unit="",
                                   engine="onnxruntime", origin="measured", split="test", noisy=noisy and "latency" in metric)


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


@pytest.fixture
def running(cast: Cast) -> Run:
    return cast.run(Status.RUNNING, recipe=RECIPE, heartbeat=timezone.now())


def test_levels_that_are_no_smaller_yet_are_told_by_the_last_of_them(alice: Client, running: Run) -> None:
    for name in ("dense", "level 1", "level 2"):
        measured(running, name, 0.9)
    assert "<small>level 2: " in page(alice, running)


def test_where_all_lose_more_than_a_point_the_last_one_is_told_and_not_the_most_accurate(alice: Client, running: Run) -> None:
    for name, accuracy in (("dense", 0.9), ("level 1", 0.8), ("level 2", 0.7)):
        measured(running, name, accuracy)
    said = page(alice, running)
    assert "20.0 points less accurate" in said and "<small>level 2: " in said


def test_the_last_level_within_a_point_is_told_before_one_that_loses_more(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED, recipe=RECIPE, summary={"verdict": "level 1 is smaller; level 2 is worse"})
    for name, accuracy in (("dense", 0.9), ("level 1", 0.895), ("level 2", 0.7)):
        measured(run, name, accuracy)
    assert "<small>level 1: " in page(alice, run)


def test_variants_that_are_no_levels_are_told_by_the_most_accurate(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.RUNNING, heartbeat=timezone.now())
    for name, accuracy in (("dense", 0.9), ("one", 0.8), ("other", 0.7)):
        measured(run, name, accuracy)
    assert "<small>one: " in page(alice, run)


@pytest.mark.parametrize("noisy", [True, False])
def test_the_figures_beside_the_verdict_say_that_their_timing_was_noisy(noisy: bool, alice: Client, running: Run) -> None:
    measured(running, "dense", 0.9)
    measured(running, "level 1", 0.9, noisy=noisy)
    figures = page(alice, running).split("<small>level 1: ")[1].split("</small>")[0]
    assert ("noisy timing" in figures) is noisy


def test_a_parameter_that_is_no_more_is_still_shown(cast: Cast, alice: Client) -> None:
    said = page(alice, cast.run(Status.FINISHED, recipe=RECIPE, params={"rewind_steps": 4321, "levels": 4}))
    assert "rewind_steps" in said.replace(" ", "_") and "4321" in said.replace(",", "")
