"""What a run has left so far, read from its rows for its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import Variant
from apps.experiments.models import HELD, Measurement, Run, Status
from apps.experiments.progress import main_stage
from apps.experiments.reading import Result, waiting
from worker import menu
from worker.recipe import Recipe

LATENCY, ACCURACY = "latency_ms_p50", "accuracy"
ENGINE = "onnxruntime"
# A run measures these before it hands over the file that makes a variant a row.
FACTS = ("params", "macs", "size_bytes", "activation_bytes")


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
    return [_row(name, made.get(name), said.get(name, []), validated) for name in names]


def _row(name: str, variant: Variant | None, said: list[Measurement], validated: Mapping[str, float]) -> Result:
    facts: dict[str, Any] = {each.metric: int(each.value) for each in said
                             if each.metric in FACTS and each.value is not None}
    if variant:
        facts = {field: getattr(variant, field) for field in FACTS}
        facts |= {"variant_id": str(variant.pk), "model_id": str(variant.model_id), "has_onnx": bool(variant.onnx_id)}
    return Result(name=name, **facts, **_latency(said), **_accuracy(name, said, validated))


def _latency(said: list[Measurement]) -> dict[str, Any]:
    found = _of(said, LATENCY)
    if not found:
        return {}
    chosen = max(found, key=lambda each: (each.engine.startswith(ENGINE), each.pk is not None and each.created))
    by = " · ".join(part for part in (chosen.engine, chosen.device) if part)
    return {"latency_ms": chosen.value, "latency_low": chosen.low, "latency_high": chosen.high, "latency_by": by,
            "origin": chosen.origin}


def _accuracy(name: str, said: list[Measurement], validated: Mapping[str, float]) -> dict[str, Any]:
    found = _of(said, ACCURACY)
    if found:
        chosen = max(found, key=lambda each: (each.split == "test", each.created))
        return {"accuracy": chosen.value, "accuracy_low": chosen.low, "accuracy_high": chosen.high,
                "accuracy_n": chosen.n, "accuracy_of": chosen.split}
    if name in validated:
        return {"accuracy": validated[name], "accuracy_of": "validation"}
    return {}


def _of(said: Iterable[Measurement], metric: str) -> list[Measurement]:
    return [each for each in said if each.metric == metric and each.value is not None]


def _newest_accuracy(run: Run) -> dict[str, float]:
    """The last validation accuracy that each variant's training reported."""
    rows = run.stream.events.filter(
        type="metric", body__name=ACCURACY, body__labels__split="validation", body__value__isnull=False,
    ).order_by("body__labels__variant", "-seq").distinct("body__labels__variant")
    pairs = rows.values_list(F("body__labels__variant"), F("body__value"))
    return {str(name): float(value) for name, value in pairs if isinstance(value, int | float)}


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


def inputs(run: Run) -> list[dict[str, str]]:
    """What the run was given, as its own copy says it: field, kind, name, and the file name a terminal would use."""
    return [_input(field, given) for field, given in run.inputs.items() if isinstance(given, dict)]


def _input(field: str, given: dict[str, Any]) -> dict[str, str]:
    name, variant = str(given.get("name", "")), str(given.get("variant", ""))
    full = f"{name}-{variant}" if variant else name
    kind = str(given.get("kind", ""))
    return {"field": field, "kind": kind, "id": str(given.get("id", "")),
            "name": f"{name} · {variant}" if variant else name,
            "file": full if kind == "device" else f"{full}.safetensors"}
