"""Channels: keep a share of every layer's channels, those with the largest weights, and train the narrow network on.

How it works: in each layer the channels whose weights have the smallest sum of magnitudes (or of squares) are cut out, together
with what reads them in the layers behind. What is left is an ordinary dense network with narrower layers, which is then trained
on. Instead of the share you may say how many parameters the network shall have: the fair opponent of a method that chooses the
widths itself.

After Li, Kadav, Durdanovic, Samet, Graf: "Pruning Filters for Efficient ConvNets", 2016, arXiv 1608.08710. Layers that are
tied together, by a residual sum or a depthwise convolution, are weighed together and keep the same channels.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import Params as Declared
from worker.params import param
from worker.recipe import Chart, Paper, recipe
from worker.recipes.pruning import ACCURACY, LOSS, PHASES, RATE, TRADEOFF, GivenParams, TrainingParams

if TYPE_CHECKING:
    from worker.pruning.pruned import Prune

WIDTHS = Chart("bars", "Channels kept by layer", y=("density",), x="layer", y_title="channels left", percent=True)


class WidthParams(Declared):
    """How narrow it becomes."""

    channels: float = param(0.5, help="Share of its channels that each layer keeps; 0.5 is half of them and about a quarter of "
                                      "the weights.", essential=True, gt=0, lt=1)
    budget_params: int = param(0, help="Take the share with which the network has nearest to so many parameters; 0 takes the "
                                       "share that is given.", unit="parameters", ge=0, le=10**12)
    norm: Literal["l1", "l2"] = param("l1", help="Weigh channels by the sum of magnitudes of their weights, or of squares.")
    round_to: int = param(1, help="Widths become multiples of this; 8 often runs faster.", unit="channels", ge=1, le=64)
    min_channels: int = param(1, help="No layer gets narrower than this.", unit="channels", ge=1, le=1024)


class Params(TrainingParams, WidthParams, GivenParams):
    pass


@recipe(
    "Channels by L1 norm", params=Params, makes="smaller", charts=[TRADEOFF, ACCURACY, WIDTHS, LOSS, RATE, PHASES],
    example={"model": "lenet5", "dataset": "digits", "channels": 0.5, "epochs": 2},
    presets={"quick look": {"epochs": 3, "channels": 0.5}, "careful": {"epochs": 30, "channels": 0.5}},
    use_when="a network should become narrower by a known amount, whatever it is made of.",
    papers=[Paper("li2016pruning", ("Li, Hao", "Kadav, Asim", "Durdanovic, Igor", "Samet, Hanan", "Graf, Hans Peter"),
                  "Pruning Filters for Efficient ConvNets", 2016, arxiv="1608.08710")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare

    label = f"channels to {params.budget_params} params" if params.budget_params else f"channels {params.channels:g}"
    return (yield from compare(label, _prune(params), params.terms(context), context))


def _prune(params: Params) -> Prune:
    from worker.pruning import channels

    rules = channels.Rules(params.channels, params=params.budget_params, norm=params.norm, round_to=params.round_to,
                           min_channels=params.min_channels)
    return lambda subject: channels.prune(subject.network, rules)
