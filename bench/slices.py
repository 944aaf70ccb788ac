"""Slices: plans that are run, each part in a process of its own over emulated links, against what was predicted of them."""

from __future__ import annotations

import random
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from worker import menu
from worker.context import Context
from worker.dnn import architectures
from worker.dnn.shapes import Shape
from worker.events import Failed, Finished
from worker.executor import execute
from worker.flags import resolve
from worker.planning.parted import LinkAsked
from worker.profiling.layerwise import parted

PLANS, IMAGES, WARM, GOAL_PERCENT = 30, 20, 3, 15.0
NETWORKS = ("densenet121", "googlenet", "mobilenet_v2", "resnet18", "resnet56", "shufflenet_v2", "squeezenet", "vgg11")
DATA, SHAPE, CLASSES = "digits32", (1, 32, 32), 10
# A round trip, which every message waits, and Mbit/s.
LINKS = {"wired": (1.0, 1000.0), "Wi-Fi": (5.0, 50.0), "4G": (27.4, 20.0)}
NAMES = ("device", "edge", "cloud", "far")


class Plan(NamedTuple):
    """A network, behind which layers it is cut, and over what each cut is crossed."""

    network: str
    after: tuple[str, ...]
    over: tuple[str, ...]

    @property
    def lines(self) -> str:
        ends = [f"{name} until {layer}" for name, layer in zip(NAMES, self.after, strict=False)]
        return "; ".join([*ends, NAMES[len(self.after)]])

    @property
    def links(self) -> str:
        ends = zip(pairwise(NAMES), self.over, strict=False)
        return "; ".join(str(LinkAsked(*names, *LINKS[kind])) for names, kind in ends)

    @property
    def words(self) -> str:
        return f"{self.network}, {len(self.after) + 1} parts, cut behind {', '.join(self.after)}; {', '.join(self.over)}"


def drawn(seed: int) -> Plan:
    """Any network, two to four parts, any of its cuts, any links."""
    chance = random.Random(seed)
    network = chance.choice(NETWORKS)
    places = cuts(network, SHAPE)
    count = chance.randint(1, len(NAMES) - 1)
    chosen = sorted(chance.sample(range(len(places)), count))
    return Plan(network, tuple(places[each] for each in chosen), tuple(chance.choice(list(LINKS)) for _ in chosen))


@cache
def cuts(network: str, in_shape: Shape) -> tuple[str, ...]:
    return tuple(parted(architectures.build(network, CLASSES, in_shape, seed=0), in_shape, "blocks")[0])


def ran(plan: Plan) -> dict[str, Any]:
    """The summary of a run of the recipe, as anybody would start it."""
    recipe = menu.get("partitioning.slices")
    params = recipe.params.model_validate({"model": plan.network, "dataset": DATA, "plan": plan.lines, "between": plan.links,
                                           "images": IMAGES, "warmup": WARM})
    with tempfile.TemporaryDirectory() as folder:
        *_, last = execute(recipe, params, Context(Path(folder), inputs=resolve(params)))
    if isinstance(last, Failed):
        raise SystemExit(f"{plan.words}: {last.reason}")
    assert isinstance(last, Finished)
    return last.summary


def rows() -> Iterator[tuple[str, str]]:
    said = ", ".join(f"{name} {latency:g} ms, {mbps:g} Mbit/s" for name, (latency, mbps) in LINKS.items())
    yield "links, emulated", said
    yield "each plan", f"{IMAGES} images of {DATA}, ONNX Runtime, one thread a part; all parts on this computer"
    found = []
    for seed in range(PLANS):
        plan = drawn(seed)
        found.append(ran(plan))
        yield f"{seed + 1}. {plan.words}", told(found[-1])
    yield from together(found)


def told(run: dict[str, Any]) -> str:
    between = f"{run['split_latency_ms_low']:.3g} to {run['split_latency_ms_high']:.3g}"
    return (f"measured {run['split_latency_ms']:.3g} ms ({between}), predicted {run['predicted_latency_ms']:.3g} ms: "
            f"{run['latency_off_percent']:+.1f} %")


def together(found: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    off = [abs(run["latency_off_percent"]) for run in found]
    median = statistics.median(off)
    goal = f"goal: at most {GOAL_PERCENT:g} %"
    yield f"end to end, {len(found)} plans: off by", (
        f"median {median:.1f} %, mean {statistics.fmean(off):.1f} %, at worst {max(off):.1f} % "
        f"({goal if median <= GOAL_PERCENT else f'**MISSED** {goal}'})")
    parts = [(measured, predicted) for run in found for measured, predicted in _pairs(run, "parts") if predicted]
    hops = [pair for run in found for pair in _pairs(run, "links")]
    for what, pairs in (("a part", parts), ("a link", hops)):
        shares = [abs(predicted / measured - 1) for measured, predicted in pairs]
        late = statistics.median(measured - predicted for measured, predicted in pairs)
        yield f"{what}: off by", (f"median {statistics.median(shares):.1%}; took {late:.2f} ms more than predicted (median, "
                                  f"n = {len(pairs)})")
    equal, apart = sum(run["bit_equal"] for run in found), max(run["difference_from_whole"] for run in found)
    yield "answers bit for bit those of the same slices in one process", f"{equal} of {len(found)}"
    yield "largest difference from the whole network", f"{apart:.1e} of its largest number"
    beside = statistics.median(run["sent_bytes"] / run["tensor_bytes"] - 1 for run in found)
    yield "bytes on the connections beside the tensors'", f"{beside:.2%} (median)"


def _pairs(run: dict[str, Any], what: str) -> list[tuple[float, float]]:
    return list(zip(run[f"latency_ms_of_{what}"], run[f"predicted_latency_ms_of_{what}"], strict=True))
