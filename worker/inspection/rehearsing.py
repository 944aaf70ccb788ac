"""What each way of training a network of the house needs of memory, rehearsed without any."""

from __future__ import annotations

from pathlib import Path

from worker.dnn import files
from worker.inspection.order import NeedsFound, Order
from worker.inspection.steps import Step
from worker.training.fitting import rehearsed
from worker.training.local.heads import Head
from worker.training.settings import Settings

# As the recipes' forms begin: SGD with momentum, exits half as wide as their units.
SETTINGS = Settings(1)
EXITS: Head = "half"


def inspect(order: Order, say: Step) -> NeedsFound:
    """Of a file of the house; a way that its network cannot be trained in says why in what is found."""
    say("reading")
    loaded = files.load(Path(order.file))
    say("rehearsing")
    return NeedsFound(needs=rehearsed(loaded.network, loaded.in_shape, SETTINGS, EXITS).as_json())
