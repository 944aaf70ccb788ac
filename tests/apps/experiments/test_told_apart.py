"""Runs of one recipe on the same things are told apart wherever they are listed: by settings, in a few words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.experiments import apart
from apps.experiments.models import Experiment, Run, Status
from tests.apps.cast import Cast

SWITCHING, NAME = "portfolio.switching", "Switching · dense · lean · digits"
USUAL = {"residency": "packed", "trace": "burst", "seconds": 60, "baselines": "fixed", "seed": 7, "hold": 5}


def rehearsed(cast: Cast, name: str = NAME, **params: Any) -> Run:
    run = cast.run(Status.FINISHED, recipe=SWITCHING, params={**USUAL, **params})
    Experiment.objects.filter(pk=run.experiment_id).update(name=name, recipe=SWITCHING)
    run.experiment.refresh_from_db()
    return run


@pytest.mark.parametrize(("params", "words"), [
    ({}, ""), ({"seed": 9}, ""), ({"residency": "disk"}, "residency disk"), ({"hold": 9}, "hold 9 s"), ({"hold": 5.0}, ""),
    ({"seconds": 20, "baselines": "none"}, "seconds 20, compared with none"), ({"deadline_ms": 50.0}, "deadline 50 ms"),
    ({"deadline_ms": 0.0}, ""), ({"hold": 1, "margin": 0.5, "residency": "disk", "seconds": 5, "burst": 2.0},
                                 "residency disk, seconds 5, burst 2 times, margin 0.5, …"),
    ({"trace": "lines", "lines": "arrivals_per_s,deadline_ms; 5,100", "seconds": 20}, "trace lines")])
def test_a_run_alone_says_what_is_not_usual_and_counts(cast: Cast, params: dict[str, Any], words: str) -> None:
    run = rehearsed(cast, **params)
    assert apart.of_runs([run]) == {run.pk: words}


def test_of_runs_that_look_alike_each_says_its_own_the_usual_too(cast: Cast) -> None:
    packed, disk, other = rehearsed(cast), rehearsed(cast, residency="disk"), rehearsed(cast, "another name")
    told = apart.of_runs([packed, disk, other])
    assert told == {packed.pk: "residency packed", disk.pk: "residency disk", other.pk: ""}


def test_runs_that_are_compared_say_only_in_what_they_differ(cast: Cast) -> None:
    runs = [rehearsed(cast, "one", seconds=20), rehearsed(cast, "two", seconds=20, residency="disk")]
    assert list(apart.beside(runs).values()) == ["residency packed", "residency disk"]


def test_a_change_while_it_ran_counts(cast: Cast) -> None:
    run = cast.run(recipe="training.backprop", params={"learning_rate": 0.05}, live_params={"learning_rate": 0.5})
    assert apart.of_runs([run])[run.pk] == "learning rate 0.5"


def test_a_recipe_that_left_the_menu_says_nothing(cast: Cast) -> None:
    runs = [cast.run(recipe="no.such", params={"x": place}) for place in range(2)]
    assert set(apart.of_runs(runs).values()) == {""}


def test_the_list_of_experiments_says_it_of_each_and_of_many_runs_what_was_tried(
    cast: Cast, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for residency in ("packed", "disk"):
        rehearsed(cast, residency=residency)
    first, *more = [rehearsed(cast, "a sweep", residency=residency, seconds=20) for residency in ("disk", "packed", "resident")]
    Run.objects.filter(pk__in=[run.pk for run in more]).update(experiment=first.experiment)
    Experiment.objects.filter(pk=first.experiment_id).update(sweep=[["residency", ["disk", "packed", "resident"]]])
    client.force_login(cast.alice)
    with django_assert_max_num_queries(14):
        text = client.get("/experiments/").content.decode()
    assert "run 1 · residency packed</small>" in text and "run 2 · residency disk</small>" in text
    assert "3 runs, 3 to 5 · residency disk/packed/resident, seconds 20</small>" in text
    home = client.get("/").content.decode()
    assert "run 2 · residency disk</small>" in home and "· residency disk/packed/resident, seconds 20</small>" in home


def test_of_many_values_the_list_says_how_many(cast: Cast) -> None:
    run = rehearsed(cast)
    run.experiment.sweep = [["hold", [1, 2, 3, 4, 5]], ["model_2", ["a", "b"]]]
    assert apart.of_experiment(run.experiment, run) == "5 values of hold, 2 values of network 2"


def test_the_page_of_a_run_says_it_in_its_title(cast: Cast, client: Client) -> None:
    one, other = rehearsed(cast, residency="disk"), rehearsed(cast)
    client.force_login(cast.alice)
    assert "<small>· residency disk</small></h1>" in client.get(f"/runs/{one.pk}/").content.decode()
    assert f"<h1>{NAME}</h1>" in client.get(f"/runs/{other.pk}/").content.decode()


def test_each_run_of_a_sweep_says_which_it_is(cast: Cast, client: Client) -> None:
    run = rehearsed(cast)
    Experiment.objects.filter(pk=run.experiment_id).update(sweep=[["residency", ["packed", "disk"]]])
    client.force_login(cast.alice)
    assert "<small>· residency packed</small></h1>" in client.get(f"/runs/{run.pk}/").content.decode()


def test_compare_says_it_at_each_column(cast: Cast, client: Client) -> None:
    runs = rehearsed(cast, seconds=20), rehearsed(cast, seconds=20, residency="disk")
    client.force_login(cast.alice)
    text = client.get("/compare/", {"run": [str(run.pk) for run in runs]}).content.decode()
    assert "Switching, residency packed</small>" in text and "Switching, residency disk</small>" in text
