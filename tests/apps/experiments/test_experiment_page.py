"""The page of an experiment: runs taken together over seeds, its actions, and as many queries for 200 runs as for two."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.experiments import actions
from apps.experiments.models import Experiment, Measurement, Run, Status
from tests.apps.cast import Cast
from tests.apps.experiments.network import network

RECIPE = "pruning.magnitude"


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def sweep(cast: Cast, values: Any = (0.5, 0.75), repeat: int = 2, **more: Any) -> Experiment:
    return actions.launch_sweep(cast.alice, cast.team, RECIPE, {**network(cast), **more}, {"sparsity": list(values)}, repeat)


def measure(run: Run, name: str, accuracy: float, latency: float = 1.0, device: str = "board") -> None:
    about = {"run": run, "team": run.team, "variant_name": name, "unit": "", "origin": "measured"}
    Measurement.objects.create(metric="accuracy", value=accuracy, split="test", dataset="digits", **about)
    Measurement.objects.create(metric="latency_ms_p50", value=latency, engine="onnxruntime", device=device, threads=1, batch=1,
                               **about)
    Measurement.objects.create(metric="size_bytes", value=1000, **about)


def measured(experiment: Experiment) -> None:
    """Seed 7 and 8 of sparsity 0.5 and 0.75; the dense network is the same for equal seeds."""
    for run in experiment.runs.all():
        seed, sparsity = run.params["seed"], run.params["sparsity"]
        measure(run, "dense", 0.95 + (seed - 7) * 0.01, 2.0)
        measure(run, f"magnitude {sparsity:g}", 0.9 if seed == 7 else 0.8, 1.0 + sparsity)
    Run.objects.update(status=Status.FINISHED, started_at=timezone.now(), finished_at=timezone.now())


def page(client: Client, experiment: Experiment, rest: str = "") -> str:
    return client.get(f"/experiments/{experiment.pk}/{rest}").content.decode()


def points(said: str) -> list[dict[str, Any]]:
    found = re.search(r'data-points="([^"]*)"', said)
    assert found
    return list(json.loads(unescape(found[1])))


def test_each_combination_is_a_point_at_the_mean_of_its_seeds(cast: Cast, alice: Client) -> None:
    experiment = sweep(cast)
    measured(experiment)
    said = points(page(alice, experiment))
    dense, *others = said
    assert (dense["dense"], dense["y"]["n"]) == (True, 2) and dense["y"]["mean"] == pytest.approx(0.955)
    assert [each["label"] for each in others] == ["sparsity 0.5", "sparsity 0.75"]
    assert others[0]["y"] == {"n": 2, "mean": pytest.approx(0.85), "sd": pytest.approx(0.0707, abs=1e-4)}
    assert others[0]["x"]["mean"] == pytest.approx(1.5) and others[0]["colour"] == "0.5" and others[0]["runs"] == [1, 2]


def test_a_dense_network_that_the_sweep_touches_is_a_star_for_each_combination(cast: Cast, alice: Client) -> None:
    experiment = sweep(cast)
    for run in experiment.runs.all():
        measure(run, "dense", run.params["sparsity"])
    assert [each["y"]["n"] for each in points(page(alice, experiment)) if each["dense"]] == [2, 2]


def test_the_table_sorts_and_says_mean_and_spread(cast: Cast, alice: Client) -> None:
    experiment = sweep(cast)
    measured(experiment)
    said = page(alice, experiment, "?sort=latency_ms&down=1").partition('id="combinations"')[2].partition('id="runs"')[0]
    assert "85.0\u00a0%" in said and "± 7.1\u00a0%" in said
    assert said.index(">dense<") < said.index("magnitude 0.75") < said.index("magnitude 0.5<")
    assert page(alice, experiment, "?sort=nonsense&down=x&colour=team")


@pytest.mark.parametrize("address", ["", "now/"])
def test_two_hundred_runs_need_no_more_queries_than_two(
    cast: Cast, alice: Client, django_assert_max_num_queries: Any, address: str,
) -> None:
    experiment = sweep(cast, [n / 100 for n in range(1, 11)], 20)
    measured(experiment)
    with django_assert_max_num_queries(18):
        said = page(alice, experiment, address)
    assert said.count("<tr data-row") == 200 + 11


def test_no_curve_is_read_for_it(cast: Cast, alice: Client, django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    experiment = sweep(cast)
    with CaptureQueriesContext(connection) as asked:
        page(alice, experiment)
    assert not [query for query in asked.captured_queries if "live_event" in query["sql"]]


def test_latencies_of_two_devices_are_not_like_with_like(cast: Cast, alice: Client) -> None:
    experiment = sweep(cast)
    for place, run in enumerate(experiment.runs.all()):
        measure(run, "dense", 0.9, device=f"board {place % 2}")
    assert "Latencies were measured on different devices: board 0, board 1." in page(alice, experiment)


def test_all_are_cancelled_and_the_failed_ones_tried_again(cast: Cast, alice: Client) -> None:
    experiment = sweep(cast)
    assert "Cancel all" in page(alice, experiment)
    assert alice.post(f"/experiments/{experiment.pk}/cancel/").status_code == 302
    assert set(experiment.runs.values_list("status", flat=True)) == {"cancelled"}
    said = alice.post(f"/experiments/{experiment.pk}/cancel/")
    assert said.status_code == 409 and "No run of this experiment waits or runs" in said.content.decode()
    Run.objects.update(status=Status.FAILED)
    assert "Retry 4 failed" in page(alice, experiment)
    alice.post(f"/experiments/{experiment.pk}/retry/")
    assert set(experiment.runs.values_list("status", flat=True)) == {"queued"}


def test_more_seeds_are_added_or_refused_at_their_field(cast: Cast, alice: Client) -> None:
    experiment = sweep(cast)
    said = alice.post(f"/experiments/{experiment.pk}/more/", {"repeat": "many"})
    assert said.status_code == 422 and 'value="many"' in said.content.decode() and "between 1 and 20" in said.content.decode()
    alice.post(f"/experiments/{experiment.pk}/more/", {"repeat": "3"})
    assert experiment.runs.count() == 10


def test_tags_are_added_and_removed_from_both_pages(cast: Cast, alice: Client) -> None:
    experiment, alone = sweep(cast), cast.run(Status.FINISHED)
    for each, address in ((experiment, f"/experiments/{experiment.pk}/"), (alone.experiment, f"/runs/{alone.pk}/")):
        added = alice.post(f"/experiments/{each.pk}/tag/", {"tags": "<b>, paper"})
        assert added["Location"] == f"/experiments/{each.pk}/#id_tags"
        assert "&lt;b&gt;" in alice.get(address).content.decode()
        alice.post(f"/experiments/{each.pk}/untag/", {"tag": "<b>"})
        each.refresh_from_db()
        assert each.tags == ["paper"]
        said = alice.post(f"/experiments/{each.pk}/tag/", {"tags": "y" * 60})
        assert said.status_code == 422 and "y" * 60 in said.content.decode() and "at most 40 characters" in said.content.decode()


@pytest.mark.parametrize(("name", "said"), [("", "Fill this in"), ("x" * 201, "At most 200"), ("a\x00", "cannot be shown")])
def test_a_name_that_cannot_be_is_refused_at_its_field(cast: Cast, alice: Client, name: str, said: str) -> None:
    experiment = sweep(cast)
    answer = alice.post(f"/experiments/{experiment.pk}/rename/", {"name": name})
    assert answer.status_code == 422 and said in answer.content.decode()


def test_an_archived_one_leaves_the_lists_until_it_is_restored(cast: Cast, alice: Client) -> None:
    experiment = sweep(cast)
    assert alice.post(f"/experiments/{experiment.pk}/archive/").status_code == 409
    Run.objects.update(status=Status.FINISHED)
    alice.post(f"/experiments/{experiment.pk}/archive/")
    assert experiment.name not in alice.get("/experiments/").content.decode()
    assert experiment.name in alice.get("/experiments/?status=archived").content.decode()
    alice.post(f"/experiments/{experiment.pk}/restore/")
    assert experiment.name in alice.get("/experiments/").content.decode()


def test_a_viewer_sees_no_buttons(cast: Cast, client: Client) -> None:
    victor: User = cast.victor
    client.force_login(victor)
    said = page(client, sweep(cast))
    assert "Cancel all" not in said and "add tags" not in said and "More seeds" not in said


def test_one_without_runs_is_a_page_too(cast: Cast, alice: Client) -> None:
    empty = Experiment.objects.create(team=cast.team, name="empty", recipe="gone.recipe")
    assert "empty" in page(alice, empty) and "gone.recipe" in page(alice, empty)


def test_a_sweep_with_disturbed_timings_says_so_above_the_chart_and_beside_the_numbers(cast: Cast, alice: Client) -> None:
    experiment = sweep(cast)
    measured(experiment)
    assert "noisy timing" not in page(alice, experiment)
    Measurement.objects.filter(run=experiment.runs.earliest("number"), metric="latency_ms_p50").update(noisy=True)
    said = page(alice, experiment)
    assert "The timings of 1 run were disturbed: differences in latency may be noise." in said
    assert sorted(point["noise"] for point in points(said)) == ["", "noisy timing", "noisy timing"]
    assert 'n = 4</small><small class="of">noisy timing' in said


def test_who_renames_it_second_is_told_what_it_is_called_by_now(cast: Cast, alice: Client) -> None:
    experiment = sweep(cast)
    seen = re.findall(r'name="seen" value="(\w+)"', page(alice, experiment))
    Experiment.objects.filter(pk=experiment.pk).update(name="the first's")
    answer = alice.post(f"/experiments/{experiment.pk}/rename/", {"name": "the second's", "seen": seen[0]})
    said = unescape(answer.content.decode())
    assert answer.status_code == 409 and "the first's" in said and 'value="the second\'s"' in said
    again = re.findall(r'name="seen" value="(\w+)"', said)
    assert alice.post(f"/experiments/{experiment.pk}/rename/", {"name": "the second's", "seen": again[0]}).status_code == 302
