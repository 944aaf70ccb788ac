"""Structured pruning at initialisation: cut out the channels whose weights score least, until the network costs what you say.

How it works: every single weight is scored, by its size, by SNIP or by SynFlow. The scores of all weights that make a channel
are summed up, over all layers that are tied together in it, and held against the parameters (or multiply-accumulates) that go
with the channel. The least worthy channels of the whole network are given up, round by round with fresh scores, until the rest
fits; then they are cut out at once. No layer loses its last channel.

The structured form of SNIP (Lee, Ajanthan, Torr, 2018, arXiv 1810.02340) and of SynFlow (Tanaka, Kunin, Yamins, Ganguli, 2020,
arXiv 2006.05467). Holding the score against its cost is this house's reading, so it can be switched off.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Paper, recipe
from worker.recipes.pruning import ACCURACY, EXAMPLE, LOSS, PHASES, PRESETS, RATE, TRADEOFF, PruningParams
from worker.recipes.pruning.l1_channels import WIDTHS

if TYPE_CHECKING:
    from worker.pruning.pruned import Prune


class Params(PruningParams):
    sparsity: float = param(0.875, help="Part of the network's parameters (or multiply-accumulates) that goes; 0.875 leaves one "
                                        "in eight.", essential=True, gt=0, lt=1)
    start: Literal["given", "initialisation"] = param(
        "initialisation", help="Prune fresh weights, or those the model came with.", essential=True)
    budget: Literal["params", "macs"] = param(
        "params", help="What the network must fit into: parameters or multiply-accumulates.")
    criterion: Literal["synflow", "snip", "magnitude"] = param(
        "synflow", help="How single weights are scored: by the flow through them, by the loss without them, or by size.")
    images_per_class: int = param(10, help="Training images of each class that SNIP looks at.", unit="images", ge=1, le=10_000)
    iterations: int = param(10, help="Rounds of scoring and giving up channels; 1 does all at once.", unit="rounds",
                            ge=1, le=1000)
    rank: Literal["by_cost", "by_score"] = param(
        "by_cost", help="Hold a channel's score against what the channel costs, or rank by the score alone.")
    round_to: int = param(1, help="Widths become multiples of this; 8 often runs faster.", unit="channels", ge=1, le=64)
    min_channels: int = param(1, help="No layer gets narrower than this.", unit="channels", ge=1, le=1024)
    control: Literal["none", "shuffle", "reinitialise", "invert"] = param(
        "none", help="A check of what the scores are worth: take as many channels of each layer but by lot, draw all weights "
                     "afresh after the cut, or keep the worst.")


@recipe(
    "Structured pruning at initialisation (SPaI)", params=Params, makes="smaller",
    charts=[TRADEOFF, ACCURACY, WIDTHS, LOSS, RATE, PHASES], example=EXAMPLE, presets=PRESETS,
    use_when="a network should fit into so many parameters or multiply-accumulates before it is trained.",
    papers=[Paper("lee2018snip", ("Lee, Namhoon", "Ajanthan, Thalaiyasingam", "Torr, Philip H. S."),
                  "SNIP: Single-shot Network Pruning based on Connection Sensitivity", 2018, arxiv="1810.02340"),
            Paper("tanaka2020pruning", ("Tanaka, Hidenori", "Kunin, Daniel", "Yamins, Daniel L. K.", "Ganguli, Surya"),
                  "Pruning neural networks without any data by iteratively conserving synaptic flow", 2020, arxiv="2006.05467")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare

    return (yield from compare(params.label(f"spai {params.criterion}"), _prune(params), params.terms(context), context))


def _prune(params: Params) -> Prune:
    from worker.pruning import spai
    from worker.pruning.weighing import weighing

    rules = spai.Rules(
        1 - params.sparsity, of=params.budget, rounds=params.iterations, rank=params.rank, round_to=params.round_to,
        min_channels=params.min_channels, control=params.control, seed=params.seed)
    return lambda subject: spai.prune(subject.network, rules, weighing(
        params.criterion, subject.data, per_class=params.images_per_class, seed=params.seed))
