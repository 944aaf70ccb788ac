"""Recorded detections as the catalogue keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apps.catalog import blobs
from apps.catalog.models import Dataset
from tests.apps.cast import Cast

RECORDED: dict[str, Any] = {"frames": 300, "fps": 25.0, "width": 1920, "height": 1080,
                            "detectors": {"full": 1500, "tiny": 600}, "truth": 1800}
LINES = ("tiny: 27 ms, h50 55 px, recall 0.9, false positives 0.3\n"
         "full: 126 ms, h50 20 px, recall 0.95, false positives 0.2")


def kept(cast: Cast, folder: Path, name: str = "street", **more: Any) -> Dataset:
    file = folder / "recordings.zip"
    file.write_bytes(b"a zip")
    found: Dataset = Dataset.objects.create(team=cast.team, name=name, in_shape=[], classes=0, file=blobs.keep(file),
                                            recorded=RECORDED | more)
    return found
