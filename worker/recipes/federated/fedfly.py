"""FedFly: a device that goes to another edge server in the middle of a round takes its training with it; nothing is done twice.

How it works: devices train the first layers and edge servers the rest, as in split federated learning. When a device moves, the
server that it leaves sends what it knows of it (its half of the weights, the optimiser's state, the count of batches, the loss
and the gradient that the device waits for) to the server where it goes, and the device goes on with the next batch there.
Without that the round begins anew at the new server. What is learnt is bit for bit what it would have been without a move; the
learning is really executed, the state really packed and unpacked. How long it all takes on these devices and links is emulated
and called so.

Ullah, Wu, Harvey, Kilpatrick, Spence, Varghese: "FedFly: Towards Migration in Edge-based Distributed Federated Learning", 2022,
IEEE Communications Magazine 60(11), arXiv 2111.01516.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationInfo, field_validator

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.planning import fleets
from worker.recipe import Chart, Paper, recipe
from worker.recipes.federated import (
    CHARTS,
    CLIENTS_HELP,
    CLOCK,
    EDGES_HELP,
    EXAMPLE,
    LONGEST,
    PRESETS,
    SAVED_SECONDS,
    FederatedParams,
    client_names,
    edge_names,
    kept,
    lacks,
    on_boards,
    titled,
    unfit,
)

if TYPE_CHECKING:
    from worker.federated.places import Place
    from worker.federated.ways import Way
    from worker.planning.fleet import Fleet

BOARDS = {"pi3-1": 0.5, "pi3-2": 0.5, "pi4-1": 1.0, "pi4-2": 1.0}
FOUR = "; ".join(f"{name}: {speed:g} GMAC/s, 75 Mbit/s, 2 ms" for name, speed in BOARDS.items())
TWO_EDGES = "edge-a: 50 GMAC/s; edge-b: 50 GMAC/s"
TWO_MOVES = "round 2 at 50 %: pi3-1 to edge-b; round 4 at 90 %: pi3-1 to edge-a"
# In every tenth round, at nine tenths of it, there and back.
NINE_MOVES = "; ".join(f"round {10 * each} at 90 %: pi3-1 to edge-{'b' if each % 2 else 'a'}" for each in range(1, 10))
MOVED = [Chart("bars", "What goes to the other edge server in a move", y=("moved_bytes",), x="client",
               x_title="client that moves", y_title="bytes, last move (counted)"),
         Chart("bars", f"How long a move takes {CLOCK}", y=("moved_seconds",), x="client", x_title="client that moves",
               y_title="seconds, last move")]
SAVED = Chart("bars", "What a move saves its client against beginning the round anew (emulated)", y=SAVED_SECONDS,
              x="client", x_title="client that moves", y_title="emulated seconds, last move")
LANES = replace(CHARTS[0], line="saved_seconds")


class Params(FederatedParams):
    edges: str = param(TWO_EDGES, title="edge servers", essential=True, lines=True,
                       max_length=LONGEST, help=EDGES_HELP)
    clients: str = param(FOUR, essential=True, lines=True, max_length=LONGEST, help=CLIENTS_HELP)
    after: str = param("", title="offload behind", max_length=120, cuts="learnt", help=(
        "The layer behind which all clients hand over to their edge server. Empty: the last cut with less than three quarters "
        "of the work on the device, which for VGG-5 is behind the second pool, as published."))
    moves: str = param(lines=True, max_length=LONGEST,
                       essential=True, help="Who moves when, a line each: 'round 2 at 50 %: pi3-1 to edge-b' is in the "
                                            "middle of the client's batches of that round.")
    between_mbps: float = param(1000.0, title="between edge servers", help="The link over which a client's state goes.",
                                unit="Mbit/s", gt=0, le=1e6)
    between_ms: float = param(1.0, title="latency between edge servers", help="One way.", unit="ms", ge=0, le=60_000)
    away_s: float = param(0.0, title="time away", help="Waiting is timed too where this is above 0: how long a client stays away "
                                                       "until it is back at its first server.", unit="s", ge=0, le=1e6)

    @field_validator("moves")
    @classmethod
    def _are_moves(cls, value: str, info: ValidationInfo) -> str:
        if not fleets.read_moves(value, client_names(info), edge_names(info)):
            raise ValueError(f"is empty; {fleets.MOVE_LIKE}")
        return kept(value)

    @property
    def read_moves(self) -> tuple[fleets.Move, ...]:
        return fleets.read_moves(self.moves, self.names, [edge.name for edge in self.read_edges])

    def remarks(self) -> list[str]:
        late = [str(move) for move in self.read_moves if move.number > self.rounds]
        return [*super().remarks(), *(f"'{each}' lies behind the last round and does not happen." for each in late[:3])]


@recipe(
    "FedFly", params=Params, board=on_boards(lambda params, context: run(params, context)),
    charts=[LANES, SAVED, *MOVED, *CHARTS[1:]], needs_profiles=True, needs_links=True, lacks=lacks, titled=titled,
    unfit=unfit,
    example=EXAMPLE | {"edges": TWO_EDGES, "moves": "round 1 at 50 %: pi to edge-b"},
    presets={"quick look": PRESETS["quick look"] | {"clients": FOUR, "edges": TWO_EDGES, "moves": TWO_MOVES},
             "as published": PRESETS["as published"] | {"clients": FOUR, "edges": TWO_EDGES, "moves": NINE_MOVES}},
    use_when="devices move about while they learn, from one edge server's reach into another's.",
    papers=[Paper("ullah2022fedfly",
                  ("Ullah, Rehmat", "Wu, Di", "Harvey, Paul", "Kilpatrick, Peter", "Spence, Ivor", "Varghese, Blesson"),
                  "FedFly: Towards Migration in Edge-based Distributed Federated Learning", 2022,
                  venue="IEEE Communications Magazine 60(11)", arxiv="2111.01516")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.federated.as_run import federated
    from worker.federated.ways import Fixed, Way

    def ways(places: tuple[Place, ...], fleet: Fleet) -> Sequence[Way]:
        named = (number for number, each in enumerate(places) if params.after and each.after == params.after)
        cut = next(named, _usual(places))
        chooser = Fixed(cut)
        waiting = [Way("waiting", chooser, "waits")] if params.away_s else []
        return [Way("FedFly", chooser), Way("restart", chooser, "restarts"), Way("no move", chooser, "stays"), *waiting]

    asked = params.asked(context, params.read_moves, params.after, mbps=params.between_mbps, latency_ms=params.between_ms,
                         away_s=params.away_s)
    return (yield from federated(asked, ways, context))


def _usual(places: Sequence[Place]) -> int:
    """The last cut with less than three quarters of the work in front, else the first one."""
    return max((number for number, each in enumerate(places[:-1]) if each.share < 0.75), default=0)
