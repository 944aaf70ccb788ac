"""Accuracy: how often a network is right on the test part of a data set, and how sure that many images make us.

How it works: the network answers every image of the test part, which no choice has seen, in evaluation mode and batch by
batch; the share of right answers is the accuracy. Nothing is trained, and the file is not changed.

The 95 % interval is Wilson's: Wilson, 1927, Journal of the American Statistical Association 22 (no arXiv id).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from worker.context import Context
from worker.events import Event, Log, Measured
from worker.params import AnyModelRef, DatasetRef, param
from worker.params import Params as EveryRecipe
from worker.recipe import recipe

if TYPE_CHECKING:
    from worker.training.accuracy import Score


class Params(EveryRecipe):
    model: AnyModelRef = param(help="The network to judge, as it is.", essential=True)
    dataset: DatasetRef = param(help="Its test part is used; nothing is trained.", essential=True)


@recipe(
    "Accuracy", params=Params, example={"model": "lenet5", "dataset": "digits"},
    use_when="you brought a network with its weights and want to know how good they are here.",
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    import torch

    torch.set_num_threads(context.threads)
    name, data = context.model().name, context.dataset().name
    found = yield from (_by_torch(context) if context.model().precision == "fp32" else _by_onnx(context))
    if not found.finite:
        yield Log(level="warning", message=f"Some answers of {name} are no numbers; whether such a one counts is an accident.")
    low, high = found.interval
    told = f"right on {100 * found.accuracy:.1f} % of the test images of {data}"
    return {"accuracy_after": found.accuracy, "verdict": f"{told} (95 % {100 * low:.1f}-{100 * high:.1f}, n = {found.n})"}


def _by_torch(context: Context) -> Generator[Event, None, Score]:
    from worker.profiling.opening import opened
    from worker.training.accuracy import judged

    given = yield from opened(context, "given")
    return (yield from judged(given.network, given.data, context.model().name))


def _by_onnx(context: Context) -> Generator[Event, None, Score]:
    """A quantised network runs in ONNX Runtime only."""
    from worker.profiling.answers import answers
    from worker.profiling.subject import subject
    from worker.training.accuracy import Score

    given = yield from subject(context)
    said = yield from answers(given.variant, given.data, context)
    found = Score(said.correct, len(said.labels), said.finite)
    low, high = found.interval
    yield Measured(variant=given.variant.name, metric="accuracy", value=found.accuracy, unit="fraction", dataset=given.data.name,
                   engine="onnxruntime", split="test", n=found.n, low=low, high=high)
    return found
