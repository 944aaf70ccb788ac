"""What a run has left so far, read from its rows for its page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import Dataset, Precision, Variant
from apps.experiments import apart, board_waiting, leases
from apps.experiments.models import HELD, Measurement, Run, RunVariant, Status
from apps.experiments.progress import main_stage
from apps.experiments.reading import REFERENCES, Result, reference, waiting
from apps.experiments.reading import best as best_of
from apps.live.models import Event
from worker import menu
from worker.evidence import FILE
from worker.recipe import Recipe

ENDINGS = {"recordings": ".zip"}
LATENCY, ACCURACY = "latency_ms_p50", "accuracy"
QUANTILES = ("p50", "p95", "p99")
ENGINE = "onnxruntime"
# A run measures these before it hands over the file that makes a variant a row.
FACTS = ("params", "macs", "size_bytes", "activation_bytes")


class Trained(NamedTuple):
    """What training said of a variant last: its accuracy, and after which epoch."""

    accuracy: float
    epoch: int | None


def listed(runs: QuerySet[Run]) -> list[Run]:
    """Runs for a table: their experiment joined, their recipe's title and what tells them apart beside it, no query in a loop."""
    rows = list(runs.select_related("experiment", "experiment__created_by").defer("trace", "environment"))
    told = apart.of_runs(rows)
    for run in rows:
        run.title, run.apart = title_of(run), told[run.pk]  # type: ignore[attr-defined]
        run.bar = main_stage(run) if run.status in HELD else None  # type: ignore[attr-defined]
    return rows


def recipe_of(run: Run) -> Recipe | None:
    """The recipe of a run; None when it has left the menu since."""
    return menu.find(run.recipe)


def title_of(run: Run) -> str:
    found = recipe_of(run)
    return found.title if found else run.recipe


def of_levels(run: Run) -> bool:
    """Whether each of its variants is made of the one before it."""
    found = recipe_of(run)
    return found is not None and found.kind == "portfolio" and bool(found.makes)


def best(run: Run, rows: Sequence[Result]) -> Result | None:
    """The variant that stands for the run; nothing while there is none beside the network it is compared with."""
    dense = reference(rows)
    return best_of(rows, dense, levels=of_levels(run)) if dense else None


def results(run: Run) -> list[Result]:
    """One row a variant, in the order they were made, the network they are compared with first."""
    return results_of([run])[run.pk]


def results_of(runs: Sequence[Run], *, trained: bool = True) -> dict[UUID, list[Result]]:
    """The same of many runs, in a fixed number of queries; `trained` lets training speak for what is not measured yet."""
    made: dict[UUID, dict[str, Variant]] = {run.pk: {} for run in runs}
    said: dict[UUID, dict[str, list[Measurement]]] = {run.pk: {} for run in runs}
    for each in RunVariant.objects.filter(run__in=made).select_related("variant").order_by("pk"):
        made[each.run_id][each.name] = each.variant
    for measurement in Measurement.objects.filter(run__in=made, metric__in=[LATENCY, ACCURACY, *FACTS]):
        said[measurement.run_id].setdefault(measurement.variant_name, []).append(measurement)
    names = {run.pk: sorted({**made[run.pk], **said[run.pk]}, key=lambda name: name not in REFERENCES) for run in runs}
    lacking = [run for run in runs if trained and any(not _of(said[run.pk].get(name, []), ACCURACY) for name in names[run.pk])]
    validated = _newest_accuracy(lacking) if lacking else {}
    counts = _validation_n(lacking) if validated else {}
    return {run.pk: [_row(name, made[run.pk].get(name), said[run.pk].get(name, []), validated.get((run.stream_id, name)),
                          counts.get(run.pk)) for name in names[run.pk]] for run in runs}


def _row(name: str, variant: Variant | None, said: list[Measurement], validated: Trained | None, n: int | None) -> Result:
    facts: dict[str, Any] = {each.metric: int(each.value) for each in said
                             if each.metric in FACTS and each.value is not None}
    if variant:
        facts = {field: getattr(variant, field) for field in FACTS}
        facts |= {"variant_id": str(variant.pk), "model_id": str(variant.model_id), "has_onnx": bool(variant.onnx_id),
                  "precision": variant.precision}
    return Result(name=name, **facts, **_latency(said), **_accuracy(said, validated, n))


def _latency(said: list[Measurement]) -> dict[str, Any]:
    found = _of(said, LATENCY)
    if not found:
        return {}
    chosen = max(found, key=lambda each: (each.engine.startswith(ENGINE), each.pk is not None and each.created))
    by = " · ".join(part for part in (chosen.engine, chosen.device) if part)
    return {"latency_ms": chosen.value, "latency_low": chosen.low, "latency_high": chosen.high, "latency_by": by,
            "origin": chosen.origin, "latency_engine": chosen.engine, "latency_device": chosen.device,
            "latency_threads": chosen.threads, "latency_batch": chosen.batch, "latency_noisy": chosen.noisy}


def _accuracy(said: list[Measurement], validated: Trained | None, n: int | None) -> dict[str, Any]:
    found = _of(said, ACCURACY)
    if found:
        chosen = max(found, key=lambda each: (each.split == "test", each.created))
        return {"accuracy": chosen.value, "accuracy_low": chosen.low, "accuracy_high": chosen.high,
                "accuracy_n": chosen.n, "accuracy_of": chosen.split, "accuracy_data": chosen.dataset}
    if validated:
        return {"accuracy": validated.accuracy, "accuracy_of": "validation", "accuracy_epoch": validated.epoch, "accuracy_n": n}
    return {}


def _of(said: Iterable[Measurement], metric: str) -> list[Measurement]:
    return [each for each in said if each.metric == metric and each.value is not None]


def _newest_accuracy(runs: Sequence[Run]) -> dict[tuple[UUID, str], Trained]:
    """The last validation accuracy that each variant's training reported, by stream and name."""
    rows = Event.objects.filter(
        stream__in=[run.stream_id for run in runs], type="metric", body__name=ACCURACY, body__labels__split="validation",
        body__value__isnull=False,
    ).order_by("stream", "body__labels__variant", "-seq").distinct("stream", "body__labels__variant")
    said = rows.values_list("stream", F("body__labels__variant"), F("body__value"), F("body__step"))
    return {(stream, str(name)): Trained(float(value), step if isinstance(step, int) else None)
            for stream, name, value, step in said if isinstance(value, int | float)}


def _validation_n(runs: Sequence[Run]) -> dict[UUID, int | None]:
    """How many images the validation part has, from the data sets the runs were given."""
    given = {run.pk: next((str(each.get("id")) for each in run.inputs.values()
                           if isinstance(each, dict) and each.get("kind") == "dataset"), "") for run in runs}
    mine = Dataset.objects.filter(team__in={run.team_id for run in runs}, pk__in=[pk for pk in given.values() if pk])
    counts = {str(pk): each for pk, each in mine.values_list("pk", "counts") if isinstance(each, dict)}
    return {run: counts.get(pk, {}).get("validation") for run, pk in given.items()}


def engines(run: Run) -> list[dict[str, Any]]:
    """The latencies of each variant by engine: p50, p95 and p99 side by side; a prediction has no such samples."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    timed = run.measurements.filter(metric__in=[f"latency_ms_{q}" for q in QUANTILES], value__isnull=False)
    for each in timed.exclude(origin="predicted"):
        key = (each.variant_name, each.engine, each.device)
        row = rows.setdefault(key, {"variant": each.variant_name, "engine": each.engine, "device": each.device,
                                    "threads": each.threads, "batch": each.batch, "n": each.n, "origin": each.origin,
                                    "noisy": each.noisy})
        quantile = each.metric.removeprefix("latency_ms_")
        row[quantile] = each.value
        if quantile == "p50":
            row |= {"low": each.low, "high": each.high}
    return list(rows.values())


def why_waiting(run: Run, user: User) -> str:
    """Who holds the slot and how many stand before this run. Foreign runs are counted, never named."""
    if board_waiting.is_for_board(run):
        return board_waiting.why(run, user)
    if leases.is_drained(run):
        return "its computer is draining: nothing new begins on it until it is told to take work again"
    # One slot of this host may serve several queues; then the run that holds it may be of another one.
    served = settings.WORK_QUEUES if run.queue in settings.WORK_QUEUES else [run.queue]
    same_queue = Run.objects.filter(queue__in=served)
    holder = same_queue.filter(status__in=HELD).exclude(pk=run.pk).order_by("started_at").first()
    before = same_queue.filter(status=Status.QUEUED, queued_at__lt=run.queued_at).count()
    name = ""
    if holder:
        seen = Run.objects.visible_to(user).filter(pk=holder.pk).exists()
        name = f"run {holder.number}" if seen else "another team's run"
    return waiting(name, before, (timezone.now() - run.queued_at).total_seconds(), run.queue)


def inputs(run: Run) -> list[dict[str, Any]]:
    """What the run was given, as its own copy says it: field, kind, name, and the file name a terminal would use."""
    entries = {field: given for field, given in run.inputs.items() if isinstance(given, dict)}
    rows: list[dict[str, Any]] = [{**_input(field, given), "times": _times(run, field)} for field, given in entries.items()]
    ids = [row["id"] for row in rows if row["kind"] == "model"]
    variants = Variant.objects.filter(team=run.team_id, pk__in=ids).values_list("pk", "model", "precision") if ids else ()
    models = {str(pk): str(model) for pk, model, _ in variants}
    # A quantised network is no list of weights that could be read into layers: it is given as ONNX.
    onnx = {str(pk) for pk, _, precision in variants if precision != Precision.FP32}
    data = [row["id"] for row in rows if row["kind"] in ("dataset", "recordings")]
    there = {str(pk) for pk in Dataset.objects.filter(team=run.team_id, pk__in=data).values_list("pk", flat=True)} if data else ()
    return [row | {"model": models.get(row["id"], ""), "is_there": row["id"] in there or row["id"] in models,
                   "is_onnx": row["id"] in onnx, "file": _file(row["file"], is_onnx=row["id"] in onnx)} for row in rows]


def _times(run: Run, field: str) -> list[dict[str, Any]]:
    """The measured times that it rests on, each with the run it came from, as long as that is there."""
    told = run.inputs[field].get("times", [])
    asked = [each["run"] for each in told if each.get("run")]
    there = {str(pk) for pk in Run.objects.filter(team=run.team_id, pk__in=asked).values_list("pk", flat=True)} if asked else ()
    return [each | {"is_there": each.get("run") in there} for each in told]


def _file(name: str, *, is_onnx: bool) -> str:
    return f"{name.removesuffix('.safetensors')}.onnx" if is_onnx else name


def _input(field: str, given: dict[str, Any]) -> dict[str, str]:
    name, variant = str(given.get("name", "")), str(given.get("variant", ""))
    full = f"{name}-{variant}" if variant else name
    kind = str(given.get("kind", ""))
    return {"field": field, "kind": kind, "id": str(given.get("id", "")),
            "name": f"{name} · {variant}" if variant else name,
            "file": FILE if kind == "profiles" else full if kind == "device" else f"{full}{ENDINGS.get(kind, '.safetensors')}"}
