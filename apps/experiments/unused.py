"""Which fields of a form do not count beside what stands in the others, where some may hold several values to be tried."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice, product
from typing import Any

from apps.experiments.sweeps import MOST_RUNS
from worker.params import Params


def unused_beside(params: type[Params], values: Mapping[str, Any]) -> dict[str, str]:
    """By field the reason. A field counts if it does with any of the values that are tried."""
    several = {name: value for name, value in values.items() if isinstance(value, list) and value}
    tried = islice(product(*several.values()), MOST_RUNS)
    every = [params.unused({**values, **dict(zip(several, one, strict=True))}) for one in tried]
    return {name: why for name, why in every[0].items() if all(name in found for found in every)}


def counting(params: type[Params], values: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    """Of the values those that count beside these; one that has to be said stays."""
    idle = unused_beside(params, beside)
    return {name: value for name, value in values.items() if name not in idle or params.model_fields[name].is_required()}
