"""Reconvene: narrow the layers that bear it before training, in seconds, and train the small dense network once.

How it works: single weights are pruned by magnitude first, only to see which layers bear it. A layer whose sparsity is above
the average becomes as much narrower as the weights it would keep; the others stay as wide as they are. The narrow network is
dense, gets its weights (see the flag redraw) and is trained once; the wide one is trained beside it when a reference is asked
for. It looks at no data before that, unless the criterion is SNIP.

Eccles, Wong, Varghese: "Rapid Deployment of DNNs for Edge Computing via Structured Pruning at Initialization", 2024,
arXiv 2404.16877. The average, the width rule, what becomes of layers that are added to each other and what is drawn afresh are
reconstructions, so they are parameters here.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Chart, Paper, recipe
from worker.recipes.pruning import ACCURACY, EXAMPLE, LOSS, PHASES, PRESETS, RATE, TRADEOFF, PruningParams

if TYPE_CHECKING:
    from worker.pruning.pruned import Prune
    from worker.pruning.unstructured import Search

SENSITIVITY = Chart("bars", "Density by layer; layers under the line were made narrower", y=("density",), x="layer",
                    line="sensitivity", y_title="weights left", percent=True)


class Params(PruningParams):
    start: Literal["given", "initialisation"] = param(
        "initialisation", help="Whose magnitudes decide the widths: fresh weights, or those the model came with.",
        essential=True)
    warm_up_epochs: int = param(
        0, help="Epochs of training of the whole network before it is judged: a short training. The dense network is trained "
                "for these and the epochs after; weights that are drawn afresh begin with the learning rate that has fallen by "
                "then, and get as many epochs fewer.", unit="epochs", ge=0, le=10_000)
    criterion: Literal["magnitude", "synflow", "snip", "random"] = param(
        "magnitude", help="By what single weights are pruned to judge the layers: size, the flow through them, the loss without "
                          "them, or lots.")
    scope: Literal["global", "local"] = param(
        "global", help="Rank all weights together, or prune the same part of every layer, which tells no layer from another.")
    iterations: int = param(10, help="Rounds in which SNIP and SynFlow score and prune; SynFlow's authors take 100.",
                            unit="rounds", ge=1, le=1000)
    images_per_class: int = param(10, help="Training images of each class that SNIP looks at.", unit="images", ge=1, le=10_000)
    weights_drawn: Literal["kaiming_normal", "xavier_normal", "orthogonal", "normal"] = param(
        "kaiming_normal", help="How fresh weights are drawn, before narrowing and after: by the number of inputs, of inputs and "
                               "outputs, orthogonal, or of one size in all layers. The dense network's are Kaiming's.")
    average: Literal["layer_mean", "param_weighted"] = param(
        "layer_mean", help="A layer is narrowed when its sparsity is above this average: of layers, or of all weights.")
    width_rule: Literal["density", "root_of_density"] = param(
        "density", help="A narrowed layer keeps as large a part of its channels as of its weights, or that part's square root.")
    couple: Literal["internal", "min_ratio"] = param(
        "internal", help="Layers that are added to each other keep their width; or they are narrowed when all of them bear it, "
                         "to what the densest needs.")
    redraw: Literal["all", "affected"] = param(
        "all", help="Draw all weights afresh after narrowing, or only those of layers whose shape changed.")
    round_to: int = param(1, help="Widths become multiples of this; 8 often runs faster.", unit="channels", ge=1, le=64)
    min_channels: int = param(1, help="No layer gets narrower than this.", unit="channels", ge=1, le=1024)
    control: Literal["none", "shuffle", "reinitialise", "invert"] = param(
        "none", help="A check of what the scores are worth. Widths come from how many weights of each layer stay: drawing by lot "
                     "which do changes nothing but, where not all weights are redrawn, the channels that are kept; drawing the "
                     "weights afresh trains the same widths from another seed; keeping the weights with the lowest scores finds "
                     "other widths.")


@recipe(
    "Reconvene", params=Params, makes="smaller", charts=[TRADEOFF, ACCURACY, SENSITIVITY, LOSS, RATE, PHASES], example=EXAMPLE,
    presets=PRESETS,
    use_when="a smaller network is wanted before any training is paid for.",
    papers=[Paper("eccles2024rapid", ("Eccles, Bailey J.", "Wong, Leon", "Varghese, Blesson"),
                  "Rapid Deployment of DNNs for Edge Computing via Structured Pruning at Initialization", 2024,
                  venue="IEEE/ACM CCGrid 2024, pp. 317-326", arxiv="2404.16877")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare

    return (yield from compare(params.label("reconvene"), _prune(params), params.terms(context), context))


def _prune(params: Params) -> Prune:
    from worker.pruning import reconvene

    rules = reconvene.Rules(
        density=1 - params.sparsity, scope=params.scope, drawn=params.weights_drawn, fresh=params.start == "initialisation",
        average=params.average, width_rule=params.width_rule, couple=params.couple, redraw=params.redraw,
        round_to=params.round_to, min_channels=params.min_channels, control=params.control, seed=params.seed)
    return lambda subject: reconvene.prune(subject, _search(params), rules)


def _search(params: Params) -> Search:
    from worker.pruning import criteria

    rounds = criteria.Rounds(params.iterations)
    match params.criterion:
        case "synflow":
            return criteria.synflow(rounds)
        case "snip":
            return criteria.snip(params.images_per_class, rounds)
        case "random":
            return criteria.random()
    return criteria.magnitude()
