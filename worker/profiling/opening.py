"""The network and the data a run was given, checked to fit each other, and where the weights start from."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

from torch import fx

from worker import datasets
from worker.context import Context
from worker.datasets import Data
from worker.dnn import files
from worker.dnn.initialisation import reinitialise
from worker.events import Event, Log

Start = Literal["given", "initialisation"]


@dataclass(frozen=True)
class Opened:
    """What a run starts from. `trained`: from weights that a training made, not from a draw, in a file or not."""

    data: Data
    network: fx.GraphModule
    trained: bool


def opened(context: Context, start: Start) -> Generator[Event, None, Opened]:
    """Data and network; says which weights the run starts from. ValueError when the two do not fit."""
    given = context.model()
    if given.precision != "fp32":
        raise ValueError(f"{given.name} is an {given.precision} network; this recipe needs the fp32 one it was made from.")
    data = datasets.load(context.dataset())
    loaded = files.open_model(given, num_classes=data.classes, in_shape=data.in_shape, seed=context.seed)
    if given.file is None:
        yield Log(message=f"{loaded.name} is an architecture without weights: it starts from initialisation.")
    elif start == "initialisation":
        reinitialise(loaded.network, context.seed)
        yield Log(message=f"The weights of {loaded.name} were drawn afresh: it starts from initialisation.")
    elif loaded.trained:
        yield Log(message=f"{loaded.name} starts from the weights it came with, which were trained.")
    else:
        yield Log(message=f"{loaded.name} starts from the weights it came with; its file tells of no training, "
                          "so they count as untrained.")
    return Opened(data, loaded.network, trained=loaded.trained and start == "given")
