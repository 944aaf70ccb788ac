"""The page of a run answers at first sight: is it alive, how far, when done, what came out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.catalog.models import Blob
from apps.experiments.models import Measurement, Run, RunFile, Status
from apps.live.models import Saying
from tests.apps.cast import Cast


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


def test_the_slot_of_this_host_is_one_whichever_queue_a_run_waits_on(cast: Cast, alice: Client, settings: Any) -> None:
    settings.WORK_QUEUES = ["cpu", "bench.here"]
    cast.run(Status.RUNNING, started_at=timezone.now())
    waiting = cast.run(Status.QUEUED, queue="bench.here", queued_at=timezone.now() - timedelta(minutes=1))
    assert "the bench slot is busy with run 1; yours is next" in page(alice, waiting)


def test_a_silent_worker_is_told_apart_from_a_failure(cast: Cast, alice: Client) -> None:
    now = timezone.now()
    run = cast.run(Status.RUNNING, heartbeat=now - timedelta(seconds=40), lease_until=now + timedelta(seconds=20))
    assert "orker silent for 40 s; will be taken over at 60 s; nothing is lost" in page(alice, run, "head/")


def test_a_failed_one_says_why_folds_the_trace_and_offers_another_try(cast: Cast, alice: Client) -> None:
    said = page(alice, cast.run(Status.FAILED, reason="The disk is full.", trace="Traceback <b>"))
    assert "The disk is full." in said and "Traceback &lt;b&gt;" in said and "Retry" in said
    assert "python -m worker run training.backprop" in said


def test_a_cancelled_one_offers_to_resume(cast: Cast, alice: Client) -> None:
    said = page(alice, cast.run(Status.CANCELLED, cancelled_by=cast.ruth))
    assert "Resume" in said and "Cancelled by Ruth" in said


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
    blob = Blob.objects.create(sha256="4" * 64, size_bytes=4)
    (tmp_path / "44" / "44").mkdir(parents=True)
    (tmp_path / "44" / "44" / ("4" * 64)).write_bytes(b"html")
    run = cast.run(Status.FINISHED)
    file = RunFile.objects.create(run=run, path="a.html", name="a.html", media_type="text/html", blob=blob)
    answer = alice.get(f"/runs/{run.pk}/files/{file.pk}/")
    assert b"".join(answer.streaming_content) == b"html"  # type: ignore[attr-defined]
    assert answer["Content-Disposition"].startswith("attachment") and answer["X-Content-Type-Options"] == "nosniff"
    assert alice.get(f"/runs/{run.pk}/files/{10**30}/").status_code == 404
