"""ScissionLite: a transfer layer at the cut makes the feature map small before it is sent and whole again behind it.

How it works: a network is cut in two, and behind the cut layer two small halves are put in: one before the network, one behind
it. The published pair takes the largest of each 2x2 window and repeats it; others take means, train a strided convolution, or go
through a few channels, and each may round what it sends to int8. The network is trained on with the halves inside, with the best
epoch by the validation part kept, and taught by the uncut network where asked for. A pair that costs more accuracy than is
allowed is refused, and the next one or the next cut is tried. Of an accepted one everything is measured: bytes, time of both
halves and of packing, accuracy on the test part. Head and tail become two ONNX files with what is sent between them, and what
was found becomes an offer to the planner. Beside it stands what else could be sent: the feature map as it is, the picture as a
JPEG, or nothing, where the device does all.

Ahn, Lee, Hong, Varghese: "ScissionLite: Accelerating Distributed Deep Neural Networks Using Transfer Layer", 2021, arXiv
2105.02019.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from worker.context import Context
from worker.events import Event
from worker.evidence import Evidence
from worker.params import DatasetRef, ModelRef, Profiled, param
from worker.params import Params as EveryRecipe
from worker.partitioning.transfer import options
from worker.planning import cutting
from worker.planning.basis import faults
from worker.recipe import Chart, Paper, recipe
from worker.recipes.partitioning.scission import lines
from worker.structure import Layer, Structure

LONGEST, MOST_NAMED = 2000, 3
USUAL = "max-pool, int8; average, int8; strided, int8; bottleneck 4, int8; identity, int8"
NOWHERE = "say behind which layer it is cut, or name a network with profiles, so that the cut can be chosen"


class Params(EveryRecipe):
    model: ModelRef = param(help="The network that is cut.", essential=True)
    dataset: DatasetRef = param(help="What it is trained on with the transfer layer, and tested on.", essential=True)
    after: str = param("", title="cut behind", max_length=120, essential=True, cuts="run", help=(
        "The layer behind which it is cut. Empty: the cut that pays most between two devices, by profiles of the network."))
    network: Annotated[str, Field(max_length=120), Profiled()] = param(
        "", title="profiles of", essential=True, help=(
            "The network as its profiles are called, and with them the devices and links. Empty: head and tail are timed on this "
            "computer, behind the layer that is named."))
    devices: str = param("", lines=True, max_length=LONGEST, help=(
        "Names of the devices that may be used, one a line (or parted by ;), the sender first; empty: all that have a profile."))
    least_blocks: int = param(1, title="blocks before the cut", help=(
        "Where the cut is chosen: so many blocks the sender runs at least. Behind the first layers a feature map still shows the "
        "picture."), unit="blocks", ge=1, le=5000)
    layers: str = param(USUAL, title="transfer layers", lines=True, max_length=LONGEST, essential=True, help=(
        f"Transfer layers that may be used, one a line (or parted by ;): {', '.join(options.KINDS)}, each also with int8 or int8 "
        "per channel behind a comma; bottleneck 8 sends an eighth of the channels. What sends least, or where profiles are known "
        "takes least, is tried first."))
    max_drop: float = param(0.5, title="allowed drop", help="How many points of validation accuracy it may cost.",
                            unit="points", ge=0, le=100, essential=True)
    epochs: int = param(8, help="Training with the transfer layer inside.", unit="epochs", ge=0, le=10_000, essential=True)
    wanted: int = param(1, help="Go on until so many are accepted; each becomes a variant and an offer to the planner.",
                        unit="transfer layers", ge=1, le=20)
    tries: int = param(5, help="Transfer layers that are trained at most.", unit="transfer layers", ge=1, le=100)
    tuning_rate: float = param(0.01, help="Learning rate of this training; it falls to zero along a cosine.", gt=0, le=10)
    batch_size: int = param(64, help="Images per training step.", unit="images", ge=1, le=65_536)
    distillation: float = param(1.0, help="How much the answers of the uncut network count beside the labels; 0: nothing.", ge=0,
                                le=1000)
    restoring: float = param(0.0, help="How much it counts that the feature map comes back as it was; 0: nothing.", ge=0, le=1000)
    augment: Literal["none", "crop_flip"] = param(
        "none", help="Change the training images anew each epoch; digits and letters must not be mirrored.")
    epochs_before: int = param(10, help="Of a network that came untrained: training before it is cut.", unit="epochs", ge=0,
                               le=10_000)
    bandwidth_mbps: float = param(20.0, help="The link, where no profiles and links say it.", unit="Mbit/s", gt=0, le=1e6)
    latency_ms: float = param(20.0, help="Its round trip, where no profiles and links say it.", unit="ms", ge=0, le=60_000)
    receiver_speed: float = param(10.0, help="Where no profiles say it, how many times as fast as this computer the receiver is "
                                             "taken to be.", unit="times", gt=0, le=1e6)

    @field_validator("layers")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        found = options.each_once([options.read(line) for line in lines(value)])
        if not found:
            raise ValueError("name at least one transfer layer")
        return "; ".join(map(str, found))

    @field_validator("devices")
    @classmethod
    def _each_once(cls, value: str) -> str:
        return "; ".join(dict.fromkeys(lines(value)))

    @field_validator("network", "after")
    @classmethod
    def _can_be_seen(cls, value: str) -> str:
        lines(value)
        return value.strip()


def lacks(params: Params, evidence: Evidence) -> dict[str, str]:
    if not params.network:
        return {} if params.after else {"after": f"{NOWHERE[:1].upper()}{NOWHERE[1:]}."}
    found = faults(evidence, params.network, lines(params.devices))
    return {"network" if field == "model" else field: sentence for field, sentence in found.items()}


def unfit(params: Params, known: Structure, evidence: Evidence) -> dict[str, str]:
    """A layer behind which this network cannot be cut, or where none of the transfer layers can stand."""
    if not params.after:
        return {}
    if why := cutting.refused(known, params.after):
        return {"after": f"{why[:1].upper()}{why[1:]}."}
    wanted = [options.read(line) for line in lines(params.layers)]

    def fits(layer: Layer) -> bool:
        return any(not each.unfit(layer.out_shape) for each in wanted)

    if fits(cutting.layer(known, params.after)):
        return {}
    return {"after": _none_stands(params.after, wanted, known, cutting.nearest(known, params.after, fits))}


def _none_stands(after: str, wanted: Sequence[options.Option], known: Structure, near: Sequence[str]) -> str:
    shape = cutting.layer(known, after).out_shape
    why = "; ".join(f"{each}: {each.unfit(shape)}" for each in wanted[:MOST_NAMED])
    where = f"One can behind {' or '.join(near)}." if near else "None can anywhere in this network."
    return f"No transfer layer that is named can stand behind {after} ({why}). {where}"


@recipe(
    "ScissionLite", params=Params, needs_profiles=True, needs_links=True, lacks=lacks, unfit=unfit,
    charts=[Chart("line", "Latency over bandwidth: which way of sending is the fastest", y=("way_latency_ms",), by="way",
                  x_title="kbit/s", y_title="ms, predicted", logarithmic=True),
            Chart("bands", "The fastest way while the link gets worse and better", y=("band_latency_ms",), by="way",
                  x_title="times the link's bandwidth as it is",
                  y_title="ms over the link as it is, predicted"),
            Chart("bars", "Bytes for an image", y=("message_bytes",), x="way", x_title="what is sent", y_title="bytes, measured"),
            Chart("bars", "Accuracy with what is sent", y=("way_accuracy",), x="way", x_title="what is sent",
                  y_title="accuracy, test", percent=True),
            Chart("bars", "Transfer layers tried", y=("option_drop",), x="option", line="allowed_drop",
                  x_title="transfer layer", y_title="points lost, validation"),
            Chart("bars", "What a transfer layer takes", y=("overhead_latency_ms",), x="part", by="option", x_title="part",
                  y_title="ms, measured"),
            Chart("line", "Accuracy per epoch", y=("accuracy",), by="variant", x_title="epoch", y_title="accuracy",
                  percent=True)],
    example={"model": "lenet5", "dataset": "digits", "after": "pool1", "layers": "max-pool, int8", "epochs": 1,
             "epochs_before": 1, "max_drop": 100.0, "tries": 1},
    presets={"quick look": {"epochs": 2, "tries": 2}, "careful": {"epochs": 30, "tries": 10, "wanted": 3}},
    use_when="a network is cut between two devices and what crosses the cut is too much for the link.",
    papers=[Paper("ahn2021scissionlite", ("Ahn, Hyunho", "Lee, Munkyu", "Hong, Cheol-Ho", "Varghese, Blesson"),
                  "ScissionLite: Accelerating Distributed Deep Neural Networks Using Transfer Layer", 2021, arxiv="2105.02019")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.partitioning.transfer.as_run import transferred
    from worker.partitioning.transfer.asking import Asked

    if wrong := lacks(params, context.profiles()):
        raise ValueError(" ".join(wrong.values()))
    return (yield from transferred(Asked(
        after=params.after, network=params.network, devices=tuple(lines(params.devices)),
        least_blocks=params.least_blocks,
        layers=tuple(options.read(line) for line in lines(params.layers)), most_drop=params.max_drop / 100, wanted=params.wanted,
        tries=params.tries, epochs=params.epochs, epochs_before=params.epochs_before, learning_rate=params.tuning_rate,
        batch_size=params.batch_size, distillation=params.distillation, restoring=params.restoring, augment=params.augment,
        latency_ms=params.latency_ms, bandwidth_mbps=params.bandwidth_mbps, receiver_speed=params.receiver_speed), context))
