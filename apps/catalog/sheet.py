"""The sheet of training images on a data set's page: which class each of its columns shows."""

from __future__ import annotations

from typing import Any

from apps.catalog.models import Dataset

# As the inspection draws it: a column a class, so many images in it.
MOST_CLASSES, IMAGES_A_CLASS = 12, 4


def sheet(dataset: Dataset) -> dict[str, Any] | None:
    """Places in units of one image's pixels; None where no sheet was drawn."""
    if dataset.samples_id is None or len(dataset.in_shape) != 3:
        return None
    _, height, width = dataset.in_shape
    columns = min(dataset.classes, MOST_CLASSES)
    names = dataset.labels or [str(number) for number in range(columns)]
    shown = [{"label": names[number], "left": -number * width} for number in range(columns)]
    between = "".join(f"M0 {height * row}h{width}" for row in range(1, IMAGES_A_CLASS))
    return {"columns": shown, "between": between, "tile": width, "height": height * IMAGES_A_CLASS, "width": width * columns,
            "rest": dataset.classes - columns}
