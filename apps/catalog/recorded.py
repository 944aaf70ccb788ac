"""What a page says of recorded detections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from worker import menu


class Row(NamedTuple):
    """A detector, or the truth, with its boxes over all frames."""

    name: str
    boxes: int
    a_frame: float


def told(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Its facts with the rows of a table, and the recipes that take it."""
    frames = recorded["frames"]
    rows = [Row(name, boxes, boxes / frames) for name, boxes in sorted(recorded["detectors"].items())]
    truth = Row("truth", recorded["truth"], recorded["truth"] / frames) if recorded["truth"] is not None else None
    takes = [recipe for recipe in menu.recipes().values() if "recordings" in recipe.params.references().values()]
    return {**recorded, "rows": rows, "truth_row": truth, "seconds": frames / recorded["fps"], "recipes": takes}
