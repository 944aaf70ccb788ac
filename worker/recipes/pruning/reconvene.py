"""Reconvene: narrow the layers that bear it before training, in seconds, and train the small dense network once.

Eccles, Wong, Varghese: "Rapid Deployment of DNNs for Edge Computing via Structured Pruning at Initialization", 2024,
arXiv 2404.16877. The average, the width rule and what is drawn afresh are reconstructions, so they are parameters here.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Chart, recipe
from worker.recipes.pruning import ACCURACY, EXAMPLE, LOSS, PHASES, PRESETS, RATE, TRADEOFF, PruningParams

if TYPE_CHECKING:
    from worker.pruning.pruned import Prune

SENSITIVITY = Chart("bars", "Density by layer; layers under the line were made narrower", y=("density",), x="layer",
                    line="sensitivity", y_title="weights left", percent=True)


class Params(PruningParams):
    start: Literal["given", "initialisation"] = param(
        "initialisation", help="Whose magnitudes decide the widths: fresh weights, or those the model came with.",
        essential=True)
    average: Literal["layer_mean", "param_weighted"] = param(
        "layer_mean", help="A layer is narrowed when its sparsity is above this average: of layers, or of all weights.")
    redraw: Literal["all", "affected"] = param(
        "all", help="Draw all weights afresh after narrowing, or only those of layers whose shape changed.")
    round_to: int = param(1, help="Widths become multiples of this; 8 often runs faster.", unit="channels", ge=1, le=64)
    min_channels: int = param(1, help="No layer gets narrower than this.", unit="channels", ge=1, le=1024)


@recipe(
    "Reconvene", params=Params, charts=[TRADEOFF, ACCURACY, SENSITIVITY, LOSS, RATE, PHASES], example=EXAMPLE,
    presets=PRESETS,
    use_when="a smaller network is wanted before any training is paid for.",
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare

    return (yield from compare(params.label("reconvene"), _prune(params), params.terms(context), context))


def _prune(params: Params) -> Prune:
    from worker.pruning import reconvene

    rules = reconvene.Rules(density=1 - params.sparsity, average=params.average, redraw=params.redraw, seed=params.seed,
                            round_to=params.round_to, min_channels=params.min_channels)
    return lambda network: reconvene.prune(network, rules)
