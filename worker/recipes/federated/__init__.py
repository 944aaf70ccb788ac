"""Recipes of the kind `federated`, and what they share: clients, edge servers, rounds, and charts of emulated time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, ValidationInfo, field_validator

from worker.context import Context
from worker.events import Event, Metric
from worker.evidence import Evidence
from worker.orders import Order
from worker.params import DatasetRef, ModelRef, Params, Profiled, Retraced, param
from worker.planning import cutting, fleets, rates_changed
from worker.planning import fleet as known
from worker.recipe import Board, Chart
from worker.structure import Structure

if TYPE_CHECKING:
    from worker.federated.as_run import Asked

LONGEST = 4000
MOST_REMARKS = 3
PROCESSES, MOST_PROCESSES = "processes", 16
ON_BOARDS, MOST_BOARDS = "boards", 15
HERE = "this computer"
ON_TOP = "Links to boards are real; a changed bandwidth is emulated on top of one, and can only make it slower."
RATES_NOW = "bandwidth_now"
TO_COME = "The bandwidths that were set last are not in the line: no round told that it began with them."
TOO_OFTEN = "Bandwidths were changed too often to be said: the line has them as they were at the beginning."
TYPED = "Typed speeds and links of clients do not count: boards compute and send as fast as they do."
# The five boards that FedAdapt was measured with; their speeds are typed here, not measured.
BOARDS = {"pi4-1": 1.0, "pi4-2": 1.0, "pi3-1": 0.5, "pi3-2": 0.5, "jetson": 10.0}
CLIENTS = "; ".join(f"{name}: {speed:g} GMAC/s, 75 Mbit/s, 2 ms" for name, speed in BOARDS.items())
EDGES = "edge-a: 50 GMAC/s"
EDGES_HELP = ("An edge server a line: 'edge-a: 50 GMAC/s', with ', 4 at once' where it works on no more batches at a time. A "
              "name alone stands for the device of that name: its speed is that of its newest profile.")
CLIENTS_HELP = ("A client a line: multiply-accumulates a second in training, bandwidth and latency to its edge server, as "
                "'pi3-1: 0.5 GMAC/s, 75 Mbit/s, 2 ms'; also ', at edge-b' and ', 30 %' of the training images; 'phone x 100: "
                "...' is a hundred. What is left out is taken from the profiles and links of the device of that name.")
# In place of what nobody said of boards; nothing is reckoned from it.
UNKNOWN = known.Speed(1e9, 1000.0, 0.0)
# Held against what did not happen.
SAVED_SECONDS = ("saved_seconds",)
EXAMPLE: dict[str, Any] = {"model": "vgg5", "dataset": "digits", "rounds": 2, "batch_size": 64, "learning_rate": 0.05,
                           "drop_after": 1, "clients": "pi: 0.5 GMAC/s, 75 Mbit/s, 2 ms; jetson: 10 GMAC/s, 75 Mbit/s, 2 ms",
                           "edges": EDGES}
PRESETS: dict[str, dict[str, Any]] = {
    "quick look": {"rounds": 5}, "as published": {"rounds": 100, "batch_size": 100, "learning_rate": 0.01, "epochs": 1}}
# What a chart's seconds are where nobody says how a run runs; `titled` says it of each run.
CLOCK = "(emulated)"
LANES = Chart("clients", f"Who does what when {CLOCK}", y=("lane_seconds",), x="client", by="part",
              x_title="client", y_title="seconds")
ACCURACY = Chart("line", "Accuracy after each round", y=("accuracy",), by="split", x_title="round",
                 y_title="accuracy, validation", percent=True)
OVER_TIME = Chart("line", f"Accuracy over time {CLOCK}", y=("accuracy_over_ms",), by="way", steps_per_x=1000,
                  x_title="time, s", y_title="accuracy, validation", percent=True)
ROUND = Chart("line", f"Time of a round {CLOCK}", y=("round_seconds",), by="way", x_title="round", y_title="seconds")
TYPICAL = Chart("line", f"A typical client's time in a round {CLOCK}", y=("typical_client_seconds",), by="way",
                x_title="round", y_title="seconds, median")
WAITING = Chart("line", f"Share of a round in which clients wait for the slowest {CLOCK}", y=("waiting_share",), by="way",
                x_title="round", y_title="share of the round", percent=True)
SHARE = Chart("line", "Share of the work that stays on the device", y=("share_on_device",), by="client", x_title="round",
              y_title="share of the multiply-accumulates", percent=True)
BANDWIDTH = Chart("line", "Bandwidth (as typed and changed)", y=("bandwidth_mbps",), by="client", x_title="round",
                  y_title="Mbit/s")
CHANGED_BANDWIDTH = "Bandwidth (emulated on top of the real link, where it was changed)"
BYTES = Chart("line", "Bytes over each link (counted)", y=("link_bytes",), by="link", x_title="round", y_title="bytes in a round")
LEARNING_RATE = Chart("line", "Learning rate of the clients", y=("learning_rate",), by="variant", x_title="round",
                      y_title="learning rate")
PHASES = Chart("bars", "Time by phase", y=("phase_seconds",), x="phase", y_title="seconds")
CHARTS = [LANES, ACCURACY, OVER_TIME, ROUND, TYPICAL, WAITING, BYTES, BANDWIDTH, LEARNING_RATE, PHASES]


class FederatedParams(Params):
    """What every federated recipe is told. `rests_on_speeds`: whether it decides by the clients' speeds, wherever it runs."""

    rests_on_speeds: ClassVar[bool] = False
    tells_changes_by: ClassVar[str] = rates_changed.WANTED

    model: ModelRef = param(help="The network that all clients learn together.", essential=True)
    dataset: DatasetRef = param(help="Its training images are dealt to the clients; validation and test stay with the server.",
                                essential=True)
    edges: str = param(EDGES, title="edge servers", essential=True, lines=True, max_length=LONGEST, help=EDGES_HELP)
    clients: str = param(CLIENTS, essential=True, lines=True, max_length=LONGEST, help=CLIENTS_HELP)
    network: Annotated[str, Field(max_length=120), Profiled()] = param(
        "", title="profiles of", help="The network as its profiles are called, from which come the speeds that are not typed. "
                                      "Empty: all are typed.")
    rounds: int = param(20, help="Rounds of learning and averaging.", unit="rounds", essential=True, ge=1, le=10_000)
    epochs: int = param(1, help="How often a client sees its images in a round.", unit="epochs", ge=1, le=1000)
    batch_size: int = param(32, help="Images a step.", unit="images", ge=2, le=65_536)
    learning_rate: float = param(0.01, help="Of the clients' SGD. Changed while it runs, it counts from the next round on.",
                                 live=True, gt=0, le=10)
    drop_after: float = param(0.5, help="Behind this share of the rounds the learning rate is a tenth; 1: never.", ge=0, le=1)
    momentum: float = param(0.9, help="Momentum of the clients' SGD; it begins anew in every round.", ge=0, lt=1)
    weight_decay: float = param(0.0, help="Decay of the weights.", ge=0, le=1)
    dealing: Literal["alike", "dirichlet", "shards"] = param(
        "alike", help="Who has which images. alike: by lot; dirichlet: each class is spread unevenly over the clients; shards: "
                      "each client has a few pieces of the images sorted by class.", essential=True)
    alpha: float = param(0.5, help="Of the Dirichlet distribution; small means that clients are unlike.", gt=0, le=1000)
    shards: int = param(2, help="Pieces that each client has.", unit="pieces", ge=1, le=100)
    averaging: Literal["fedavg", "fedprox", "fedadam", "trimmed mean"] = param(
        "fedavg", help="How one network is made of many. fedprox: clients are drawn towards the round's first weights; fedadam: "
                       "the server steps with Adam along the mean difference; trimmed mean: the extremes of every weight are "
                       "left out.")
    proximal: float = param(0.01, help="FedProx: the strength of that pull.", ge=0, le=100)
    server_rate: float = param(0.01, help="FedAdam: the server's learning rate.", gt=0, le=10)
    trimmed: float = param(0.1, help="Trimmed mean: the share that is left out at each end.", ge=0, lt=0.5)
    taking_part: float = param(1.0, help="The share of the clients that is drawn for each round.", gt=0, le=1)
    patience: float = param(1.5, help="The server waits so many times what the slowest was predicted to take, then goes on "
                                      "without who is missing.", unit="times", ge=1, le=100)
    noise: float = param(0.0, help="Spread of how long a client computes in a round, as a share.", ge=0, le=2)
    changes: str = param("", title="bandwidth changes", lines=True, max_length=LONGEST, help=(
        "Other bandwidths for a while, a line each: 'rounds 11-20: pi3-1 5 Mbit/s'."))
    bandwidth_now: str = param("", title="bandwidth from now on", live=True, lines=True, max_length=LONGEST, help=(
        "Changed while it runs, from the next round on: a line each such as 'pi3-1 5 Mbit/s'; empty: as planned. Of boards it "
        "is emulated on top of their real links, and never makes them faster."))
    faults: str = param("", title="what goes wrong", lines=True, max_length=LONGEST, help=(
        "To see what becomes of a round, a line each: 'round 3: pi3-1 vanishes', 'rounds 4-5: jetson sends NaN'; also sends "
        "wrong shapes, sends an old round, sends twice."))
    where: Literal["emulated", "processes", "boards"] = param(
        "emulated", title="runs as", help=(
            "emulated: all clients learn in one process, and seconds come from the clock. processes: every client and every edge "
            "server is a process of its own on this computer, with emulated links between them; seconds are measured, typed "
            "speeds and 'at once' do not count, and the weights are the same bit for bit. boards: as processes, but each client "
            "is the board of its name, which has torch, learns on its own images alone and is reached over its real link; a "
            "changed bandwidth is emulated on top of that."))
    round_s: float = param(60.0, title="longest round", help="Of processes and boards: whoever has not sent its weights by then "
                                                             "is left out of the round.", unit="s", gt=0, le=86_400)
    start: Literal["given", "initialisation"] = param(
        "given", help="Begin with the weights that the model came with, or with fresh ones.")

    @field_validator("edges")
    @classmethod
    def _are_edges(cls, value: str) -> str:
        fleets.read_edges(value)
        return kept(value)

    @field_validator("clients")
    @classmethod
    def _are_clients(cls, value: str, info: ValidationInfo) -> str:
        fleets.read_clients(value, edge_names(info))
        return kept(value)

    @field_validator("changes", "bandwidth_now", "faults")
    @classmethod
    def _name_clients(cls, value: str, info: ValidationInfo) -> str:
        read = {"changes": fleets.read_rates, "bandwidth_now": fleets.read_rates_now, "faults": fleets.read_faults}
        read[str(info.field_name)](value, client_names(info))
        return kept(value)

    @field_validator("where")
    @classmethod
    def _has_room(cls, value: str, info: ValidationInfo) -> str:
        count = len(client_names(info) or ())
        if value == PROCESSES and count > MOST_PROCESSES:
            raise ValueError(f"makes a process of each of {count:,} clients; at most {MOST_PROCESSES} may be, more are emulated")
        if value == ON_BOARDS and count > MOST_BOARDS:
            raise ValueError(f"needs a board for each of {count:,} clients; at most {MOST_BOARDS} may take part")
        return value

    @property
    def read_edges(self) -> tuple[fleets.Edge, ...]:
        return fleets.read_edges(self.edges)

    @property
    def read_clients(self) -> tuple[fleets.Client, ...]:
        return fleets.read_clients(self.clients, [edge.name for edge in self.read_edges])

    @property
    def is_on_boards(self) -> bool:
        return self.where == ON_BOARDS

    @property
    def names(self) -> list[str]:
        return [client.name for client in self.read_clients]

    def remarks(self) -> list[str]:
        typed = self.where == ON_BOARDS and not self.rests_on_speeds and any(
            (each.macs_per_s, each.mbps, each.latency_ms) != (None, None, None) for each in self.read_clients)
        changed = self.where == ON_BOARDS and (self.changes or self.bandwidth_now)
        return [*self._late(), *([TYPED] if typed else []), *([ON_TOP] if changed else [])]

    @classmethod
    def retraced(cls, begun: Mapping[str, Any], changed: Mapping[str, Any], said: Sequence[Metric]) -> Retraced:
        """Bandwidths are those of the rounds in which they counted."""
        found = super().retraced(begun, {name: value for name, value in changed.items() if name != RATES_NOW}, said)
        if RATES_NOW not in changed:
            return found
        rounds = int(begun.get("rounds", cls.model_fields["rounds"].default))
        rates = rates_changed.read(said, rounds)
        last = {each.client: each.mbps for each in rates if each.last == rounds}
        is_to_come = last != {each.client: each.mbps for each in fleets.read_rates_now(changed[RATES_NOW], None)}
        values, notes = _rates_again(begun, rates, rounds)
        return Retraced({**found.values, **values}, (*found.notes, *notes, *([TO_COME] if is_to_come else [])))

    def _late(self) -> list[str]:
        happens: list[fleets.Rate | fleets.Fault] = [*fleets.read_rates(self.changes, self.names),
                                                     *fleets.read_faults(self.faults, self.names)]
        late = [f"'{each}' lies behind the last round and does not happen." for each in happens if each.first > self.rounds]
        if self.dealing != "shards" or all(client.share is None for client in self.read_clients):
            return late[:MOST_REMARKS]
        return [*late[:MOST_REMARKS],
                "Typed shares of the images do not count where shards are dealt: each client has as many pieces."]

    def asked(self, context: Context, moves: tuple[fleets.Move, ...] = (), after: str = "", **between: float) -> Asked:
        """The run in the words of the workshop. Loads torch."""
        from worker.federated.as_run import Asked
        from worker.federated.course import Plan, Weather
        from worker.federated.learning import Pace
        from worker.federated.round_clock import Between
        from worker.federated.sides import Terms

        terms = Terms(self.learning_rate, self.momentum, self.weight_decay, self.proximal if self.averaging == "fedprox" else 0.0)
        plan = Plan(self.rounds, Pace(self.epochs, self.batch_size, self.seed), terms, self.drop_after, self.taking_part,
                    self.patience, self.noise, Between(**between) if between else Plan.between)
        weather = Weather(fleets.read_rates(self.changes, self.names), moves, fleets.read_faults(self.faults, self.names),
                          lambda: fleets.read_rates_now(context.live(self).bandwidth_now, self.names),
                          lambda: float(context.live(self).learning_rate))
        unknown = UNKNOWN if self.is_on_boards and not self.rests_on_speeds else None
        fleet = known.fleet(self.read_clients, self.read_edges, context.profiles(), unknown)
        return Asked(fleet, plan, weather, self.dealing, self.alpha, self.shards, self.averaging, self.server_rate, self.trimmed,
                     self.start, after, None if self.where == "emulated" else self.round_s, is_on_boards=self.is_on_boards)


def _rates_again(begun: Mapping[str, Any], rates: Sequence[fleets.Rate], rounds: int) -> Retraced:
    """What was wanted from the first round to the last is said as at the beginning, anything else with its rounds."""
    if all(each.first == 1 and each.last == rounds for each in rates):
        always = "; ".join(f"{each.client} {each.mbps:.12g} Mbit/s" for each in rates)
        return Retraced({RATES_NOW: always or begun.get(RATES_NOW, "")})
    lines = "; ".join(filter(None, [begun.get("changes", ""), *map(str, rates)]))
    try:
        fleets.read_rates(kept(lines), None)
    except ValueError:
        return Retraced({}, (TOO_OFTEN,))
    return Retraced({"changes": lines, RATES_NOW: ""})


def kept(value: str) -> str:
    """The lines as they were typed. ValueError where they are too long for those who read them again."""
    joined = "; ".join(fleets.lines(value))
    if len(joined) > LONGEST:
        raise ValueError(f"has {len(joined):,} characters with what parts its lines; {LONGEST:,} are allowed")
    return joined


def edge_names(info: ValidationInfo) -> list[str]:
    return [edge.name for edge in fleets.read_edges(info.data["edges"])] if "edges" in info.data else []


def client_names(info: ValidationInfo) -> list[str] | None:
    """None where the clients or the servers themselves were refused: then nothing that names one can be judged."""
    if "clients" not in info.data or "edges" not in info.data:
        return None
    return [client.name for client in fleets.read_clients(info.data["clients"], edge_names(info))]


def titled(chart: Chart, params: Mapping[str, Any]) -> str:
    """Whether the seconds of this run are the clock's, or were measured; what only the clock can say stays emulated. Of links to
    boards only what is emulated has a bandwidth to draw."""
    if chart.y == BANDWIDTH.y and params.get("where") == ON_BOARDS:
        return CHANGED_BANDWIDTH
    is_measured = params.get("where", "emulated") != "emulated" and chart.y != SAVED_SECONDS
    return chart.title.replace(CLOCK, "(measured)") if is_measured else chart.title


def lacks(params: FederatedParams, evidence: Evidence) -> dict[str, str]:
    """Boards are as fast as they are: what nothing rests on need not be said."""
    if params.is_on_boards and not params.rests_on_speeds:
        return {}
    return known.lacking(params.read_clients, params.read_edges, evidence)


def unfit(params: Any, known: Structure, evidence: Evidence) -> dict[str, str]:
    """Of recipes whose parameter `after` names a layer: one behind which this network cannot be trained in two parts."""
    why = cutting.unlearnt(known, params.after) if params.after else ""
    return {"after": f"{why[:1].upper()}{why[1:]}."} if why else {}


def on_boards(run: Callable[[Any, Context], Iterator[Event]]) -> Board:
    """How a federated run has boards as its clients: this computer leads, with the edge servers; each board has its images."""
    def measure(params: Any, _order: Order, context: Context) -> Generator[Event, None, dict[str, Any]]:
        return cast(Generator[Event, None, dict[str, Any]], run(params, context))

    return Board(prepare, measure, hosts=hosts, named_by="clients", is_star=True, needs=("torch",))


def prepare(params: FederatedParams, context: Context) -> Generator[Event, None, Order]:
    from worker.federated.as_run import parcels

    return (yield from parcels(params.asked(context, after=getattr(params, "after", "")), params.round_s, context))


def hosts(params: FederatedParams) -> tuple[str, ...]:
    return (HERE, *params.names) if params.is_on_boards else ()
