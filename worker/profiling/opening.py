"""The network and the data a run was given, checked to fit each other, and where the weights start from."""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal

from torch import fx

from worker import datasets
from worker.context import Context
from worker.datasets import Data
from worker.dnn import files
from worker.dnn.initialisation import reinitialise
from worker.events import Event, Log

Start = Literal["given", "initialisation"]


def opened(context: Context, start: Start) -> Generator[Event, None, tuple[Data, fx.GraphModule]]:
    """Data and network; says which weights the run starts from. ValueError when the two do not fit."""
    data = datasets.load(context.dataset())
    loaded = files.open_model(context.model(), num_classes=data.classes, in_shape=data.in_shape, seed=context.seed)
    if context.model().file is None:
        yield Log(message=f"{loaded.name} is an architecture without weights: it starts from initialisation.")
    elif start == "initialisation":
        reinitialise(loaded.network, context.seed)
        yield Log(message=f"The weights of {loaded.name} were drawn afresh: it starts from initialisation.")
    else:
        yield Log(message=f"{loaded.name} starts from the weights it came with.")
    return data, loaded.network


def came_trained(context: Context, start: Start) -> bool:
    """Whether the run starts from weights that somebody trained before."""
    return start == "given" and context.model().file is not None
