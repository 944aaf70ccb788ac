"""SynFlow: before training and without any data, drop the weights that carry least of what can flow through the network.

How it works: all weights count by their size, ones are sent in, and what comes out is the flow. A weight's score is its share
of it: weight times the flow's gradient, in double precision. A small part of what is left is set to zero, the scores are
taken anew, and so on for a hundred rounds; that keeps whole layers from running dry. Then the network is trained with what is
left.

Activations and norms other than rectifiers and batch-norm do not saturate, bend or normalise the flow here: their slope
counts as one, and where two tensors are multiplied (a gate and what it gates) the flow is their geometric mean. For such
networks the method is an extension of the paper's. A shortcut of a residual network may lose all its weights, for the flow
finds its way beside it.

Tanaka, Kunin, Yamins, Ganguli: "Pruning neural networks without any data by iteratively conserving synaptic flow", 2020,
arXiv 2006.05467.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Paper, recipe
from worker.recipes.pruning import CHARTS, EXAMPLE, PRESETS, MaskingParams

if TYPE_CHECKING:
    from worker.pruning.pruned import Prune


class Params(MaskingParams):
    iterations: int = param(100, help="In how many steps the weights are pruned; few of them may empty whole layers.",
                            unit="rounds", ge=1, le=10_000)
    schedule: Literal["exponential", "linear"] = param(
        "exponential", help="Each iteration prunes the same part of what is left, or the same number of weights.")


@recipe(
    "SynFlow", params=Params, makes="sparse", charts=CHARTS, example=EXAMPLE, presets=PRESETS,
    use_when="a network should be sparse from the first epoch on, and no data may be looked at, or so much is pruned that other "
             "scores empty whole layers.",
    papers=[Paper("tanaka2020pruning", ("Tanaka, Hidenori", "Kunin, Daniel", "Yamins, Daniel L. K.", "Ganguli, Surya"),
                  "Pruning neural networks without any data by iteratively conserving synaptic flow", 2020, arxiv="2006.05467")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare

    return (yield from compare(params.label("synflow"), _prune(params), params.terms(context), context))


def _prune(params: Params) -> Prune:
    from worker.pruning import criteria
    from worker.pruning.unstructured import prune

    search = criteria.synflow(criteria.Rounds(params.iterations, params.schedule))
    return lambda subject: prune(subject, search, params.rules())
