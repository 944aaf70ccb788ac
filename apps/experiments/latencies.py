"""What whole inferences were measured to take: of the networks and devices that somebody names, for runs that rest on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from apps.accounts.models import Team
from apps.catalog.models import Variant
from apps.devices import names
from apps.devices.models import Device
from apps.experiments.models import Measurement
from worker import menu
from worker.evidence import MOST_MS, DeviceFacts, Evidence, LatencyFacts

ON = " on "
# It times a network by the published protocol; to others that is a side matter, and not all of them say where it was disturbed.
RECIPE = "benchmarking.latency"
P50, P95 = "latency_ms_p50", "latency_ms_p95"
MOST_ROWS, MOST_DEVICES = 4_000, 50


def of(team: Team, asked: Iterable[str]) -> Evidence:
    """`asked`: each as `NETWORK on DEVICE`. All that was measured on these devices, image by image.

    Of each network, called as profiles call it, the newest run of Latency that nothing disturbed; a disturbed one of it where
    there is no other, and only where that recipe never ran, what another run took by the way.
    """
    devices = _devices(team, asked)
    found = [fact for device in devices for fact in _on(team, device)]
    return Evidence(devices=tuple(DeviceFacts(id=str(each.pk), name=each.name, tier=each.tier) for each in devices),
                    latencies=tuple(found))


def only(found: Evidence, asked: Iterable[str]) -> Evidence:
    """What of it was asked for."""
    wanted, called = set(asked), {each.id: each.name for each in found.devices}
    kept = tuple(each for each in found.latencies if f"{each.network}{ON}{called[each.device]}" in wanted)
    there = {each.device for each in kept}
    return found.model_copy(update={"latencies": kept, "devices": tuple(each for each in found.devices if each.id in there)})


def _devices(team: Team, asked: Iterable[str]) -> list[Device]:
    """Those whose name may stand at the end: a name may have ` on ` in it."""
    words = [text.split(ON) for text in asked]
    ends = {ON.join(each[place:]) for each in words for place in range(1, len(each))}
    return list(Device.objects.usable_by(team).filter(name__in=ends, retired=False).order_by("name")[:MOST_DEVICES])


def _on(team: Team, device: Device) -> Iterator[LatencyFacts]:
    rows = list(Measurement.objects.filter(
        team=team, device__in=names.own(device, team), metric__in=(P50, P95), origin="measured", batch=1, value__gt=0,
        value__lte=MOST_MS).select_related("run", "variant__model").defer("run__trace", "run__environment").order_by(
            "-created", "pk")[:MOST_ROWS])
    given = _given(team, rows)
    by_variant: dict[Any, list[Measurement]] = {}
    for row in rows:
        variant = row.variant or given.get(_id(row))
        if variant is not None and row.metric == P50:
            by_variant.setdefault(variant, []).append(row)
    highest = {_key(row): row.value for row in rows if row.metric == P95}
    for variant, each in by_variant.items():
        best = min(each, key=lambda row: (row.run.recipe != RECIPE, row.noisy, -row.run.number, row.value))
        for name in _called(variant, list(by_variant)):
            yield LatencyFacts(network=name, device=str(device.pk), p50_ms=best.value, p95_ms=highest.get(_key(best)), n=best.n,
                               engine=best.engine, noisy=best.noisy, run=best.run.number, run_id=str(best.run_id),
                               recipe=_title(best.run.recipe))


def _title(recipe: str) -> str:
    found = menu.find(recipe)
    return found.title if found else recipe


def _called(variant: Variant, others: Sequence[Variant]) -> list[str]:
    """With its own name, and by its model's alone where that can mean no other; what a run made is never the model itself."""
    full, brought = f"{variant.model} · {variant.name}", [each for each in others if each.model_id == variant.model_id
                                                         and not each.made_by]
    return [str(variant.model), full] if brought == [variant] else [full]


def _given(team: Team, rows: Sequence[Measurement]) -> Mapping[str, Variant]:
    """The variants that runs were given, for those that measured them without making any."""
    ids = {_id(row) for row in rows if row.variant is None} - {""}
    found = Variant.objects.filter(team=team, pk__in=ids).select_related("model") if ids else ()
    return {str(each.pk): each for each in found}


def _id(row: Measurement) -> str:
    given = row.run.inputs.get("model")
    is_its = row.run.recipe.startswith("benchmarking.") and isinstance(given, dict)
    return str(given.get("id", "")) if is_its else ""


def _key(row: Measurement) -> tuple[Any, ...]:
    return row.run_id, row.variant_name, row.engine, row.threads
