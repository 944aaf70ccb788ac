"""NeuroFlux: train a network inside a memory budget, block by block, and keep only the first part that is accurate enough.

How it works: the network is parted into units, a convolution or a residual block each, and every unit learns by a small exit of
its own, so that no gradient crosses from one unit to another and no more than one unit's activations live at a time. Before
anything is trained, each unit's step is rehearsed without memory: units that need much get small batches, and neighbours whose
batches are alike form a block. Blocks are trained one after the other; what a finished block makes of the images is written to
disk, so that it is never run again. At the end the smallest exit that is nearly as accurate as the best is cut out: a network of
its own, often with far fewer parameters than the whole. A budget that is too small is refused with the bytes that are needed.

Training images are not augmented: what a block makes of them is computed once.

Saikumar, Varghese: "NeuroFlux: Memory-Efficient CNN Training Using Adaptive Local Learning", EuroSys 2024, arXiv 2402.14139. No
code was published: how blocks are formed, the sizes of the exits and how one of them is chosen are reconstructions, so they are
parameters here.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Chart, Paper, recipe
from worker.recipes.training import MEMORY, OVER_TIME, PHASES, LocalParams

LOSS = Chart("line", "Loss per exit", y=("loss",), by="exit", x_title="epoch of its block", y_title="training loss")
ACCURACY = Chart("line", "Accuracy per exit", y=("accuracy",), by="exit", x_title="epoch of its block", y_title="accuracy",
                 percent=True)
SIZES = Chart("line", "Accuracy of the exits against their parameters", y=("exit_accuracy", "kept_exit_accuracy"), point="exit",
              x_title="parameters up to the exit", y_title="validation accuracy", percent=True)
PARAMS = Chart("bars", "Parameters up to each exit", y=("exit_params",), x="exit", y_title="parameters")
RATE = Chart("line", "Learning rate per epoch", y=("learning_rate",), by="variant", x_title="epoch of its block",
             y_title="learning rate")
CHARTS = [MEMORY, ACCURACY, SIZES, LOSS, OVER_TIME, PARAMS, RATE, PHASES]


class Params(LocalParams):
    exits: Literal["half", "linear", "256"] = param(
        "half", help="What each unit learns by. Half: a convolution with half as many filters as the unit has channels, 8 to "
                     "256, then pool and linear layer; linear: pool and linear layer alone, the cheapest; 256: 256 filters for "
                     "every unit, as in classic local learning.", essential=True)
    tolerance_points: float = param(
        1.0, help="The exit that is kept has the fewest parameters of those at most so many points of validation accuracy below "
                  "the best.", unit="points", ge=0, le=100)
    grouping: float = param(0.4, help="Neighbouring units form a block while the largest batch that memory alone would allow "
                                      "each differs by no more than this share of the first one's. 0 makes blocks of units that "
                                      "are alike only.",
                            ge=0, le=1)
    cache: Literal["float32", "float16"] = param(
        "float32", help="How activations are kept on the disk between blocks: as they are, or in half the bytes, rounded.")


@recipe(
    "NeuroFlux", params=Params, charts=CHARTS,
    example={"model": "lenet5", "dataset": "digits", "epochs": 2, "budget_mb": 1.2, "exits": "linear"},
    presets={"quick look": {"epochs": 2, "exits": "linear"}, "careful": {"epochs": 30},
             "about a thousand images": {"epochs": 4, "most_batch": 8}},
    use_when="a network should be trained where memory is too small for back-propagation, or a much smaller network would do.",
    papers=[Paper("saikumar2024neuroflux", ("Saikumar, Dhananjay", "Varghese, Blesson"),
                  "NeuroFlux: Memory-Efficient CNN Training Using Adaptive Local Learning", 2024, venue="EuroSys 2024",
                  arxiv="2402.14139")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.training.local.flux import Terms, train

    terms = Terms(params.settings(context), params.budget(params.grouping), head=params.exits,
                  tolerance=params.tolerance_points / 100, cache=params.cache, start=params.start)
    return (yield from train(terms, context, "neuroflux"))
