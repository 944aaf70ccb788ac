"""Prediction: what a network would take on a device where nobody has measured it, block by block, with the error of such numbers.

How it works: the network is split into blocks, and the MACs by kind of operator, the bytes and the parameters of each are
counted; nothing is timed. Several forms (work and bytes added, the longer of the two, with one price or one for each kind of
operator, the same blocks elsewhere) are fitted to the profiles that the team has measured, with prices that are never negative.
The form whose error is the smallest when devices and networks are left out predicts, and that error stands beside every number:
95 % of the left-out numbers were closer, of fewer than twenty all. No left-out number chooses the form that answers it.

The regression is the house's own; that a block's time may be predicted from what it computes and moves is also the way of
Neurosurgeon: Kang, Hauswald, Gao, Rovinski, Mudge, Mars, Tang: "Neurosurgeon: Collaborative Intelligence Between the Cloud and
Mobile Edge", 2017 (ASPLOS; no arXiv id).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import DatasetRef, DeviceRef, ModelRef, param
from worker.params import Params as EveryRecipe
from worker.recipe import Chart, recipe


class Params(EveryRecipe):
    model: ModelRef = param(help="The network whose times are wanted.", essential=True)
    dataset: DatasetRef = param(help="Says the size of the images; they are not used otherwise.", essential=True)
    device: DeviceRef = param(help="The device to predict for; nothing runs on it.", essential=True)
    engine: Literal["any", "onnxruntime", "torch"] = param(
        "any", help="Rest on profiles of this engine; any: of the one whose left-out error is the smallest.", essential=True)
    measured_threads: int = param(
        0, help="Rest on profiles of so many threads; 0: of the number whose left-out error is the smallest.", unit="threads",
        ge=0, le=1024)
    batch: int = param(1, help="Images per inference.", unit="images", ge=1, le=1024)
    cuts: Literal["blocks", "layers"] = param(
        "blocks", help="Where blocks end: before every layer that multiplies, pools or joins, or behind every single layer.")


@recipe(
    "Prediction", params=Params, needs_profiles=True,
    charts=[Chart("bars", "Predicted time of each block", y=("predicted_ms",), x="block", by="kind",
                  x_title="block, as numbered in the table", y_title="time, ms")],
    example={"model": "lenet5", "dataset": "digits", "device": "a new board"},
    use_when="you wonder whether a device is worth being tried, and nobody has measured the network on it.",
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.profiling.predicting import predicted

    return (yield from predicted(params.engine, params.measured_threads, params.batch, params.cuts, context))
