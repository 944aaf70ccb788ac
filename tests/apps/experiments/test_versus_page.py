"""Recipes against each other on the page of an experiment: everything in the address, bounded queries, CSV, and honest words."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from apps.experiments import actions
from apps.experiments.models import Experiment, Measurement, Run, Status
from apps.experiments.studies import Own
from tests.apps.cast import Cast
from tests.apps.experiments.network import network

MAGNITUDE, RANDOM, RECONVENE = "pruning.magnitude", "pruning.random", "pruning.reconvene"
SIZES = {MAGNITUDE: 1000, RANDOM: 1020, RECONVENE: 500}
ACCURACIES = {MAGNITUDE: 0.9, RANDOM: 0.7, RECONVENE: 0.8}


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def study(cast: Cast, repeat: int = 3, **sweep: list[Any]) -> Experiment:
    return actions.launch_sweep(cast.alice, cast.team, MAGNITUDE, network(cast), sweep or {"sparsity": [0.5, 0.75]}, repeat,
                                compare_with={RANDOM: Own(), RECONVENE: Own()})


def measured(experiment: Experiment, **more: Any) -> Experiment:
    """Every run measured: accuracies scatter a little over seeds, the same way for all."""
    made = []
    for run in experiment.runs.all():
        name, about = f"{run.recipe} {run.params['sparsity']}", {"run": run, "team": run.team, "unit": "", "origin": "measured"}
        numbers = {"accuracy": ACCURACIES[run.recipe] + 0.01 * (run.params["seed"] - 7), "params": SIZES[run.recipe],
                   "latency_ms_p50": 1.0, "size_bytes": 1000}
        made += [Measurement(variant_name=variant, metric=metric, value=value, split="test", dataset="digits",
                             engine="onnxruntime", device="board", threads=1, batch=1, **{**about, **more})
                 for variant in ("dense", name) for metric, value in numbers.items()]
    Measurement.objects.bulk_create(made)
    Run.objects.filter(experiment=experiment).update(
        status=Status.FINISHED, summary={"epoch_equivalents": 2.0, "prune_seconds": 1.0, "train_seconds": 2.0})
    return experiment


def page(client: Client, experiment: Experiment, rest: str = "") -> str:
    return client.get(f"/experiments/{experiment.pk}/{rest}").content.decode()


def versus(said: str) -> str:
    return said.partition('id="versus"')[2].partition('id="runs"')[0]


def drawn(said: str) -> list[dict[str, Any]]:
    found = re.search(r'data-paired="([^"]*)"', said)
    assert found
    return list(json.loads(unescape(found[1])))


def table(client: Client, address: str) -> list[dict[str, str]]:
    answer: Any = client.get(address)
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_recipes_are_the_colours_and_stand_together_at_equal_settings(cast: Cast, alice: Client) -> None:
    said = page(alice, measured(study(cast)))
    points = json.loads(unescape(re.search(r'data-points="([^"]*)"', said)[1]))  # type: ignore[index]
    assert {point["colour"] for point in points if not point["dense"]} == {"Magnitude", "Random", "Reconvene"}
    assert {point["label"] for point in points if not point["dense"]} >= {"Magnitude, sparsity 0.5", "Reconvene, sparsity 0.75"}
    assert "At equal settings" in versus(said) and versus(said).count('<tr class="base">') == 2
    assert "2 recipes tested here" in said
    assert "3 recipes" in said and "Pairs share their seed (7, 8, 9)" in said


def test_the_address_says_baseline_budget_tolerance_and_measure(cast: Cast, alice: Client) -> None:
    experiment = measured(study(cast))
    said = versus(page(alice, experiment, "?hold=params&within=3&baseline=Random&measure=seconds&colour=recipe&sort=accuracy"))
    assert "At equal parameters (within 3 %)" in said and "Paired test: seconds of pruning and training against Random" in said
    assert said.count('<tr class="base"><th scope="row">Random<') == 2
    assert "Reconvene</th>" not in said.partition("tests-title")[0]
    assert "left out, and why" in said and "is 51 % away" in said
    assert 'name="sort" value="accuracy"' in said and 'name="colour" value="recipe"' in said


def test_a_wrong_tolerance_is_named_at_its_field_and_kept(cast: Cast, alice: Client) -> None:
    experiment = measured(study(cast))
    for typed in ("-1", "many", "nan", "1e9", "<b>"):
        said = versus(page(alice, experiment, f"?hold=params&within={typed}"))
        assert "must be a number, at least 0 and at most 100" in said and "(within 5 %)" in said
        assert "got <b>" not in said and typed.replace("<b>", "&lt;b&gt;") in said


@pytest.mark.parametrize("rest", ["?hold=nonsense&baseline=x&measure=y&colour=z", "?baseline=%00&within=%00", "?colour=sparsity"])
def test_an_address_that_nobody_knows_shows_the_usual(cast: Cast, alice: Client, rest: str) -> None:
    assert "At equal settings" in page(alice, measured(study(cast)), rest)


def test_three_seeds_are_shown_with_interval_and_the_words_that_they_allow(cast: Cast, alice: Client) -> None:
    [random, reconvene] = drawn(page(alice, measured(study(cast))))
    assert random["arm"] == "Random" and random["mean"] == pytest.approx(-20) and random["n"] == 3 and random["p"] == 0.25
    assert random["p_holm"] == 0.5 and [seed for seed, _ in random["seeds"]] == [7, 8, 9]
    assert random["words"].startswith("less accurate by the interval, but not by p after Holm")
    assert reconvene["mean"] == pytest.approx(-10)


def test_noisy_timings_are_named_and_nothing_is_concluded(cast: Cast, alice: Client) -> None:
    said = versus(page(alice, measured(study(cast), noisy=True), "?measure=latency_ms"))
    assert "noisy timing: nothing is concluded" in said and "faster" not in said and "slower" not in said


@pytest.mark.parametrize("address", ["", "now/", "equal.csv", "tests.csv"])
def test_two_hundred_runs_of_three_recipes_need_no_more_queries_than_few(
    cast: Cast, alice: Client, django_assert_max_num_queries: Any, address: str,
) -> None:
    experiment = measured(study(cast, 6, sparsity=[n / 100 for n in range(1, 12)]))
    assert experiment.runs.count() == 198
    with django_assert_max_num_queries(18):
        answer = alice.get(f"/experiments/{experiment.pk}/{address}?hold=params")
        assert answer.status_code == 200 and (b"".join(answer.streaming_content) if answer.streaming else answer.content)


def test_both_tables_leave_as_csv(cast: Cast, alice: Client) -> None:
    experiment = measured(study(cast))
    equal = table(alice, f"/experiments/{experiment.pk}/equal.csv?hold=params")
    assert [(row["match"], row["compared"], row["is_baseline"]) for row in equal] == [
        ("1", "Magnitude", "yes"), ("1", "Random", "no"), ("2", "Magnitude", "yes"), ("2", "Random", "no")]
    assert equal[0]["params_mean"] == "1000.0" and equal[0]["seconds_mean"] == "3.0" and equal[0]["epochs_mean"] == "2.0"
    tests = table(alice, f"/experiments/{experiment.pk}/tests.csv?measure=accuracy")
    assert [(row["compared"], row["settings"], row["n"], row["seeds"]) for row in tests[:2]] == [
        ("Random", "all settings together", "3", "7 8 9"), ("Reconvene", "all settings together", "3", "7 8 9")]
    assert {(row["compared_recipe"], row["baseline_recipe"]) for row in tests} == {
        ("pruning.random", "pruning.magnitude"), ("pruning.reconvene", "pruning.magnitude")}
    assert len(tests) == 6 and float(tests[0]["p_holm"]) == 0.5 and tests[0]["conclusion"].startswith("less accurate")


def test_without_a_second_arm_nothing_is_compared(cast: Cast, alice: Client) -> None:
    alone = actions.launch_sweep(cast.alice, cast.team, MAGNITUDE, network(cast), {}, 3)
    assert 'id="versus"' not in page(alice, alone)
    assert table(alice, f"/experiments/{alone.pk}/tests.csv") == table(alice, f"/experiments/{alone.pk}/equal.csv") == []


def test_the_api_says_the_same(cast: Cast, alice: Client, django_assert_max_num_queries: Any) -> None:
    experiment = measured(study(cast))
    with django_assert_max_num_queries(14):
        said = alice.get(f"/api/experiments/{experiment.pk}/versus?hold=params&within=3&baseline=Random").json()
    assert said["arms"] == ["Magnitude", "Random", "Reconvene"] and len(said["matches"]) == 2
    assert [each["arm"] for each in said["matches"][0]] == ["Random", "Magnitude"]
    assert said["matches"][0][0]["params"]["mean"] == 1020
    first, second = said["tests"]
    assert (first["arm"], first["seeds"], first["p"]) == ("Magnitude", [7, 8, 9], 0.25) and first["mean"] == pytest.approx(0.2)
    assert second["conclusion"] == "no pairs" and second["mean"] is None and len(said["left_out"]) == 4


@pytest.mark.parametrize(("asked", "field"), [
    ("baseline=nobody", "baseline"), ("within=-1", "within"), ("hold=size", "hold"), ("measure=beauty", "measure")])
def test_the_api_refuses_what_it_does_not_know_by_field(cast: Cast, alice: Client, asked: str, field: str) -> None:
    answer = alice.get(f"/api/experiments/{study(cast).pk}/versus?{asked}")
    assert answer.status_code == 422 and field in answer.content.decode()


def test_what_is_not_measured_yet_has_its_place_already(cast: Cast, alice: Client) -> None:
    experiment = study(cast)
    for address in ("", "now/", "equal.csv", "tests.csv"):
        assert alice.get(f"/experiments/{experiment.pk}/{address}?hold=params").status_code == 200
    said = page(alice, experiment)
    assert "What is compared will stand here" in said and 'data-kind="paired"' in said and drawn(said) == []
    assert '<option selected>Magnitude' in versus(said) and "<option>Reconvene" in versus(said)


def test_the_values_of_any_swept_field_are_compared_too(cast: Cast, alice: Client) -> None:
    experiment = measured(study(cast))
    said = versus(page(alice, experiment, "?colour=sparsity&baseline=0.75"))
    assert "Paired test: accuracy against sparsity 0.75" in said and "no difference shown" in said
    assert said.count('<tr class="base">') == 3
    assert "1 value of sparsity tested here" in said


def test_the_list_finds_it_by_any_of_its_recipes_and_says_how_many(cast: Cast, alice: Client) -> None:
    made = study(cast)
    for recipe, there in ((MAGNITUDE, True), (RECONVENE, True), ("pruning.l1_channels", False)):
        said = alice.get(f"/experiments/?recipe={recipe}").content.decode()
        assert (str(made.pk) in said) == there
    assert "3 recipes" in alice.get("/experiments/").content.decode()


def test_so_few_seeds_that_nothing_can_be_shown_are_told_with_a_way_to_more(cast: Cast, alice: Client, client: Client) -> None:
    experiment = measured(study(cast))
    said = versus(page(alice, experiment))
    assert "With 3 seeds no difference can be shown at 5 %: 7 are needed" in said and 'href="#id_repeat">More seeds' in said
    assert 'id="id_repeat"' in page(alice, experiment)
    client.force_login(cast.victor)
    assert "More seeds" not in versus(page(client, experiment))


def test_seven_seeds_of_three_recipes_may_show_a_difference(cast: Cast, alice: Client) -> None:
    assert "no difference can be shown" not in versus(page(alice, measured(study(cast, 7))))


def test_who_has_no_pairs_shows_why_unfolded(cast: Cast, alice: Client) -> None:
    said = versus(page(alice, measured(study(cast)), "?hold=params&within=3"))
    assert re.search(r"no pairs<small class=\"of\">the nearest, sparsity 0\.\d+, is \d+ % away", said.partition("tests-title")[2])


def test_what_it_costs_stands_before_what_came_of_it(cast: Cast, alice: Client) -> None:
    said = versus(page(alice, measured(study(cast))))
    head = re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', said.partition("</thead>")[0])
    assert head[2:6] == ["accuracy", "epochs", "seconds", "latency p50"]
    assert said.partition('<tr class="base">')[2].partition("</tr>")[0].count("<td") == len(head) - 1
    cells = re.findall(r"<td[^>]*>(.*?)</td>", said.partition('<tr class="base">')[2].partition("</tr>")[0], re.S)
    assert cells[1].startswith("91")
    assert cells[2].startswith("2") and cells[3].startswith("3 s") and cells[4].startswith("1 ms")


def test_tables_name_recipes_the_same_way(cast: Cast, alice: Client) -> None:
    experiment = measured(study(cast))
    named = {("pruning.magnitude", "Magnitude"), ("pruning.random", "Random"), ("pruning.reconvene", "Reconvene")}
    for name in ("equal.csv", "table.csv"):
        assert {(row["recipe"], row["recipe_title"]) for row in table(alice, f"/experiments/{experiment.pk}/{name}")} >= named


def test_points_carry_what_they_were_told(cast: Cast, alice: Client) -> None:
    def beside(experiment: Experiment, rest: str = "") -> set[str]:
        points = json.loads(unescape(re.search(r'data-points="([^"]*)"', page(alice, experiment, rest))[1]))  # type: ignore[index]
        assert all(point["short"] == "" for point in points if point["dense"])
        return {point["short"] for point in points if not point["dense"]}

    experiment = measured(study(cast))
    assert beside(experiment) == {"0.5", "0.75"} and '"labels": "sparsity"' in page(alice, experiment)
    assert beside(experiment, "?colour=sparsity") == {"Magnitude", "Random", "Reconvene"}


def test_bytes_sent_are_tested_and_told_where_runs_say_them(cast: Cast, alice: Client) -> None:
    asked = study(cast)
    assert "bytes sent" not in versus(page(alice, measured(asked)))
    for run in asked.runs.all():
        run.summary["sent_bytes"] = 20_000 + run.params["seed"] if run.recipe == RANDOM else 250_000 + 2 * run.params["seed"]
        run.save()
    said = page(alice, asked, "?measure=sent_bytes&colour=recipe")
    assert '<option value="sent_bytes" selected>bytes sent</option>' in said and "20.0" in versus(said)
    assert "Paired test: bytes sent" in said and "sends less" in said and "difference, kB" in said
    assert "sort=sent_bytes" in unescape(said)


def test_updating_runs_are_drawn_over_the_bytes_that_they_sent(cast: Cast, alice: Client) -> None:
    asked = measured(study(cast))
    asked.runs.update(summary={"sent_bytes": 20_000})
    Experiment.objects.filter(pk=asked.pk).update(recipe="updating.dpu")
    said = page(alice, asked)
    chart = json.loads(re.findall(r'id="page-config" type="application/json">(.*?)</script>', said)[0])["charts"][0]
    assert chart["x"] == "sent_bytes" and chart["title"] == "Accuracy against bytes sent"


def test_the_memory_of_budgeted_runs_stands_in_results_tests_and_chart(cast: Cast, alice: Client) -> None:
    asked = measured(study(cast))
    for run in asked.runs.all():
        run.summary |= {"memory_budget_bytes": 200_000_000, "measured_memory_bytes": 150_000_000 + run.params["seed"]}
        run.save()
    Experiment.objects.filter(pk=asked.pk).update(recipe="training.backprop")
    said = page(alice, asked, "?measure=measured_memory_bytes")
    chart = json.loads(re.findall(r'id="page-config" type="application/json">(.*?)</script>', said)[0])["charts"][0]
    assert chart["x"] == "measured_memory_bytes" and chart["title"] == "Accuracy against peak memory"
    assert "Paired test: peak memory" in said and "difference, MB" in said and ">peak memory</a>" in said


def test_seconds_are_of_pruning_only_where_something_was_pruned(cast: Cast, alice: Client) -> None:
    asked = measured(study(cast))
    assert "seconds of pruning and training" in versus(page(alice, asked))
    for before, after in zip((MAGNITUDE, RANDOM, RECONVENE), ("backprop", "local", "neuroflux"), strict=True):
        asked.runs.filter(recipe=before).update(recipe=f"training.{after}")
    said = versus(page(alice, asked))
    assert "pruning and training" not in said and "seconds of training" in said
