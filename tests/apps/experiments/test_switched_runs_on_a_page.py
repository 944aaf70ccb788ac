"""The page of several switching runs says what a sweep over residencies is about: memory of the set and the cost of a change."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.test import Client

from apps.experiments import switched
from apps.experiments.models import Experiment, Measurement, Run, Status
from tests.apps.cast import Cast

HELD = {"resident": 91_000_000, "disk": 51_000_000}


@pytest.fixture
def sweep(cast: Cast) -> Experiment:
    one, *others = [rehearsed(cast, residency) for residency in HELD]
    Run.objects.filter(pk__in=[run.pk for run in others]).update(experiment=one.experiment)
    Experiment.objects.filter(pk=one.experiment_id).update(recipe="portfolio.switching", sweep=[["residency", list(HELD)]])
    return one.experiment


def rehearsed(cast: Cast, residency: str, networks: tuple[str, ...] = ("lean", "dense")) -> Run:
    way = {"way": "switching", "arrived": 100, "late": 2, "swaps": 2, "overhead_ms": [3.0, 41.0], "effective_accuracy": 0.93,
           "steady_bytes": HELD[residency], "peak_bytes": 2 * HELD[residency], "empty_bytes": 45_000_000}
    return cast.run(Status.FINISHED, recipe="portfolio.switching", params={"residency": residency, "seed": 7},
                    summary={"drive_ways": [way], "drive_noisy": residency == "disk",
                             "networks": [{"name": name} for name in networks]})


def test_each_residency_stands_with_its_memory_and_its_changes(cast: Cast, client: Client, sweep: Experiment) -> None:
    client.force_login(cast.alice)
    text = client.get(f"/experiments/{sweep.pk}/").content.decode().replace("\u00a0", " ").replace("&nbsp;", " ")
    rows = text.partition('id="switched"')[2].partition("</section>")[0].partition("<tbody>")[2].split("<tr")
    resident, disk = (next(row for row in rows if f">{residency}<" in row) for residency in HELD)
    for words in ("91 MB", "182 MB", "45 MB", "22 ms", "41 ms", "98.0 %", "93.0 %"):
        assert words in resident, words
    assert "51 MB" in disk and "noisy timing" in disk and "noisy timing" not in resident


def test_it_stands_before_everything_else_that_came_out(cast: Cast, client: Client, sweep: Experiment) -> None:
    client.force_login(cast.alice)
    text = client.get(f"/experiments/{sweep.pk}/").content.decode()
    places = [text.index(f'id="{part}"') for part in ("head", "switched", "charts", "combinations", "runs")]
    assert places == sorted(places)


def test_its_file_has_a_row_for_each_run(cast: Cast, client: Client, sweep: Experiment) -> None:
    client.force_login(cast.alice)
    address = f"/experiments/{sweep.pk}/switched.csv"
    assert f'href="{address}" download' in client.get(f"/experiments/{sweep.pk}/").content.decode()
    body = b"".join(client.get(address).streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(body)))
    assert [(row["residency"], row["held_bytes"], row["noisy"]) for row in rows] == [
        ("resident", "91000000", "no"), ("disk", "51000000", "yes")]
    assert rows[0]["worst_swap_ms"] == "41.0" and rows[0]["effective_accuracy"] == "0.93" and rows[0]["seed"] == "7"


def measured(run: Run, *names: str) -> None:
    for name in names:
        for metric, value in (("accuracy", 0.9), ("latency_ms_p50", 2.0)):
            Measurement.objects.create(run=run, team=run.team, variant_name=name, metric=metric, value=value, unit="",
                                       split="test", origin="measured", device="board", engine="onnxruntime", threads=1, batch=1)


@pytest.mark.parametrize("query", ["", "?colour=network", "?colour=nobody"])
def test_a_network_has_the_colour_that_it_has_on_the_page_of_a_run(cast: Cast, client: Client, sweep: Experiment,
                                                                   query: str) -> None:
    for run in sweep.runs.all():
        measured(run, "dense", "lean")
    client.force_login(cast.alice)
    found = client.get(f"/experiments/{sweep.pk}/{query}").context
    points = json.loads(found["points"])
    assert {(each["colour"], each["place"]) for each in points} == {("lean", 0), ("dense", 1)}
    assert {each["short"] for each in points if each["colour"] == "lean"} == {"resident", "disk"}
    spread, paired = found["page_config"]["charts"]
    assert (spread["by"], spread["labels"], paired["plain"], paired["by"]) == ("network", "residency", True, "residency")


def test_by_residency_both_charts_have_the_colours_of_one_list(cast: Cast, client: Client, sweep: Experiment) -> None:
    for run in sweep.runs.all():
        measured(run, "lean")
    client.force_login(cast.alice)
    found = client.get(f"/experiments/{sweep.pk}/?colour=residency").context
    assert {each["colour"] for each in json.loads(found["points"])} == set(found["page_config"]["values"]) == set(HELD)
    assert not found["page_config"]["charts"][1]["plain"]


def test_networks_that_only_a_later_run_has_come_behind_those_of_the_first(cast: Cast) -> None:
    runs = [rehearsed(cast, "disk"), rehearsed(cast, "disk", ("dense", "tiny"))]
    assert switched.places(runs) == {"lean": 0, "dense": 1, "tiny": 2}
    Run.objects.filter(pk=runs[0].pk).update(summary={"networks": "many"})
    assert switched.places([Run.objects.get(pk=runs[0].pk)]) == {}


def test_before_any_run_has_ended_the_part_is_there_and_hidden(cast: Cast, client: Client, sweep: Experiment) -> None:
    sweep.runs.update(summary={}, status=Status.RUNNING)
    client.force_login(cast.alice)
    assert '<section class="card" id="switched" hidden' in client.get(f"/experiments/{sweep.pk}/").content.decode()


def test_pages_of_other_recipes_have_no_such_part(cast: Cast, client: Client, sweep: Experiment) -> None:
    Experiment.objects.filter(pk=sweep.pk).update(recipe="training.backprop")
    client.force_login(cast.alice)
    assert 'id="switched"' not in client.get(f"/experiments/{sweep.pk}/").content.decode()
