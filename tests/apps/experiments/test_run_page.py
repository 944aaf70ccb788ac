"""The page of a run answers at first sight: is it alive, how far, when done, what came out."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Scope
from apps.catalog import blobs
from apps.catalog.models import Blob, RegisteredModel, Variant
from apps.experiments import actions
from apps.experiments.models import Measurement, Run, RunFile, RunVariant, Status
from apps.live.models import Saying
from tests.apps.cast import Cast
from tests.apps.experiments.network import network


def page(client: Client, run: Run, part: str = "") -> str:
    answer = client.get(f"/runs/{run.pk}/{part}")
    assert answer.status_code == 200
    return answer.content.decode()


def measured(run: Run, variant: str, metric: str, value: float) -> None:
    Measurement.objects.create(team=run.team, run=run, variant_name=variant, metric=metric, value=value, unit="",
                               origin="measured", split="test")


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def test_a_queued_run_says_who_holds_the_slot_and_how_many_stand_before_it(cast: Cast, alice: Client) -> None:
    cast.run(Status.RUNNING, started_at=timezone.now())
    cast.run(Status.QUEUED, queued_at=timezone.now() - timedelta(minutes=1))
    waiting = cast.run(Status.QUEUED)
    assert "the cpu queue is busy with run 1; 1 stands before yours" in page(alice, waiting)


def stage(began: float, done: float, minutes: float, total: float = 10) -> dict[str, Any]:
    """A stage as the recorder keeps it: how long it goes on, up to its newest word five minutes ago."""
    newest = timezone.now() - timedelta(minutes=5)
    return {"since": (newest - timedelta(minutes=minutes)).isoformat(), "began": began / total, "at": newest.isoformat(),
            "done": done, "total": total, "part": done / total}


def test_a_running_one_says_how_far_it_is_and_when_it_will_be_done(cast: Cast, alice: Client) -> None:
    now = timezone.now()
    run = cast.run(Status.RUNNING, started_at=now - timedelta(days=1), heartbeat=now, attempt=1,
                   stages={"epoch": stage(1, 4, minutes=3)})
    said = page(alice, run)
    assert "epoch 4 of 10 · 40 %" in said and "done in 5 to 7 min" in said and "<progress" in said


def test_a_stage_in_between_does_not_move_the_bar(cast: Cast, alice: Client) -> None:
    stages = {"epoch": stage(1, 2, minutes=2), "validation images": stage(0, 9, minutes=0.1)}
    run = cast.run(Status.RUNNING, attempt=1, heartbeat=timezone.now(), stage="validation images", done=9, total=10,
                   stages=stages)
    assert "epoch 2 of 10 · 20 %" in page(alice, run)
    listed = alice.get("/experiments/").content.decode()
    assert 'value="0.2" max="1"' in listed


def test_a_validation_before_the_first_epoch_is_told_but_moves_no_bar(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.RUNNING, attempt=1, heartbeat=timezone.now(), stage="validation images", done=64, total=180,
                   params={"epochs": 3}, stages={"validation images": stage(0, 64, minutes=0.1, total=180)})
    said = page(alice, run)
    assert 'value="0.0000"' in said and "validation images" in said and "36 %" not in said


def test_the_slot_of_this_host_is_one_whichever_queue_a_run_waits_on(cast: Cast, alice: Client, settings: Any) -> None:
    settings.WORK_QUEUES = ["cpu", "bench.here"]
    cast.run(Status.RUNNING, started_at=timezone.now())
    waiting = cast.run(Status.QUEUED, queue="bench.here", queued_at=timezone.now() - timedelta(minutes=1))
    assert "the slot of this computer that measures is busy with run 1; yours is next" in page(alice, waiting)


def test_a_silent_worker_is_told_apart_from_a_failure(cast: Cast, alice: Client) -> None:
    now = timezone.now()
    run = cast.run(Status.RUNNING, heartbeat=now - timedelta(seconds=40), lease_until=now + timedelta(seconds=20))
    said = page(alice, run, "head/")
    assert re.search("orker silent for (4|5)[0-9] s; will be taken over at 60 s; nothing is lost", said), said


def test_charts_of_a_failed_run_wait_for_something_to_draw(cast: Cast, alice: Client) -> None:
    charts = {status: re.findall(r"<section class=\"card chart\"[^>]*>", page(alice, cast.run(status)))
              for status in (Status.FAILED, Status.FINISHED)}
    assert charts[Status.FAILED] and all(" hidden>" in each for each in charts[Status.FAILED])
    assert charts[Status.FINISHED] and not any(" hidden>" in each for each in charts[Status.FINISHED])


def test_a_failed_one_says_why_folds_the_trace_and_offers_another_try(cast: Cast, alice: Client) -> None:
    said = page(alice, cast.run(Status.FAILED, reason="The disk is full.", trace="Traceback <b>"))
    assert "The disk is full." in said and "Traceback &lt;b&gt;" in said and "Retry" in said
    assert "python -m worker run training.backprop" in said


def test_a_cancelled_one_offers_to_resume(cast: Cast, alice: Client) -> None:
    said = page(alice, cast.run(Status.CANCELLED, cancelled_by=cast.ruth, started_at=timezone.now()))
    assert "Resume goes on from its last checkpoint" in said and "begins anew" in said and "Cancelled by Ruth" in said


def test_one_cancelled_while_it_waited_had_not_begun(cast: Cast, alice: Client) -> None:
    said = page(alice, cast.run(Status.CANCELLED, cancelled_by=cast.ruth, finished_at=timezone.now()))
    assert "It had not begun" in said and "Start it again</button>" in said
    assert "checkpoints" not in said and "took" not in said and "It never began" in said


def test_a_resumed_one_counts_from_start_to_end(cast: Cast, alice: Client) -> None:
    now = timezone.now()
    said = page(alice, cast.run(Status.FINISHED, attempt=2, started_at=now - timedelta(hours=5), finished_at=now), "head/")
    assert "5\u00a0h 0\u00a0min" in said and "from start to end" in said and "took" not in said


def test_an_editor_renames_the_experiment(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED)
    assert alice.post(f"/runs/{run.pk}/rename/", {"name": "  Sunday's best "}).status_code == 302
    assert "<h1>Sunday&#x27;s best</h1>" in page(alice, run)


@pytest.mark.parametrize(("name", "said"), [("", "is needed"), ("x" * 201, "at most 200 characters; got 201"), ("a\x00", "Null")])
def test_a_name_that_cannot_be_is_refused_at_its_field(cast: Cast, alice: Client, name: str, said: str) -> None:
    run = cast.run(Status.FINISHED)
    assert said in alice.post(f"/runs/{run.pk}/rename/", {"name": name}).content.decode()
    assert "<h1>try 1</h1>" in page(alice, run)


def test_a_fragment_brings_the_count_of_what_runs(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED)
    answer = alice.get(f"/runs/{run.pk}/head/", headers={"HX-Request": "true"}).content.decode()
    assert '<span class="count" id="live-count" hx-swap-oob="true"></span>' in answer


def test_the_environment_is_worded_by_the_state(cast: Cast, alice: Client) -> None:
    assert "Known as soon as" in page(alice, cast.run(Status.QUEUED), "environment/")
    over = cast.run(Status.FAILED, started_at=timezone.now())
    assert "Known as soon as" not in page(alice, over) and "will stand here" not in page(alice, over)


def test_variants_say_on_what_they_were_judged(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.RUNNING, heartbeat=timezone.now())
    measured(run, "small", "params", 9)
    labels = {"variant": "small", "split": "validation"}
    run.stream.append([Saying("metric", {"name": "accuracy", "value": 0.5, "step": 1, "labels": labels})])
    assert "validation, after 1 epoch<" in page(alice, run, "variants/")


def test_every_engine_shows_its_quantiles_and_nothing_is_compared_with_a_dense_network_that_is_not_there(
    cast: Cast, alice: Client,
) -> None:
    run = cast.run(Status.FINISHED, recipe="benchmarking.latency")
    for engine, value in (("torch", 4.0), ("onnxruntime", 2.0)):
        for quantile in ("p50", "p95", "p99"):
            Measurement.objects.create(team=run.team, run=run, variant_name="net", metric=f"latency_ms_{quantile}", unit="ms",
                                       value=value + int(quantile[1:]) / 1000, engine=engine, origin="measured")
    said = page(alice, run)
    assert "Latency by engine" in said and "4.10 ms" in said and "2.10 ms" in said and "dense network" not in said


def test_the_model_it_was_given_is_a_link(cast: Cast, alice: Client) -> None:
    blob = Blob.objects.create(sha256="5" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, size_bytes=1, params=1, macs=1,
                                     activation_bytes=1)
    given = {"model": {"kind": "model", "id": str(variant.pk), "name": "net", "variant": "root"}}
    said = page(alice, cast.run(Status.FINISHED, inputs=given, params={"model": str(variant.pk), "epochs": 1}))
    assert f'href="/models/{model.pk}/">net · root</a>' in said
    assert f'href="/models/variants/{variant.pk}/file.safetensors" download>net-root.safetensors</a>' in said
    assert ".venv/bin/python -m worker run training.backprop --model net-root.safetensors" in said and "--out run-1" in said


def test_a_quantised_model_is_given_to_a_terminal_as_the_file_that_there_is(cast: Cast, alice: Client) -> None:
    blob = Blob.objects.create(sha256="5" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="int8", file=blob, onnx=blob, size_bytes=1, params=1,
                                     macs=1, activation_bytes=1, precision="int8")
    given = {"model": {"kind": "model", "id": str(variant.pk), "name": "net", "variant": "int8"}}
    said = page(alice, cast.run(Status.FINISHED, inputs=given, params={"model": str(variant.pk)}))
    assert f'href="/models/variants/{variant.pk}/file.onnx" download>net-int8.onnx</a>' in said
    assert "--model net-int8.onnx" in said and "net-int8.safetensors" not in said


def test_the_verdict_stands_from_the_first_measurements_on(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.RUNNING, heartbeat=timezone.now())
    for name, params, accuracy in (("dense", 1000, 0.9), ("small", 100, 0.895)):
        for metric, value in (("params", params), ("accuracy", accuracy)):
            measured(run, name, metric, value)
    assert "10.0× smaller, 0.5 points less accurate" in page(alice, run)


def test_training_speaks_for_a_variant_until_it_is_measured(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.RUNNING, heartbeat=timezone.now())
    measured(run, "small", "params", 9)
    for step, value in enumerate((0.5, 0.731)):
        labels = {"variant": "small", "split": "validation"}
        run.stream.append([Saying("metric", {"name": "accuracy", "value": value, "step": step, "labels": labels})])
    assert "73.1\u00a0%" in page(alice, run, "variants/")


def test_the_table_sorts_by_any_column_and_by_none_that_it_does_not_have(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED)
    for name, value in (("a", 3), ("b", 1)):
        measured(run, name, "params", value)
    said = page(alice, run, "variants/?sort=parameters")
    assert said.index(">b<") < said.index(">a<")
    assert page(alice, run, "variants/?sort=nonsense&down=x")


def test_a_viewer_sees_no_buttons(cast: Cast, client: Client) -> None:
    client.force_login(cast.victor)
    said = page(client, cast.run(Status.RUNNING, heartbeat=timezone.now()))
    assert "Cancel" not in said and "Repeat" not in said


def test_a_recipe_that_left_the_menu_still_has_its_runs(cast: Cast, alice: Client) -> None:
    assert "gone.recipe" in page(alice, cast.run(Status.FINISHED, recipe="gone.recipe"))


def test_a_file_is_an_attachment_that_no_browser_shows(cast: Cast, alice: Client, settings: Any, tmp_path: Any) -> None:
    settings.BLOBS = tmp_path
    (tmp_path / "file").write_bytes(b"html")
    blob = blobs.keep(tmp_path / "file")
    run = cast.run(Status.FINISHED)
    file = RunFile.objects.create(run=run, path="a.html", name="a.html", media_type="text/html", blob=blob)
    answer = alice.get(f"/runs/{run.pk}/files/{file.pk}/")
    assert b"".join(answer.streaming_content) == b"html"  # type: ignore[attr-defined]
    assert answer["Content-Disposition"].startswith("attachment") and answer["X-Content-Type-Options"] == "nosniff"
    assert alice.get(f"/runs/{run.pk}/files/{10**30}/").status_code == 404


@pytest.mark.parametrize(("path", "kind"), [
    ("first.onnx", "network, ONNX"), ("dpu-round-1.change", "change of a network, for its boards"),
    ("batch.npz", "arrays, NumPy"),
    ("what.else", "application/octet-stream")])
def test_a_file_says_what_it_is(cast: Cast, alice: Client, path: str, kind: str) -> None:
    run, blob = cast.run(Status.FINISHED), Blob.objects.create(sha256="6" * 64, size_bytes=1)
    RunFile.objects.create(run=run, path=path, name="what round 1 sends", blob=blob)
    assert f">{kind}</td>" in page(alice, run)


def made(run: Run, name: str, precision: str, size: int) -> Variant:
    blob, _ = Blob.objects.get_or_create(sha256="5" * 64, size_bytes=1)
    model, _ = RegisteredModel.objects.get_or_create(team=run.team, name="net", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=run.team, model=model, name=name, file=blob, onnx=blob, size_bytes=size, params=1000,
                                     macs=1, activation_bytes=1, precision=precision, made_by=run.pk)
    RunVariant.objects.create(run=run, variant=variant, name=name)
    return variant


def test_a_network_in_fewer_bits_says_so_is_compared_with_fp32_and_offers_only_the_file_it_has(cast: Cast, alice: Client) -> None:
    run = cast.run(Status.FINISHED, recipe="quantisation.int8")
    full, small = made(run, "fp32", "fp32", 4000), made(run, "small", "int8", 1000)
    said = page(alice, run, "variants/")
    assert "against the fp32 network" in said and '<span class="tag">int8</span>' in said and ">4.0×<" in said
    for variant, offered in ((full, 2), (small, 0)):
        assert said.count(f"/models/variants/{variant.pk}/file.safetensors") == offered
        assert said.count(f"/models/variants/{variant.pk}/file.onnx") == 2


def test_the_line_for_the_api_starts_the_same_run(cast: Cast, alice: Client) -> None:
    values = {**network(cast), "sparsity": 0.5, "epochs": 1, "start": "initialisation"}
    first = actions.launch(cast.alice, cast.team, "pruning.magnitude", values)
    line = unescape(page(alice, first).partition('id="curl">')[2].partition("</code>")[0])
    _, _, method, address, *rest = shlex.split(line)
    asked = {"headers": {"Authorization": f"Bearer {cast.token(Scope.WRITE)}"}, "content_type": "application/json"}
    assert method == "POST" and address.endswith("/api/experiments") and "Authorization: Bearer $EDGEPORTAL_TOKEN" in rest
    answer = Client().post(urlsplit(address).path, rest[rest.index("-d") + 1], **asked)
    assert answer.status_code == 201, answer.content
    again = Run.objects.exclude(pk=first.pk).get()
    assert (again.recipe, again.params, again.inputs) == (first.recipe, first.params, first.inputs)


def test_runs_of_a_model_are_found_in_as_many_queries_however_many_variants_it_has(
    cast: Cast, alice: Client, django_assert_max_num_queries: Any,
) -> None:
    run = cast.run(Status.FINISHED)
    variant = made(run, "one", "fp32", 1)
    given = cast.run(Status.FINISHED, inputs={"model": {"kind": "model", "id": str(variant.pk)}})
    cast.run(Status.FINISHED, inputs={"model": {"kind": "model", "id": str(cast.team.pk)}})
    with django_assert_max_num_queries(12):
        said = alice.get(f"/experiments/of-model/{variant.model_id}/").content.decode()
    assert said.count("<tr data-row") == 2 and f"/runs/{run.pk}/" in said and f"/runs/{given.pk}/" in said


def test_a_benchmark_of_a_runs_variant_names_the_variant(cast: Cast, client: Client) -> None:
    given = {"model": {"kind": "model", "id": "", "name": "VGG-11", "variant": "int8 of run 4"}}
    run = cast.run(Status.FINISHED, recipe="benchmarking.latency", inputs=given)
    Measurement.objects.create(run=run, team=run.team, variant_name="VGG-11", metric="latency_ms_p50", value=2.0, unit="ms",
                               origin="measured", engine="onnxruntime", noisy=True)
    client.force_login(cast.alice)
    said = client.get(f"/runs/{run.pk}/variants/").content.decode()
    assert "VGG-11 · int8 of run 4" in said
    assert said.count("noisy timing") == 2  # in the table of variants, and by engine
