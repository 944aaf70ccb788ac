"""Finished runs that switched networks, as the recorder leaves them."""

from __future__ import annotations

from typing import Any

from apps.catalog.models import Variant
from apps.experiments.models import Run, RunVariant, Status
from tests.apps.cast import Cast

PARAMS = {"trace": "burst", "seconds": 60, "residency": "packed", "seed": 7}
BANDS = {"load": [{"low": 0.125, "high": 1.5, "name": "dense", "latency_ms": 4.0},
                  {"low": 1.5, "high": 8.0, "name": "lean", "latency_ms": 1.0}],
         "deadline": [{"low": 0.125, "high": 8.0, "name": "dense", "latency_ms": 4.0}]}
TOLD: dict[str, Any] = {
    "trace_s": 60, "requests": 1204, "residency": "packed", "device": "pi4", "drive_noisy": False, "arrivals_per_s": 20.0,
    "deadline_ms": 100.0, "drive_bands": BANDS}
WAY = {"way": "switching", "arrived": 1000, "late": 21, "swaps": 3, "overhead_ms": [1.0, 12.5, 40.0], "steady_bytes": 57_000_000,
       "peak_bytes": 81_000_000, "empty_bytes": 45_000_000, "effective_accuracy": 0.931}


def switched(cast: Cast, networks: dict[str, Variant], params: dict[str, Any] | None = None, status: Status = Status.FINISHED,
             way: dict[str, Any] | None = None, **told: Any) -> Run:
    """`networks`: by what the run called them. `way`: what of its own way is otherwise."""
    said = {**TOLD, "drive_ways": [WAY | (way or {})], "networks": [{"name": name} for name in networks], **told}
    run = cast.run(status, recipe="portfolio.switching", params={**PARAMS, "residency": said["residency"], **(params or {})},
                   summary=said if status == Status.FINISHED else {})
    RunVariant.objects.bulk_create(RunVariant(run=run, variant=variant, name=name) for name, variant in networks.items())
    return run
