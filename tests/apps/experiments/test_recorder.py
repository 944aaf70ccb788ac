"""What a run says becomes rows: variants with lineage, measurements, files; nothing outside its folder is ever read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.conf import settings

from apps.catalog import blobs
from apps.catalog.models import Blob, RegisteredModel, Variant
from apps.experiments import leases, recorder
from apps.experiments.models import Measurement, Run, RunFile, RunVariant, Status
from tests.apps.cast import Cast
from worker.events import Cancelled, Event, Facts, Failed, FileMade, Finished, Measured, Metric, Progress, Started, VariantMade

FACTS = Facts(size_bytes=4, params=1, macs=2, activation_bytes=3)


@pytest.fixture
def run(cast: Cast) -> Run:
    given = Blob.objects.create(sha256="0" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    root = Variant.objects.create(team=cast.team, model=model, name="root", file=given, **FACTS.model_dump())
    cast.run(inputs={"model": {"kind": "model", "id": str(root.pk), "name": "net", "sha256": given.pk}})
    claimed = leases.claim(["cpu"], "w1")
    assert claimed
    recorder.folder(claimed).mkdir(parents=True)
    return claimed


def made(run: Run, name: str, text: str = "bits", parent: str | None = None) -> VariantMade:
    (recorder.folder(run) / f"{name}.safetensors").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return VariantMade(name=name, file=f"{name}.safetensors", sha256=digest, parent=parent, facts=FACTS)


def test_a_variant_becomes_a_row_with_lineage_and_its_own_bytes(run: Run) -> None:
    recorder.record(run, [made(run, "dense"), made(run, "narrow", "fewer", parent="dense")])
    narrow = RunVariant.objects.get(run=run, name="narrow").variant
    assert narrow.parent == RunVariant.objects.get(run=run, name="dense").variant
    assert narrow.parent.parent.name == "root"
    assert blobs.path(narrow.file_id).read_text() == "fewer"
    assert (narrow.made_by, narrow.params) == (run.pk, 1)


def test_a_measurement_finds_its_variant_whichever_came_first(run: Run) -> None:
    early = Measured(variant="narrow", metric="latency_ms_p50", value=2.0, unit="ms", engine="onnxruntime")
    late = Measured(variant="narrow", metric="accuracy", value=0.9, unit="", n=360)
    recorder.record(run, [early, made(run, "narrow"), late])
    assert {number.variant.name for number in Measurement.objects.all() if number.variant} == {f"narrow of run {run.number}"}
    assert Measurement.objects.filter(variant=None).count() == 0


def test_what_a_run_was_given_and_measured_is_no_new_variant(run: Run) -> None:
    root = Variant.objects.get()
    early, late = (Measured(variant="net", metric=metric, value=2.0, unit="ms") for metric in ("params", "latency_ms_p50"))
    told = VariantMade(name="net", file="net.safetensors", sha256="1" * 64, onnx="net.onnx", facts=FACTS, given=True)
    recorder.record(run, [early, told, late])
    assert Variant.objects.get() == root and RunVariant.objects.get(run=run, name="net").variant == root
    assert set(Measurement.objects.values_list("variant", flat=True)) == {root.pk}


def test_the_numbers_of_a_given_network_that_was_deleted_meanwhile_are_kept(run: Run) -> None:
    Variant.objects.all().delete()
    told = VariantMade(name="net", file="net.safetensors", sha256="1" * 64, facts=FACTS, given=True)
    recorder.record(run, [told, Measured(variant="net", metric="latency_ms_p50", value=2.0, unit="ms")])
    assert Measurement.objects.get().variant is None and not Variant.objects.exists()


@pytest.mark.parametrize("path", ["../secret_key", "/etc/passwd", "a/../../secret_key", "missing.bin", "."])
def test_a_file_outside_the_run_is_never_read(run: Run, path: str) -> None:
    with pytest.raises(ValueError, match="is not a file of this run's folder"):
        recorder.record(run, [FileMade(path=path, name="x")])
    assert not RunFile.objects.exists()


def test_a_link_that_leads_out_is_not_followed(run: Run) -> None:
    (recorder.folder(run) / "link").symlink_to(Path(settings.VAR) / "secret_key")
    with pytest.raises(ValueError, match="is not a file"):
        recorder.record(run, [FileMade(path="link", name="x")])


def test_a_value_that_is_no_number_is_kept_as_a_gap(run: Run) -> None:
    recorder.record(run, [Metric(name="loss", value=float("nan"), step=1)])
    assert run.stream.events.get(type="metric").body["value"] is None


def test_progress_moves_the_row(run: Run) -> None:
    recorder.record(run, [Progress(done=3, total=10, stage="epoch")])
    run.refresh_from_db()
    assert (run.done, run.total, run.stage) == (3, 10, "epoch")


@pytest.mark.parametrize(("last", "status"), [
    (Finished(seconds=1, summary={"verdict": "smaller"}), Status.FINISHED),
    (Failed(reason="It broke."), Status.FAILED),
    (Cancelled(), Status.CANCELLED),
])
def test_the_last_event_ends_the_run_once(run: Run, last: Event, status: Status) -> None:
    recorder.record(run, [last])
    row = Run.objects.get(pk=run.pk)
    assert row.status == status and row.finished_at and row.lease_until is None
    with pytest.raises(leases.Fenced):
        recorder.record(run, [Metric(name="loss", value=1, step=9)])


def test_a_file_that_is_not_the_one_described_is_refused(run: Run) -> None:
    wrong = made(run, "dense").model_copy(update={"sha256": "0" * 64})
    with pytest.raises(ValueError, match="SHA-256 differs"):
        recorder.record(run, [wrong])
    assert not RunVariant.objects.exists()


def test_a_new_attempt_counts_its_stages_anew(run: Run) -> None:
    recorder.record(run, [Progress(done=3, total=10, stage="epoch"), Progress(done=5, total=10, stage="epoch")])
    assert Run.objects.get(pk=run.pk).stages["epoch"]["began"] == 0.3
    recorder.record(run, [Started(recipe="training.backprop", attempt=2), Progress(done=7, total=10, stage="epoch", part=0.6)])
    assert Run.objects.get(pk=run.pk).stages["epoch"]["began"] == 0.6


def test_a_batch_that_cannot_be_kept_leaves_nothing_of_itself(run: Run) -> None:
    before = run.stream.events.count()
    with pytest.raises(ValueError):
        recorder.record(run, [Metric(name="loss", value=1, step=1), FileMade(path="missing", name="x")])
    assert run.stream.events.count() == before


def test_a_disturbed_timing_is_marked_in_its_row_and_other_events_are_as_they_were(run: Run) -> None:
    calm, noisy = (Measured(variant="net", metric="latency_ms_p50", value=2.0, unit="ms", engine=engine, noisy=engine == "torch")
                   for engine in ("onnxruntime", "torch"))
    recorder.record(run, [calm, noisy])
    assert dict(Measurement.objects.values_list("engine", "noisy")) == {"onnxruntime": False, "torch": True}
    assert [event.body.get("noisy") for event in run.stream.events.filter(type="measured").order_by("seq")] == [None, True]
