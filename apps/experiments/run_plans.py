"""The plans of a run on its page, with why everything on one device is not the best: from the answer that it left."""

from __future__ import annotations

from pydantic import ValidationError

from apps.catalog import blobs
from apps.experiments.models import Run
from worker import menu
from worker.planning.answer import MEDIA_TYPE, Answer

LARGEST = 4_000_000


def left(run: Run) -> Answer | None:
    """None for a recipe that plans nothing, and before it has; a file that cannot be read is as none, it can be downloaded."""
    recipe = menu.find(run.recipe)
    if recipe is None or not recipe.needs_links:
        return None
    file = run.files.filter(media_type=MEDIA_TYPE, blob__size_bytes__lte=LARGEST).select_related("blob").first()
    try:
        return Answer.model_validate_json(blobs.local(file.blob_id).read_bytes()) if file else None
    except (ValidationError, blobs.Unreadable):
        return None
