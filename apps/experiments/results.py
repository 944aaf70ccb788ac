"""What a run has left so far, read from its rows for its page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import Dataset, Variant
from apps.experiments.models import HELD, Measurement, Run, Status
from apps.experiments.progress import main_stage
from apps.experiments.reading import Result, waiting
from worker import menu
from worker.recipe import Recipe

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
    """Runs for a table: their experiment joined, their recipe's title beside them, no query in a loop."""
    rows = list(runs.select_related("experiment", "experiment__created_by").defer("trace", "environment"))
    for run in rows:
        found = recipe_of(run)
        run.title = found.title if found else run.recipe  # type: ignore[attr-defined]
        run.bar = main_stage(run) if run.status in HELD else None  # type: ignore[attr-defined]
    return rows


def recipe_of(run: Run) -> Recipe | None:
    """The recipe of a run; None when it has left the menu since."""
    return menu.recipes().get(run.recipe)


def results(run: Run) -> list[Result]:
    """One row a variant, in the order they were made, the dense network first."""
    made = {each.name: each.variant for each in run.variants.select_related("variant").order_by("pk")}
    said: dict[str, list[Measurement]] = {}
    for measurement in run.measurements.all():
        said.setdefault(measurement.variant_name, []).append(measurement)
    names = sorted({**made, **said}, key=lambda name: name != "dense")
    validated = _newest_accuracy(run) if any(not _of(said.get(name, []), ACCURACY) for name in names) else {}
    n = _validation_n(run) if validated else None
    return [_row(name, made.get(name), said.get(name, []), validated.get(name), n) for name in names]


def _row(name: str, variant: Variant | None, said: list[Measurement], validated: Trained | None, n: int | None) -> Result:
    facts: dict[str, Any] = {each.metric: int(each.value) for each in said
                             if each.metric in FACTS and each.value is not None}
    if variant:
        facts = {field: getattr(variant, field) for field in FACTS}
        facts |= {"variant_id": str(variant.pk), "model_id": str(variant.model_id), "has_onnx": bool(variant.onnx_id)}
    return Result(name=name, **facts, **_latency(said), **_accuracy(said, validated, n))


def _latency(said: list[Measurement]) -> dict[str, Any]:
    found = _of(said, LATENCY)
    if not found:
        return {}
    chosen = max(found, key=lambda each: (each.engine.startswith(ENGINE), each.pk is not None and each.created))
    by = " · ".join(part for part in (chosen.engine, chosen.device) if part)
    return {"latency_ms": chosen.value, "latency_low": chosen.low, "latency_high": chosen.high, "latency_by": by,
            "origin": chosen.origin}


def _accuracy(said: list[Measurement], validated: Trained | None, n: int | None) -> dict[str, Any]:
    found = _of(said, ACCURACY)
    if found:
        chosen = max(found, key=lambda each: (each.split == "test", each.created))
        return {"accuracy": chosen.value, "accuracy_low": chosen.low, "accuracy_high": chosen.high,
                "accuracy_n": chosen.n, "accuracy_of": chosen.split}
    if validated:
        return {"accuracy": validated.accuracy, "accuracy_of": "validation", "accuracy_epoch": validated.epoch, "accuracy_n": n}
    return {}


def _of(said: Iterable[Measurement], metric: str) -> list[Measurement]:
    return [each for each in said if each.metric == metric and each.value is not None]


def _newest_accuracy(run: Run) -> dict[str, Trained]:
    """The last validation accuracy that each variant's training reported."""
    rows = run.stream.events.filter(
        type="metric", body__name=ACCURACY, body__labels__split="validation", body__value__isnull=False,
    ).order_by("body__labels__variant", "-seq").distinct("body__labels__variant")
    triples = rows.values_list(F("body__labels__variant"), F("body__value"), F("body__step"))
    return {str(name): Trained(float(value), step if isinstance(step, int) else None)
            for name, value, step in triples if isinstance(value, int | float)}


def _validation_n(run: Run) -> int | None:
    """How many images the validation part has, from the data set the run was given."""
    given = next((str(each.get("id")) for each in run.inputs.values()
                  if isinstance(each, dict) and each.get("kind") == "dataset"), "")
    counts = Dataset.objects.filter(team=run.team_id, pk=given).values_list("counts", flat=True).first() if given else None
    return counts.get("validation") if isinstance(counts, dict) else None


def engines(run: Run) -> list[dict[str, Any]]:
    """The latencies of each variant by engine: p50, p95 and p99 side by side."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for each in run.measurements.filter(metric__in=[f"latency_ms_{q}" for q in QUANTILES], value__isnull=False):
        key = (each.variant_name, each.engine, each.device)
        row = rows.setdefault(key, {"variant": each.variant_name, "engine": each.engine, "device": each.device,
                                    "threads": each.threads, "batch": each.batch, "n": each.n, "origin": each.origin})
        quantile = each.metric.removeprefix("latency_ms_")
        row[quantile] = each.value
        if quantile == "p50":
            row |= {"low": each.low, "high": each.high}
    return list(rows.values())


def why_waiting(run: Run, user: User) -> str:
    """Who holds the slot and how many stand before this run. Foreign runs are counted, never named."""
    # One slot of this host may serve several queues; then the run that holds it may be of another one.
    served = settings.WORK_QUEUES if run.queue in settings.WORK_QUEUES else [run.queue]
    same_queue = Run.objects.filter(queue__in=served)
    holder = same_queue.filter(status__in=HELD).order_by("started_at").first()
    before = same_queue.filter(status=Status.QUEUED, queued_at__lt=run.queued_at).count()
    name = ""
    if holder:
        seen = Run.objects.visible_to(user).filter(pk=holder.pk).exists()
        name = f"run {holder.number}" if seen else "another team's run"
    return waiting(name, before, (timezone.now() - run.queued_at).total_seconds(), run.queue)


def inputs(run: Run) -> list[dict[str, Any]]:
    """What the run was given, as its own copy says it: field, kind, name, and the file name a terminal would use."""
    rows = [_input(field, given) for field, given in run.inputs.items() if isinstance(given, dict)]
    ids = [row["id"] for row in rows if row["kind"] == "model"]
    models = {str(pk): str(model) for pk, model in
              Variant.objects.filter(team=run.team_id, pk__in=ids).values_list("pk", "model")} if ids else {}
    data = [row["id"] for row in rows if row["kind"] == "dataset"]
    there = {str(pk) for pk in Dataset.objects.filter(team=run.team_id, pk__in=data).values_list("pk", flat=True)} if data else ()
    return [row | {"model": models.get(row["id"], ""), "is_there": row["id"] in there or row["id"] in models}
            for row in rows]


def _input(field: str, given: dict[str, Any]) -> dict[str, str]:
    name, variant = str(given.get("name", "")), str(given.get("variant", ""))
    full = f"{name}-{variant}" if variant else name
    kind = str(given.get("kind", ""))
    return {"field": field, "kind": kind, "id": str(given.get("id", "")),
            "name": f"{name} · {variant}" if variant else name,
            "file": full if kind == "device" else f"{full}.safetensors"}
