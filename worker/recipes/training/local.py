"""Local learning: each unit of a network learns by an exit of its own, all in one sweep over the images, with one batch size.

How it works: the network is parted into units, a convolution or a residual block each. A batch goes through them in turn; each
unit's result is classified by an exit with a convolution of 256 filters, the error changes that unit alone, and the result goes
on to the next unit without it. All weights are resident all the while, and the batch is the largest that the most demanding unit
has room for. The last unit learns by the network's own head, so what comes out is the whole network.

Belilovsky, Eickenberg, Oyallon: "Decoupled Greedy Learning of CNNs", 2019, arXiv 1901.08164.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from worker.context import Context
from worker.events import Event
from worker.recipe import Paper, recipe
from worker.recipes.training import LocalParams
from worker.recipes.training.neuroflux import CHARTS


class Params(LocalParams):
    pass


@recipe(
    "Local learning", params=Params, charts=CHARTS,
    example={"model": "lenet5", "dataset": "digits", "epochs": 2, "budget_mb": 16, "most_batch": 128},
    presets={"quick look": {"epochs": 2}, "careful": {"epochs": 30}},
    use_when="NeuroFlux should be compared with what came before it.",
    papers=[Paper("belilovsky2019decoupled", ("Belilovsky, Eugene", "Eickenberg, Michael", "Oyallon, Edouard"),
                  "Decoupled Greedy Learning of CNNs", 2019, arxiv="1901.08164")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.training.local.flux import Terms, train

    terms = Terms(params.settings(context), params.budget(), head="256", blocks="one", tolerance=None, start=params.start)
    return (yield from train(terms, context, "local"))
