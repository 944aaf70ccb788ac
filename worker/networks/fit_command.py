"""`python -m worker fit`: which ways of training fit into a memory budget, predicted, as one JSON object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from worker import architectures, budgets
from worker.flags import Refused
from worker.inspection.command import shape_of
from worker.networks.words import Architecture, Classes, Said, done

if TYPE_CHECKING:
    from worker.inspection.opening import Opened
    from worker.training.local.heads import Head

Optimiser = Literal["sgd", "adam"]
EXITS = ("half", "linear", "256")


def fit(
    model: Annotated[str, typer.Option(help="An architecture by its name, or a file with a network as inspect takes it.")],
    budget: Annotated[str, typer.Option(help="Memory that training may take: 130MB is 130,000,000 bytes; a number "
                                          "alone is MB, as in a recipe's form.")],
    in_shape: Annotated[str, typer.Option(help="Channels, height and width of the images, as 3x32x32; a file may say it "
                                               "itself.")] = "",
    classes: Classes = None, architecture: Architecture = "",
    exits: Annotated[str, typer.Option(help=f"What NeuroFlux' units learn by: {', '.join(EXITS)}.")] = "half",
    optimiser: Annotated[str, typer.Option(help="sgd, with momentum, or adam: how much state lies beside each weight.")] = "sgd",
    margin: Annotated[float, typer.Option(help="The share of the budget that is kept free.")] = 0.05,
    most_batch: Annotated[int, typer.Option(min=1, max=65_536, help="No step takes more images.")] = 256,
    grouping: Annotated[float, typer.Option(help="How unlike the batches of a block's units may be.")] = 0.4,
) -> None:
    """For each way of training: does it fit, with which batch, how many bytes are predicted, or why not.

    Nothing is trained: each step is rehearsed on tensors that have sizes but no memory. A budget into which nothing fits is an
    answer too, so the exit status is 0.
    """
    if exits not in EXITS:
        raise Refused(f"exits: got {exits!r}; allowed: {', '.join(EXITS)}")
    if optimiser not in get_args(Optimiser):
        raise Refused(f"optimiser: got {optimiser!r}; allowed: {', '.join(get_args(Optimiser))}")
    for name, got, most in (("margin", margin, 0.5), ("grouping", grouping, 1.0)):
        if not 0 <= got <= most:
            raise Refused(f"{name}: got {got:g}; allowed: 0 to {most:g}")
    asked = bytes_of(budget)
    print(json.dumps(_answer(model, asked, in_shape, classes, architecture, exits, optimiser, margin, most_batch, grouping),
                     allow_nan=False))


def bytes_of(text: str) -> int:
    """130MB, 1.5 GB, 500kB or a number of MB; units of a thousand."""
    try:
        return budgets.bytes_of(text)
    except ValueError as wrong:
        raise Refused(f"budget: {wrong}") from None


def _answer(
    model: str, budget: int, in_shape: str, classes: int | None, architecture: str, exits: str, optimiser: str, margin: float,
    most_batch: int, grouping: float,
) -> dict[str, object]:
    found = _opened(model, in_shape, classes, architecture)
    from worker.training.fitted import fitted
    from worker.training.fitting import rehearsed
    from worker.training.local.plan import Budget
    from worker.training.settings import Settings

    settings = Settings(1, optimiser="adam" if optimiser == "adam" else "sgd")
    needs = rehearsed(found.network, found.in_shape, settings, _head(exits))
    told = fitted(needs, Budget(budget, margin, most_batch, grouping))
    return {"model": model, "in_shape": list(found.in_shape), **told.model_dump(mode="json")}


def _head(text: str) -> Head:
    heads: dict[str, Head] = {"half": "half", "linear": "linear", "256": "256"}
    return heads[text]


def _opened(model: str, in_shape: str, classes: int | None, architecture: str) -> Opened:
    """The network: without weights of an architecture, with them of a file."""
    if model not in architectures.names():
        if not Path(model).is_file():
            raise Refused(f"model: got {model!r}; allowed: {', '.join(architectures.names())}, or a file that can be read")
        with Said(architecture, in_shape, classes).checked().order(Path(model)) as order:
            from worker.networks.reading import read

            return done(lambda: read(order))
    shape = shape_of(in_shape)
    if shape is None:
        raise Refused("in-shape: missing; an architecture needs --in-shape, as 3x32x32")
    from worker.dnn.architectures import outline
    from worker.inspection.opening import Opened

    try:
        return Opened(outline(model, classes or 10, shape), shape, classes or 10, trained=False)
    except ValueError as wrong:
        raise Refused(f"in-shape: {wrong}") from None
