"""Every table leaves as CSV with the numbers of its page, and nothing in it is a formula."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from apps.catalog import blobs
from apps.experiments import actions
from apps.experiments.models import Experiment, Measurement, Run, RunFile, Status
from apps.live.models import Saying
from tests.apps.cast import Cast
from tests.apps.experiments.network import network


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def table(client: Client, address: str) -> list[dict[str, str]]:
    answer: Any = client.get(address)
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_metrics_have_a_column_for_each_label(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED)
    labels = {"split": "test", "variant": "=1+1"}
    run.stream.append([Saying("metric", {"name": "accuracy", "value": 0.5, "step": 1, "labels": labels}),
                       Saying("metric", {"name": "loss", "value": None, "step": 2, "labels": {}}),
                       Saying("log", {"message": "x"})])
    said = table(alice, f"/runs/{run.pk}/metrics.csv")
    assert [(row["name"], row["step"], row["value"], row["split"], row["variant"]) for row in said] == [
        ("accuracy", "1", "0.5", "test", "'=1+1"), ("loss", "2", "", "", "")]


def test_the_log_leaves_with_its_levels(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED)
    run.stream.append([Saying("log", {"level": "info", "message": "@SUM(A1), \"so\"\nnext"})])
    assert table(alice, f"/runs/{run.pk}/log.csv")[0]["message"] == "'@SUM(A1), \"so\"\nnext"


def test_variants_and_measurements_leave_with_what_they_depend_on(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED)
    Measurement.objects.create(run=run, team=run.team, variant_name="-small", metric="accuracy", value=-0.5, unit="",
                               split="test", dataset="digits", origin="measured")
    said = table(alice, f"/runs/{run.pk}/variants.csv")[0]
    assert (said["name"], said["accuracy"], said["accuracy_data"]) == ("'-small", "-0.5", "digits")
    assert table(alice, f"/runs/{run.pk}/measurements.csv")[0]["dataset"] == "digits"


def test_an_experiment_leaves_as_its_table_and_as_its_runs(cast: Cast, alice: Client) -> None:
    experiment = actions.launch_sweep(cast.alice, cast.team, "pruning.magnitude", network(cast), {"sparsity": [0.5, 0.75]}, 2)
    for run in experiment.runs.all():
        Measurement.objects.create(run=run, team=run.team, variant_name="pruned", metric="accuracy", unit="", split="test",
                                   value=run.params["seed"] / 10, origin="measured")
    said = table(alice, f"/experiments/{experiment.pk}/table.csv")
    assert [(row["sparsity"], row["n"], row["accuracy_mean"]) for row in said] == [("0.5", "2", "0.75"), ("0.75", "2", "0.75")]
    assert [row["seed"] for row in table(alice, f"/experiments/{experiment.pk}/runs.csv")] == ["8", "7", "8", "7"]


def test_the_list_leaves_with_its_filters(cast: Cast, alice: Client) -> None:
    cast.run(Status.FAILED, reason="=broke")
    cast.run(Status.FINISHED)
    said = table(alice, "/experiments/all.csv?status=failed")
    assert [(row["run"], row["reason"]) for row in said] == [("1", "'=broke")]


def test_a_comparison_leaves_with_a_column_for_each_run(cast: Cast, alice: Client) -> None:
    one, two = cast.run(Status.FINISHED, params={"epochs": 1}), cast.run(Status.FINISHED, params={"epochs": 2})
    said = table(alice, f"/compare/table.csv?run={one.pk}&run={two.pk}")
    assert {"what": "parameter", "name": "epochs", "run 1": "1", "run 2": "2"} in said
    assert alice.get(f"/compare/table.csv?run={one.pk}").status_code == 404


def test_a_long_run_is_read_piece_by_piece(cast: Cast, alice: Client, django_assert_max_num_queries: Any) -> None:
    from apps.live.models import Event

    run = cast.run(Status.FINISHED)
    Event.objects.bulk_create(Event(stream=run.stream, seq=seq, type="metric", body={"name": "loss", "value": seq, "step": seq})
                              for seq in range(1, 5001))
    with django_assert_max_num_queries(12):
        assert len(table(alice, f"/runs/{run.pk}/metrics.csv")) == 5000


def test_an_empty_table_is_its_head(cast: Cast, alice: Client) -> None:
    Experiment.objects.all().delete()
    assert Run.objects.count() == 0 and table(alice, "/experiments/all.csv?q=nothing") == []


@pytest.mark.parametrize(("path", "name", "called"), [
    ("1.change", "what round 1 sends", "what round 1 sends.change"), ("exit.onnx", "exit.onnx", "exit.onnx"),
    ("log", "log", "log"),
])
def test_a_file_of_a_run_is_downloaded_with_the_extension_of_its_kind(
    cast: Cast, alice: Client, tmp_path: Any, settings: Any, path: str, name: str, called: str,
) -> None:
    settings.BLOBS = tmp_path / "blobs"
    (tmp_path / "file").write_bytes(b"what changed")
    run = cast.run(Status.FINISHED)
    file = RunFile.objects.create(run=run, path=path, name=name, blob=blobs.keep(tmp_path / "file"))
    answer = alice.get(f"/runs/{run.pk}/files/{file.pk}/")
    assert f'filename="{called}"' in answer["Content-Disposition"]
