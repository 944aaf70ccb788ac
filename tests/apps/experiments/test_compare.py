"""Compare: only what differs, results side by side, curves as numbers by a way that the address names, and fair warnings."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.experiments.compare import MOST_CURVES
from apps.experiments.models import Measurement, Run, Status
from apps.live.models import Saying
from tests.apps.cast import Cast

CURVE = (0.5, 0.9, 0.7)


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def trained(cast: Cast, seed: int = 7, epochs: int = 3, device: str = "board", **more: Any) -> Run:
    run = cast.run(Status.FINISHED, params={"seed": seed, "epochs": epochs, **more}, environment={"torch": "2", "host": device})
    for metric, value, unit in (("accuracy", 0.9, ""), ("latency_ms_p50", 2.0, "ms")):
        Measurement.objects.create(run=run, team=run.team, variant_name="trained", metric=metric, value=value, unit=unit,
                                   split="test", dataset="digits", origin="measured", device=device, engine="onnxruntime",
                                   threads=1, batch=1)
    for step, value in enumerate(CURVE, start=1):
        for name, said in (("accuracy", value), ("loss", 1 - value)):
            run.stream.append([Saying("metric", {"name": name, "value": said, "step": step, "labels": {"split": "validation"}})])
    return run


def address(*runs: Run, **more: Any) -> str:
    return "/compare/?" + "&".join([*(f"run={run.pk}" for run in runs), *(f"{name}={value}" for name, value in more.items())])


def said(client: Client, *runs: Run, **more: Any) -> str:
    answer = client.get(address(*runs, **more))
    assert answer.status_code == 200
    return answer.content.decode()


def part(text: str, name: str) -> str:
    return text.partition(f'id="{name}"')[2].partition("</section>")[0]


def test_only_what_differs_is_shown_until_all_is_asked_for(cast: Cast, alice: Client) -> None:
    runs = trained(cast, epochs=3, momentum=0.9), trained(cast, epochs=5, momentum=0.9)
    differences = part(said(alice, *runs), "differences")
    assert ">epochs " in differences and ">5<" in differences and "momentum" not in differences and "torch" not in differences
    assert "momentum" in part(said(alice, *runs, all=1), "differences")


def test_runs_that_are_the_same_are_said_to_be(cast: Cast, alice: Client) -> None:
    assert "Nothing differs" in said(alice, trained(cast), trained(cast))


@pytest.mark.parametrize(("query", "accuracy", "loss"), [
    ({}, "0.700 <small>at 3", "0.300 <small>at 3"), ({"agg": "last"}, "0.700 <small>at 3", "0.300 <small>at 3"),
    ({"agg": "best"}, "0.900 <small>at 2", "0.100 <small>at 2"), ({"agg": "at", "step": "1"}, ">0.500<", ">0.500<"),
    ({"agg": "nonsense"}, "0.700 <small>at 3", "0.300 <small>at 3"),
])
def test_a_curve_becomes_a_number_by_the_way_in_the_address(
    cast: Cast, alice: Client, query: dict[str, str], accuracy: str, loss: str,
) -> None:
    curves = part(said(alice, trained(cast), trained(cast), **query), "curves")
    first, _, second = curves.partition(">Loss per epoch ")
    assert accuracy in first and loss in second


@pytest.mark.parametrize("step", ["-1", "many", "1.5", "9" * 40, "１", "%00", "<b>"])
def test_a_step_that_is_none_is_refused_at_its_field(cast: Cast, alice: Client, step: str) -> None:
    text = said(alice, trained(cast), trained(cast), agg="at", step=step)
    assert "must be a whole number" in text and "<b>" not in text.partition("step-error")[2][:200]


def test_a_step_beyond_the_end_has_no_value(cast: Cast, alice: Client) -> None:
    assert "No curve has a value there" in said(alice, trained(cast), trained(cast), agg="at", step=999)


def test_seeds_of_one_combination_are_taken_together(cast: Cast, alice: Client) -> None:
    groups = part(said(alice, trained(cast, 7), trained(cast, 8), trained(cast, 7, epochs=9)), "groups-title")
    assert "1, 2" in groups and ">2<" in groups and "90.0\u00a0%" in groups


def test_times_of_different_devices_are_named_as_not_like_with_like(cast: Cast, alice: Client) -> None:
    alike, other = [trained(cast), trained(cast)], trained(cast, device="laptop")
    assert "Not like with like" not in said(alice, *alike)
    assert "Latencies were measured on different devices: board, laptop." in said(alice, alike[0], other)
    Measurement.objects.filter(run=other).update(device="board", threads=4, split="validation")
    text = said(alice, alike[0], other)
    assert "with different numbers of threads: 1, 4" in text and "on different parts of the data: test, validation" in text


def test_a_foreign_an_unknown_or_a_bad_id_is_not_there(cast: Cast, alice: Client) -> None:
    mine = [trained(cast), trained(cast)]
    for bad in (str(uuid4()), "1", "", "%00", "'; drop table", "x" * 10_000):
        assert alice.get(f"{address(*mine)}&run={bad}").status_code == 404
        assert alice.get(f"{address(*mine)}&run={bad}".replace("/?", "/table.csv?")).status_code == 404
    alice.force_login(cast.mallory)
    assert alice.get(address(*mine)).status_code == 404 and alice.get(address(mine[0])).status_code == 404


def test_too_few_and_too_many_are_told_what_to_do(cast: Cast, alice: Client) -> None:
    runs = [cast.run(Status.FINISHED) for _ in range(9)]
    assert "Pick 2 to 8 runs" in said(alice) and "Pick 2 to 8 runs" in said(alice, runs[0], runs[0])
    answer = alice.get(address(*runs))
    assert answer.status_code == 422 and "these are 9" in answer.content.decode()


def test_eight_runs_need_no_more_queries_than_two(cast: Cast, alice: Client, django_assert_max_num_queries: Any) -> None:
    runs = [trained(cast, seed) for seed in range(8)]
    said(alice, *runs[:2])
    with CaptureQueriesContext(connection) as asked:
        said(alice, *runs[:2])
    with django_assert_max_num_queries(len(asked)):
        said(alice, *runs)


def test_runs_of_different_recipes_are_compared_by_what_they_share(cast: Cast, alice: Client) -> None:
    others = cast.run(Status.FAILED, recipe="benchmarking.latency"), cast.run(Status.QUEUED, recipe="gone.recipe")
    text = said(alice, trained(cast), *others)
    assert "These runs draw no chart in common" in text


def test_each_run_has_its_stream_and_its_place(cast: Cast, alice: Client) -> None:
    one, two = trained(cast), trained(cast)
    text = said(alice, two, one)
    assert text.index(str(two.stream_id)) < text.index(str(one.stream_id)) and '"order": ["run 2", "run 1"]' in text


def test_what_was_no_finite_number_is_never_the_best(cast: Cast, alice: Client) -> None:
    one, two = trained(cast, seed=7), trained(cast, seed=8)
    one.stream.append([Saying("metric", {"name": "accuracy", "value": None, "step": 9, "labels": {"split": "validation"}})])
    curves = part(said(alice, one, two, agg="best"), "curves").partition("<tbody>")[2]
    assert curves.count("0.900") == 2 and "–" not in curves


def test_seeds_of_two_recipes_are_not_one_mean(cast: Cast, alice: Client) -> None:
    runs = [trained(cast, seed=seed) for seed in (7, 8, 7, 8)]
    Run.objects.filter(pk__in=[run.pk for run in runs[2:]]).update(recipe="pruning.magnitude")
    assert said(alice, *runs).count('<td class="left">1, 2</td>') == 1
    assert said(alice, *runs).count('<td class="left">3, 4</td>') == 1


def test_curves_beyond_the_most_that_are_shown_are_counted(cast: Cast, alice: Client) -> None:
    one, two = trained(cast), trained(cast)
    labels = {"split": "validation"}
    one.stream.append([Saying("metric", {"name": "loss", "value": 0.5, "step": 1, "labels": {**labels, "block": block}})
                       for block in range(MOST_CURVES + 1)])
    assert "3 more curves are not shown" in part(said(alice, one, two), "curves")
    assert "not shown" not in part(said(alice, two, trained(cast)), "curves")


def test_a_noisy_timing_alone_is_not_called_unlike(cast: Cast, alice: Client) -> None:
    runs = trained(cast), trained(cast, seed=8)
    Measurement.objects.filter(run=runs[0], metric="latency_ms_p50").update(noisy=True)
    said = alice.get(address(*runs)).content.decode()
    assert "<b>Noisy timings.</b>" in said and "Not like with like" not in said
    assert "timings of 1 run were disturbed" in said


def test_bars_that_a_label_parts_stay_parted_within_their_run(cast: Cast, alice: Client) -> None:
    runs = [trained(cast, seed=seed) for seed in (7, 8)]
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(recipe="training.neuroflux")
    config = json.loads(part(said(alice, *runs), "page-config").partition(">")[2].partition("</script>")[0])
    (memory,) = [chart for chart in config["charts"] if chart["y"] == ["memory_mb"]]
    assert (memory["by"], memory["within"], memory["line_title"]) == ("run", "figure", "memory budget")


def test_bytes_sent_stand_beside_the_results_of_runs_that_say_them(cast: Cast, alice: Client) -> None:
    one, other = trained(cast), trained(cast, seed=8)
    assert "bytes sent" not in said(alice, one, other)
    one.summary = {"sent_bytes": 18_584, "memory_budget_bytes": 200_000_000, "measured_memory_bytes": 183_000_000}
    one.save()
    assert "memory budget" in said(alice, one, other) and "183,000,000 bytes" in said(alice, one, other)
    assert "18,584 bytes" in said(alice, one, other) and "bytes sent" in said(alice, one, other)


def test_seconds_are_told_in_seconds_and_an_exit_is_named_once(cast: Cast, alice: Client) -> None:
    runs = [cast.run(Status.FINISHED, recipe="training.neuroflux", params={"seed": seed}) for seed in (1, 2)]
    for run in runs:
        run.stream.append([
            Saying("metric", {"name": "accuracy_over_milliseconds", "value": 0.994, "step": 45_142, "labels": {}}),
            Saying("metric", {"name": "accuracy", "value": 0.5, "step": 3, "labels": {"exit": "exit 1", "split": "validation"}})])
    page = said(alice, *runs)
    assert "at 45.1 s" in page and "45142" not in page
    assert "exit 1, split validation" in page and "exit exit" not in page and "at 3<" in page


def test_each_column_and_each_page_of_one_experiment_names_its_recipe(cast: Cast, alice: Client) -> None:
    one, other = trained(cast), trained(cast)
    Run.objects.filter(pk=one.pk).update(recipe="training.neuroflux")
    Run.objects.filter(pk=other.pk).update(experiment=one.experiment)
    first, second = (f"run {run.number}</a> <small" for run in (one, other))
    page = said(alice, one, other)
    assert ">NeuroFlux</small>" in page.partition(first)[2][:60] and ">Backprop</small>" in page.partition(second)[2][:60]
    shown = alice.get(f"/runs/{other.pk}/").content.decode()
    assert "<small>· Backprop</small> <small>· epochs 3</small></h1>" in shown


def rehearsed(cast: Cast, residency: str, networks: tuple[str, ...] = ("dense", "lean")) -> Run:
    """A run that switched networks; `lean` is the same in all of them, in whatever field."""
    given, held = {"kind": "model", "name": "VGG"}, {"packed": 57_000_000, "disk": 51_000_000}
    inputs = {"model" if place == 0 else f"model_{place + 1}": given | {"variant": name} for place, name in enumerate(networks)}
    way = {"arrived": 100, "late": 2, "swaps": 2, "overhead_ms": [3.0, 41.0], "effective_accuracy": 0.93,
           "peak_bytes": 82_000_000, "empty_bytes": 45_000_000, "steady_bytes": held[residency]}
    ways = [{**way, "way": f"switching, {residency}"}, {**way, "way": "fixed: lean", "swaps": 0, "overhead_ms": []}]
    return cast.run(Status.FINISHED, recipe="portfolio.switching", params={"residency": residency}, inputs=inputs,
                    summary={"drive_ways": ways})


def test_one_set_of_networks_in_another_order_is_no_other_model(cast: Cast, alice: Client) -> None:
    text = said(alice, rehearsed(cast, "packed"), rehearsed(cast, "disk", ("lean", "dense")))
    assert "different models" not in text and "the same networks in all of them" in text


def test_of_sets_that_differ_the_networks_that_do_are_named(cast: Cast, alice: Client) -> None:
    text = said(alice, rehearsed(cast, "packed"), rehearsed(cast, "disk", ("dense", "tiny")))
    assert "hey began from different models: VGG · lean, VGG · tiny" in text and "of different networks" in text


def test_runs_that_switched_stand_beside_each_other_way_by_way(cast: Cast, alice: Client) -> None:
    text = said(alice, rehearsed(cast, "packed"), rehearsed(cast, "disk")).replace("\u00a0", " ").replace("&nbsp;", " ")
    rows = text.partition('id="ways-title"')[2].partition("</section>")[0]
    switching = rows.partition(">switching</th>")[2].partition("</tr>")[0]
    assert "57 MB" in switching and "51 MB" in switching and switching.count("22 ms, at worst 41 ms") == 2
    assert rows.count("fixed: lean") == 1 and "id=\"results-title\"" not in text


def test_what_differs_is_called_as_forms_call_it_and_nought_as_it_is_meant(cast: Cast, alice: Client) -> None:
    runs = rehearsed(cast, "packed"), rehearsed(cast, "disk", ("dense", "tiny"))
    for run, deadline_ms, baselines in zip(runs, (0.0, 50.0), ("none", "fixed"), strict=True):
        Run.objects.filter(pk=run.pk).update(params=run.params | {"deadline_ms": deadline_ms, "baselines": baselines})
    text = part(said(alice, *runs), "differences")
    for word, kind in (("network 2", "given"), ("compared with", "parameter"), ("deadline", "parameter")):
        assert f">{word} <small>{kind}" in text, word
    assert ">as fits the networks<" in text
    assert "model" not in text and "deadline ms" not in text and "baselines" not in text


def test_a_chart_whose_title_differs_says_once_what_is_the_same(cast: Cast, alice: Client) -> None:
    text = said(alice, rehearsed(cast, "packed"), rehearsed(cast, "disk"))
    assert "Memory to hold the set, packed or only what serves loaded (measured in fresh processes)</h2>" in text
    assert "Accuracy against latency</h2>" in text


def test_runs_whose_switching_was_disturbed_are_counted(cast: Cast, alice: Client) -> None:
    runs = rehearsed(cast, "packed"), rehearsed(cast, "disk")
    assert "Noisy timings" not in said(alice, *runs)
    for count, run in enumerate(runs, 1):
        Run.objects.filter(pk=run.pk).update(summary=run.summary | {"drive_noisy": True})
        assert f"timings of {count} run" in said(alice, *runs)


def test_boards_of_which_each_takes_part_by_itself_are_no_parts(cast: Cast, alice: Client) -> None:
    boards = [{f"part {place}": {"kind": "device", "name": name} for place, name in enumerate(names, 2)}
              for names in (("pi4", "pi5"), ("pi4", "nano"))]
    runs = [cast.run(Status.FINISHED, recipe="federated.fedavg", inputs=each) for each in boards]
    text = part(said(alice, *runs), "differences")
    assert ">boards <small>given" in text and "<td>pi4, pi5</td><td>pi4, nano</td>" in text and "part 2" not in text


def test_a_curve_is_called_by_its_chart(cast: Cast, alice: Client) -> None:
    runs = rehearsed(cast, "packed"), rehearsed(cast, "disk")
    for run in runs:
        run.stream.append([Saying("metric", {"name": "drive_p95_ms", "value": 3.5, "step": 4,
                                             "labels": {"way": "switching", "place": -1}})])
    text = part(said(alice, *runs), "curves")
    assert ">From arrival to answer, p95 of each second (measured) <small>way switching</small>" in text and "drive" not in text


def test_the_file_of_a_comparison_has_the_ways(cast: Cast, alice: Client) -> None:
    runs = rehearsed(cast, "packed"), rehearsed(cast, "disk")
    answer = alice.get(address(*runs).replace("/?", "/table.csv?"))
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "way,switching: held_bytes,57000000,51000000" in text
