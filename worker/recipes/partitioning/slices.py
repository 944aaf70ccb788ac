"""Slices: run a plan for real, each part in a process of its own, with links between, and hold it against its prediction.

How it works: the network is cut behind the layers that the plan names, and each part is written as a file of its own (ONNX, or
safetensors for torch). Each part runs in a separate process; tensors go from one to the next as frames over sockets. Where all
parts stand on one computer, what lies between two of them is emulated: a message waits the latency, and its bytes leave at the
bandwidth. First each part is timed alone in its own process, which makes the prediction: the sum of these times, and of each
link its latency and bytes over bandwidth. Then images go through one by one, and every part says when it had them, began, ended
and sent on, so that each part and each link stands measured beside predicted. The answers are compared, bit by bit, with those
of the same slices in one process, and with the whole network's.

What planners predict is run and measured here: Lockhart, Harvey, Imai, Willis, Varghese: "Scission: Performance-driven and
Context-aware Cloud-Edge Distribution of Deep Neural Networks", 2020, arXiv 2008.03523.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from worker.context import Context
from worker.events import Event
from worker.evidence import Evidence
from worker.orders import Order
from worker.params import DatasetRef, DeviceRef, ModelRef, param
from worker.params import Params as EveryRecipe
from worker.planning import parted
from worker.recipe import Board, Chart, Paper, recipe
from worker.structure import Structure

LONGEST = 2000
BOARDS = "boards"
ONLY_THERE = "Parts stand on boards only for a run of the portal, which knows where: leave 'where' as it is here."
NO_LINK = ("What lies between {ends} is not known: say it in a line such as '{ends}: 20 ms, 20 Mbit/s', or on the page of links "
           "for devices of these names; in a terminal also in a file that --links names.")


class Params(EveryRecipe):
    model: ModelRef = param(help="The network that is run in parts.", essential=True)
    dataset: DatasetRef = param(help="Its test images are sent, one by one.", essential=True)
    plan: str = param(essential=True, lines=True, cuts="run", max_length=LONGEST, help=(
        "Who runs up to which layer, a part a line: 'pi until features.12', then 'edge until features.20', and the last one only "
        "by its name: 'cloud'. 'pi until input' holds the input and runs nothing."))
    between: str = param("", title="links", essential=True, lines=True, max_length=LONGEST, help=(
        "What lies between two parts, a line each: 'pi to edge: 20 ms, 20 Mbit/s'. A link that is not said here is the one that "
        "the team keeps between devices of these names."))
    where: Literal["one computer", "boards"] = param(
        "one computer", title="parts stand on", essential=True,
        help="one computer: all parts run in one place, and the links between them are emulated; boards: each part runs on the "
             "board of its name, and what lies between them is what it is. The first part's board, or this computer, sends the "
             "images.")
    device: DeviceRef = param("", help="Where it runs: empty means this computer. On a board all parts run there, in ONNX "
                                       "Runtime.")
    engine: Literal["onnxruntime", "torch"] = param(
        "onnxruntime", help="What runs the parts: ONNX Runtime, a file each, as they would be deployed; torch, operation by "
                            "operation.", essential=True)
    images: int = param(30, help="Images that are sent and timed.", unit="images", essential=True, ge=6, le=1000)
    warmup: int = param(3, help="Images before the first timed one.", unit="images", ge=0, le=100)
    planned_ms: float = param(0.0, title="planned", unit="ms", ge=0, le=1e9,
                              help="What the planner said that this very plan takes, to stand beside; 0: nothing.")
    planned_for: str = param("", title="planned for", lines=True, max_length=LONGEST, help=(
        "The plan and the links of which the planner said it, a line each; while others stand above, its number does not count. "
        "Empty: of what stands above."))
    planned_from: Literal["not said", "measured", "emulated", "predicted"] = param(
        "not said", title="planned from", help="What the block times were that the planner's number rests on.")

    @field_validator("plan")
    @classmethod
    def _can_be_run(cls, value: str) -> str:
        return "; ".join(map(str, parted.read_plan(value)))

    @field_validator("planned_for")
    @classmethod
    def _can_be_seen(cls, value: str) -> str:
        return "; ".join(parted.lines(value))

    @field_validator("between")
    @classmethod
    def _are_links(cls, value: str, info: ValidationInfo) -> str:
        names = [part.name for part in parted.read_plan(info.data["plan"])] if "plan" in info.data else []
        return "; ".join(map(str, parted.read_links(value, names)))

    @property
    def planned(self) -> parted.Planned:
        """What a planner said, and whether it said it of this plan over these links."""
        mine = parted.lines(parted.mark(self.parts, self.said_links))
        is_other = bool(self.planned_for) and parted.lines(self.planned_for) != mine
        return parted.Planned(self.planned_ms, "" if self.planned_from == "not said" else self.planned_from, is_other=is_other)

    def remarks(self) -> list[str]:
        return [parted.OTHER_PLAN.format(ms=self.planned_ms)] if self.planned_ms and self.planned.is_other else []

    @property
    def parts(self) -> tuple[parted.PartAsked, ...]:
        return parted.read_plan(self.plan)

    @property
    def said_links(self) -> tuple[parted.LinkAsked, ...]:
        return parted.read_links(self.between, [part.name for part in self.parts])


def lacks(params: Params, evidence: Evidence) -> dict[str, str]:
    _, lacking = parted.between(params.parts, params.said_links, evidence)
    return {"between": NO_LINK.format(ends=lacking[0])} if lacking else {}


def unfit(params: Params, known: Structure, evidence: Evidence) -> dict[str, str]:
    """A layer behind which this network cannot be cut; a link over which what is cut there would take too long."""
    if sentence := parted.uncut(params.parts, known):
        return {"plan": sentence}
    links, lacking = parted.between(params.parts, params.said_links, evidence)
    sizes = parted.out_bytes(params.parts, known, is_int8_kept=params.engine == "onnxruntime")
    slow = "" if lacking else parted.too_slow(links, sizes)
    return {"between": slow} if slow else {}


def prepare(params: Params, context: Context) -> Generator[Event, None, Order]:
    from worker.partitioning.slicing import boards, preparing

    links, _ = parted.between(params.parts, params.said_links, context.profiles())
    order = yield from preparing.prepare(params.parts, links, params.engine, params.images, context)
    return boards.parcelled(order, params.engine) if params.where == BOARDS else order


def measure(params: Params, order: Order, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """On a board too: nothing from here on knows torch, unless torch is what runs the parts."""
    from worker.partitioning.slicing import boards, streaming
    from worker.partitioning.slicing.asked import asked

    if params.where == BOARDS and not context.hosts:
        raise ValueError(ONLY_THERE)
    what = asked(order, engine=params.engine, images=params.images, warmup=params.warmup, context=context,
                 emulated=params.where != BOARDS, planned=params.planned)
    return (yield from (boards.apart if params.where == BOARDS else streaming.here)(what, context))


def hosts(params: Params) -> tuple[str, ...]:
    return tuple(part.name for part in params.parts) if params.where == BOARDS else ()


def refuse(params: Params) -> dict[str, str]:
    if params.where == BOARDS and params.device:
        return {"device": "parts that stand on boards say by their names where: leave it empty"}
    if params.where == BOARDS and len(params.parts) < 2:
        return {"plan": "has one part only; parts stand on boards where there are two at least"}
    if params.engine == "onnxruntime":
        return {}
    return {"engine": f"a board has no {params.engine}: choose onnxruntime, or let this computer run the parts"}


@recipe(
    "Slices", params=Params, needs_quiet=True, board=Board(prepare, measure, refuse, hosts), needs_links=True, lacks=lacks,
    unfit=unfit,
    charts=[Chart("lanes", "From image to answer", y=("lane_latency_ms",), x="way", by="where",
                  x_title="way", y_title="ms of a typical image"),
            Chart("bars", "Each part and link: predicted beside measured", y=("part_latency_ms",), x="part", by="way",
                  x_title="part, or from part to part", y_title="ms"),
            Chart("line", "Every image", y=("image_latency_ms",), by="way", x_title="image", y_title="ms")],
    example={"model": "lenet5", "dataset": "digits", "plan": "pi until pool1; edge until relu3; cloud",
             "between": "pi to edge: 2 ms, 50 Mbit/s; edge to cloud: 1 ms, 100 Mbit/s", "images": 12, "warmup": 1},
    presets={"quick look": {"images": 10}, "careful": {"images": 200, "warmup": 10}},
    use_when="you have a plan and want to see it run: what it really takes, part by part, and whether the answers stay the same.",
    papers=[Paper("lockhart2020scission",
                  ("Lockhart, Luke", "Harvey, Paul", "Imai, Pierre", "Willis, Peter", "Varghese, Blesson"),
                  "Scission: Performance-driven and Context-aware Cloud-Edge Distribution of Deep Neural Networks", 2020,
                  arxiv="2008.03523")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    order = yield from prepare(params, context)
    return (yield from measure(params, order, context))
