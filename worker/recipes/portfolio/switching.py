"""Switching: serve a trace with several variants of a network, and change which one serves as load and conditions move.

How it works: a process of its own serves requests one after the other, in the order they come, with one network of a set. A trace
says second by second how many requests come, by when each must be answered, and what is left of memory. After each second a
policy looks at what waits and what took how long: downwards it changes at once, when requests wait or memory is short; upwards
only after a more accurate network would have done for several seconds on end. The new network is made ready beside the requests,
answers once to warm up, and takes the place of the old one; no request is lost, doubled or overtaken. How the set is held is
the residency: all loaded, only the one that serves, or all packed in memory, zeros left out. Requests, computations and memory
are real and measured; heat, the network and what others take of memory are emulated by the trace.

Eccles, Rodgers, Kilpatrick, Spence, Varghese: "DNNShifter: An Efficient DNN Pruning System for Edge Computing", 2023,
arXiv 2309.06973, which holds a portfolio and switches; how it does that is not published, and the policy here is ours.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationInfo, field_validator

from worker.context import Context
from worker.events import Event
from worker.orders import Order
from worker.params import DatasetRef, DeviceRef, ModelRef, param
from worker.params import Params as EveryRecipe
from worker.recipe import Board, Chart, recipe
from worker.recipes.portfolio import DNNSHIFTER
from worker.recipes.pruning import TRADEOFF
from worker.switching import traces

if TYPE_CHECKING:
    from worker.switching.asked import Asked

# Any trace that is taken fits, as it is kept: 3,600 lines of five numbers, written with six digits, and what parts them.
LONGEST = 250_000
MB = 1e6
NEXT = "Another network of the set; empty: none."
MORE = "Add more networks"
ALONE = "with one network there is nothing to switch"


class Params(EveryRecipe):
    model: ModelRef = param(title="network 1", essential=True, help="A network of the set: variants of one, from dense to small, "
                                                                    "or any that take the same images.")
    model_2: ModelRef = param(title="network 2", help="Another network of the set.", essential=True, needed=ALONE)
    model_3: ModelRef = param("", title="network 3", help=NEXT, folded=MORE)
    model_4: ModelRef = param("", title="network 4", help=NEXT, folded=MORE)
    model_5: ModelRef = param("", title="network 5", help=NEXT, folded=MORE)
    model_6: ModelRef = param("", title="network 6", help=NEXT, folded=MORE)
    model_7: ModelRef = param("", title="network 7", help=NEXT, folded=MORE)
    model_8: ModelRef = param("", title="network 8", help=NEXT, folded=MORE)
    dataset: DatasetRef = param(help="Its test images are the requests, and say how accurate each network is.", essential=True)
    device: DeviceRef = param("", help="Where it is served: empty means this computer. A board serves in ONNX Runtime as this "
                                       "computer does.")
    residency: Literal["resident", "disk", "packed"] = param(
        "packed", essential=True, help="How the set is held: resident, all loaded; disk, only the one that serves, others read "
                                       "from their files; packed, all in memory without their zeros, the one that serves loaded.")
    trace: Literal["steady", "burst", "diurnal", "thermal", "lines"] = param(
        "burst", essential=True, help="steady load; three bursts; a day, quiet at its ends; a device that gets warm and slow "
                                      "(emulated); or the lines below.")
    seconds: int = param(60, help="How long the trace is, lines apart. Each way takes as long, in real time.", unit="s",
                         essential=True, ge=2, le=3600)
    baselines: Literal["none", "fixed", "all"] = param(
        "fixed", title="compared with", essential=True,
        help="fixed: each network alone; all: beside that, networks at dense size, zeros kept, once reloaded at each change and "
             "once all resident. Each goes through the same trace.")
    lines: str = param("", title="trace in lines", lines=True, max_length=LONGEST, validate_default=True, help=(
        "For 'lines': CSV with a header, a second a line. arrivals_per_s and deadline_ms are needed; free_mb, what others leave "
        "of memory; network_mbps, over which images come; slower, how many times as long computing takes."))
    arrivals_per_s: float = param(0.0, title="requests", unit="requests/s", ge=0, le=5000, zero="as fits the networks",
                                  help="How many come when the trace is at rest; 0: half of what the most accurate can serve.")
    deadline_ms: float = param(0.0, title="deadline", unit="ms", ge=0, le=3_600_000, zero="as fits the networks",
                               help="From a request's arrival to its answer; 0: four times what the slowest network takes, at "
                                    "least 20 ms, some of which a busy machine takes for itself.")
    burst: float = param(4.0, help="Burst, diurnal: how many times as many requests come at the top.", unit="times", ge=1, le=100)
    slower: float = param(3.0, help="Thermal: how many times as long computing takes when it is warm (emulated by waiting).",
                          unit="times", ge=1, le=100)
    least_accuracy: float = param(0.0, title="accuracy at least", help="Networks below it serve only when no other can.", ge=0,
                                  le=1)
    margin: float = param(0.2, help="By what share a network may be slower than profiled and still do.", ge=0, le=10)
    most_waiting: int = param(8, title="queue", help="More waiting requests than this change the network downwards.",
                              unit="requests", ge=0, le=100_000)
    hold: int = param(5, help="So many seconds on end a better network must have been possible before it takes over.", unit="s",
                      ge=1, le=3600)
    dwell_s: float = param(2.0, title="dwell", help="Between two changes, but downwards ones.", unit="s", ge=0, le=3600)
    follow: float = param(0.3, help="By which share one second's measured times move what is believed of the device's speed.",
                          ge=0, le=1)
    memory_budget_mb: float = param(0.0, title="memory budget", unit="MB", ge=0, le=1e6, zero="none",
                                    help="A network whose file is larger never serves; 0: no budget.")
    memory_floor_mb: float = param(0.0, title="memory floor", unit="MB", ge=0, le=1e6, help=(
        "So much of what others leave stays free, where the trace says what they leave."))

    @field_validator("model_2", "model_3", "model_4", "model_5", "model_6", "model_7", "model_8")
    @classmethod
    def _is_another_one(cls, value: str, info: ValidationInfo) -> str:
        if not value and cls.model_fields[str(info.field_name)].is_required():
            raise ValueError(f"is needed: {ALONE}")
        same = next((name for name, other in info.data.items() if name.startswith("model") and other == value), None)
        if value and same:
            raise ValueError(f"is network {same.removeprefix('model_') if '_' in same else 1} once more; choose another, or none")
        return value

    @field_validator("lines")
    @classmethod
    def _are_seconds(cls, value: str, info: ValidationInfo) -> str:
        if not value.strip():
            if info.data.get("trace") == "lines":
                raise ValueError(traces.NOTHING)
            return ""
        return "; ".join(traces.written(traces.read(value)).splitlines())

    @field_validator("burst")
    @classmethod
    def _can_be_sent(cls, value: float, info: ValidationInfo) -> float:
        top, seconds = info.data.get("arrivals_per_s", 0.0) * value, info.data.get("seconds", 0)
        if top > traces.MOST_ARRIVALS or top * seconds > traces.MOST_REQUESTS:
            raise ValueError(f"times the requests must be at most {traces.MOST_ARRIVALS:,.0f} a second and, with the seconds, "
                             f"{traces.MOST_REQUESTS:,}; got {top:,.0f} a second for {seconds:,} s")
        return value

    @classmethod
    def unused(cls, values: Mapping[str, Any]) -> dict[str, str]:
        if values.get("trace") == "lines":
            return dict.fromkeys(("seconds", "arrivals_per_s", "deadline_ms", "burst", "slower"), "the trace in lines says it")
        return {"lines": "the trace is another one"}

    @classmethod
    def typed(cls, values: Mapping[str, Any], told: Mapping[str, float]) -> dict[str, float]:
        """Load and deadline to be typed for the trace of a run once more. `values`: its parameters; `told`: the mean load and the
        deadline that it came out with, which count where it left them to what fits. Nothing of a trace in lines."""
        if values.get("trace") not in traces.GENERATORS:
            return {}
        found = {name: float(values[name] or told.get(name, 0.0)) for name in ("arrivals_per_s", "deadline_ms")}
        if not values["arrivals_per_s"] and found["arrivals_per_s"]:
            shape = traces.Shape(values["seconds"], 1.0, 1.0, values["burst"], values["slower"])
            found["arrivals_per_s"] = traces.at_rest(values["trace"], shape, values["seed"], found["arrivals_per_s"])
        return found

    def at_least_s(self) -> float:
        """Each way goes through the whole trace."""
        trace_s = len(traces.read(self.lines)) if self.trace == "lines" else self.seconds
        alone, dense = (len(self.given) if self.baselines != "none" else 0), (2 if self.baselines == "all" else 0)
        return float(trace_s * (1 + alone + dense))

    @property
    def given(self) -> list[str]:
        """The fields that name one."""
        return [name for name, kind in self.references().items() if kind == "model" and getattr(self, name)]

    def asked(self) -> Asked:
        """Loads NumPy."""
        from worker.switching.asked import Asked
        from worker.switching.policy import Knobs

        knobs = Knobs(least_accuracy=self.least_accuracy, margin=self.margin, most_waiting=self.most_waiting, hold=self.hold,
                      dwell_s=self.dwell_s, memory_budget_bytes=round(MB * self.memory_budget_mb),
                      memory_floor_bytes=round(MB * self.memory_floor_mb), follow=self.follow)
        return Asked(self.residency, self.trace, self.lines, self.seconds, self.arrivals_per_s, self.deadline_ms, self.burst,
                     self.slower, knobs, self.baselines, self.seed)


def prepare(params: Params, context: Context) -> Generator[Event, None, Order]:
    from worker.switching import preparing

    return (yield from preparing.prepare(params.given, context, is_dense_wanted=params.baselines == "all"))


def measure(params: Params, order: Order, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """On a board too: nothing from here on knows torch."""
    from worker.switching import running

    return (yield from running.measure(params.asked(), order, context))


BY_WAY = "way"
HELD = "Memory to hold the set (measured in fresh processes)"
KEPT = {"resident": "all loaded", "disk": "only what serves loaded", "packed": "packed"}


def titled(chart: Chart, params: Mapping[str, Any]) -> str:
    """How the set is held stands where memory is."""
    kept = KEPT.get(str(params.get("residency")))
    return HELD.replace("the set", f"the set, {kept}") if kept and chart.title == HELD else chart.title


@recipe(
    "Switching", params=Params, needs_quiet=True, board=Board(prepare, measure),
    charts=[
        Chart("lanes", "Which network serves when (measured)", y=("drive_serving_s",), x=BY_WAY, by="network", x_title=BY_WAY,
              y_title="s of the trace"),
        TRADEOFF,
        Chart("line", "Requests that wait, at the end of each second (measured)", y=("drive_waiting",), by=BY_WAY,
              x_title="second", y_title="requests"),
        Chart("line", "Requests answered too late (measured)", y=("drive_late",), by=BY_WAY, x_title="second",
              y_title="requests of that second's answers"),
        Chart("line", "From arrival to answer, p95 of each second (measured)", y=("drive_p95_ms",), by=BY_WAY, x_title="second",
              y_title="ms"),
        Chart("line", "Memory of the serving process (measured)", y=("drive_resident_mb",), by=BY_WAY, x_title="second",
              y_title="MB resident"),
        Chart("line", "The trace: requests a second", y=("trace_arrivals_per_s",), x_title="second", y_title="requests/s"),
        Chart("line", "The trace: deadline of a request", y=("trace_deadline_ms",), x_title="second", y_title="ms"),
        Chart("line", "The trace: network over which images come (emulated)", y=("trace_network_mbps",), x_title="second",
              y_title="Mbit/s"),
        Chart("line", "The trace: heat, how many times as long computing takes (emulated)", y=("trace_slower",),
              x_title="second", y_title="times as long"),
        Chart("bars", "Effective accuracy: answers in time, by the accuracy of who gave them", y=("drive_effective_accuracy",),
              x=BY_WAY, y_title="effective accuracy", percent=True),
        Chart("bars", "Requests too late or unanswered (measured)", y=("drive_late_share",), x=BY_WAY,
              y_title="share of all requests", percent=True),
        Chart("bars", "Switching overhead: from the decision to the first answer (measured)", y=("drive_overhead_ms",), x=BY_WAY,
              by="what", y_title="ms beyond an answer"),
        Chart("bars", "Longest time in which somebody waited and nobody was answered (measured)", y=("drive_longest_ms",),
              x=BY_WAY, y_title="ms"),
        Chart("bars", HELD, y=("drive_memory_mb",), x=BY_WAY, by="what",
              y_title="MB resident"),
        Chart("bands", "Who is the target over the load (predicted from what each takes)", y=("band_by_load_latency_ms",),
              by="network", x_title="times the trace's mean load", y_title="ms a request"),
        Chart("bands", "Who is the target over deadlines (predicted from what each takes)", y=("band_by_deadline_latency_ms",),
              by="network", x_title="times the trace's deadline", y_title="ms a request"),
    ],
    example={"model": "lenet5", "model_2": "vgg5", "dataset": "digits", "residency": "disk", "trace": "lines",
             "baselines": "none", "seed": 1, "lines": "arrivals_per_s,deadline_ms,free_mb,network_mbps,slower; 40,500,100,50,1; "
                                                      "40,500,0.2,50,1.1; 40,500,0.2,20,1.1"},
    presets={"quick look": {"seconds": 20, "baselines": "none"}, "against everything": {"baselines": "all"},
             "a warm device": {"trace": "thermal"}, "a day": {"trace": "diurnal", "seconds": 240}},
    use_when="a device has to keep its deadlines while load, memory or its own speed change, and several variants are at hand.",
    papers=[DNNSHIFTER], titled=titled,
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    order = yield from prepare(params, context)
    return (yield from measure(params, order, context))
