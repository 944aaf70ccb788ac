"""A model and a data set that fit each other, as rows, for tests that launch or look at experiments."""

from __future__ import annotations

from typing import Any

from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from tests.apps.cast import Cast


def network(cast: Cast) -> dict[str, Any]:
    """What a recipe's reference fields take: {model, dataset}."""
    blob, _ = Blob.objects.get_or_create(sha256="7" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, size_bytes=1, params=1, macs=1,
                                     activation_bytes=1)
    data = Dataset.objects.create(team=cast.team, name="digits", in_shape=[1, 8, 8], classes=10, file=blob)
    return {"model": str(variant.pk), "dataset": str(data.pk)}
