"""What a board is handed: the files one half of a recipe made where torch is, for the other half that measures without it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

# What of an order goes to other boards than the one that measures, by the number of the part: `files` and `facts`. One of these
# facts says what is served there: a slice of a network unless it says something else.
HOSTED, SERVES = "hosted", "serves"
# A device that learns.
DEVICE = "device"


class Order(BaseModel):
    """`files` are paths in the run's folder, the same here and on the board; `facts` is whatever the measuring half needs to
    know of them, as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    files: tuple[str, ...]
    facts: dict[str, Any] = {}
