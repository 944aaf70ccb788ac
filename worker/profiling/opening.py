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
from worker.dnn.ingest.restoring import restorable, restore_batchnorm
from worker.dnn.initialisation import reinitialise
from worker.events import Event, Log

Start = Literal["given", "initialisation", "restored"]


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
    elif start != "given":
        reinitialise(loaded.network, context.seed)
        yield Log(message=f"The weights of {loaded.name} were drawn afresh: it starts from initialisation.")
    elif loaded.trained:
        yield Log(message=f"{loaded.name} starts from the weights it came with, which were trained.")
    else:
        yield Log(message=f"{loaded.name} starts from the weights it came with; its file tells of no training, "
                          "so they count as untrained.")
    network = loaded.network if start != "restored" else (yield from _restored(loaded.network, context.seed))
    return Opened(data, network, trained=loaded.trained and start == "given")


def _restored(network: fx.GraphModule, seed: int) -> Generator[Event, None, fx.GraphModule]:
    """Fresh weights, and a batch-norm behind each convolution of a network that came with none."""
    count = restorable(network)
    if not count:
        raise ValueError("The network has batch-norm, or no convolution that could be given it: start from initialisation.")
    restored = restore_batchnorm(network)
    reinitialise(restored, seed)
    yield Log(message=f"{count:,} convolutions were given batch-norm again.")
    return restored
