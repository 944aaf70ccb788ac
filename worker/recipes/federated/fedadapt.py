"""FedAdapt: an agent decides for each group of devices how many layers they train and how many an edge server does.

How it works: clients of like speed are one group, those with slow links another. An agent, trained by trying offloading points
out on the clock (PPO), says before each round for each group which share of the work stays on the device; the offloading point
whose share is nearest is taken. Beside it the same rounds are timed for classic federated learning, fixed offloading points, a
greedy rule by profiles, and the best setting of all (oracle). What is learnt is the same for all of them bit for bit, so it is
executed once; seconds are emulated from the speeds and links of the clients and called so.

Wu, Ullah, Harvey, Kilpatrick, Spence, Varghese: "FedAdapt: Adaptive Offloading for IoT Devices in Federated Learning", 2022, IEEE
Internet of Things Journal 9(21), arXiv 2107.04271.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationInfo, field_validator

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Chart, Paper, recipe
from worker.recipes.federated import CHARTS, EXAMPLE, PRESETS, SHARE, FederatedParams, lacks, on_boards, titled

if TYPE_CHECKING:
    from worker.federated.adapt.mapping import Points
    from worker.federated.places import Place
    from worker.federated.ways import Way
    from worker.planning.fleet import Fleet

REWARD = Chart("line", "The agent's reward while it is trained", y=("agent_reward",), x_title="update",
               y_title="reward, sum of clients")
# Fixed offloading points beside the agent: more of them say little and fill the chart.
MOST_FIXED = 3
# Of more clients nobody tries settings out.
MOST_TRIED = 32


class Params(FederatedParams):
    rests_on_speeds: ClassVar[bool] = True
    slow_mbps: float = param(5.0, title="slow link", help="A client whose link is no faster is in the group of slow links; 0: "
                                                          "bandwidth forms no group.", unit="Mbit/s", ge=0, le=1e6)
    groups: int = param(3, help="Groups of clients; one of them is for slow links where there is a bound for those.",
                        unit="groups", essential=True, ge=1, le=16)
    updates: int = param(50, help="Updates of the agent before the first round, each after ten trials on the clock.",
                         unit="updates", ge=1, le=10_000)
    discount: float = param(0.0, help="How much later rewards count when the agent is trained. A round's time does not depend on "
                                      "earlier ones, so none is best here; 0.9 as published.", ge=0, lt=1)
    relative_times: bool = param(True, help="The agent sees times as a share of those without offloading; off: in seconds, as "
                                            "published.")
    bandwidth_seen: bool = param(True, help="The agent sees each group's bandwidth; off: only by the group of slow links, as "
                                            "in the published code.")

    @field_validator("groups")
    @classmethod
    def _one_for_speed_is_left(cls, value: int, info: ValidationInfo) -> int:
        if value < 2 and info.data.get("slow_mbps"):
            raise ValueError("is 1, and that one is kept for slow links: ask for two at least, or for no bound on slow links (0)")
        return value

    def remarks(self) -> list[str]:
        typed = f"The agent is trained on the clock, by the speeds and links that are typed, before the {self.where} begin."
        return [*super().remarks(), *([] if self.where == "emulated" else [typed])]


@recipe(
    "FedAdapt", params=Params, board=on_boards(lambda params, context: run(params, context)),
    charts=[*CHARTS[:4], SHARE, *CHARTS[4:], REWARD], needs_profiles=True, needs_links=True,
    lacks=lacks, titled=titled,
    example=EXAMPLE | {"updates": 3, "groups": 2},
    presets=PRESETS | {"as published": {**PRESETS["as published"], "relative_times": False, "discount": 0.9,
                                        "bandwidth_seen": False}},
    use_when="devices of unlike speed learn together, links change, and the slowest must not hold all others up.",
    papers=[Paper("wu2022fedadapt",
                  ("Wu, Di", "Ullah, Rehmat", "Harvey, Paul", "Kilpatrick, Peter", "Spence, Ivor", "Varghese, Blesson"),
                  "FedAdapt: Adaptive Offloading for IoT Devices in Federated Learning", 2022,
                  venue="IEEE Internet of Things Journal 9(21)", arxiv="2107.04271")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.federated.adapt import policies
    from worker.federated.adapt.knobs import Knobs
    from worker.federated.adapt.oracles import Oracle
    from worker.federated.adapting import Adaptive, Quickest, Ruled, points_of
    from worker.federated.as_run import federated
    from worker.federated.ways import Fixed, Way

    def ways(places: tuple[Place, ...], fleet: Fleet) -> Sequence[Way]:
        points = points_of(places)
        knobs = Knobs(updates=params.updates, discount=params.discount, relative_times=params.relative_times,
                      bandwidth_seen=params.bandwidth_seen, seed=params.seed)
        agent = Adaptive(points, min(params.groups, len(fleet.clients) + 1), knobs, params.slow_mbps)
        cuts = points.reachable[:-1]
        some = sorted({cuts[round(place * (len(cuts) - 1) / (MOST_FIXED - 1))] for place in range(MOST_FIXED)}) if cuts else []
        fixed = [Way(f"all {places[cut].name}", Fixed(cut)) for cut in some]
        return [Way("FedAdapt", agent), Way("classic", Fixed(-1)), *_rules(points, fleet), *fixed]

    def _rules(points: Points, fleet: Fleet) -> list[Way]:
        """The best setting there is, and each client at what is best for it alone. Of many clients that queue for one server the
        best setting is not found by trying."""
        alone = not any(server.slots for server in fleet.servers)
        if len(fleet.clients) <= MOST_TRIED:
            return [Way("oracle", Ruled(Oracle(points))), Way("greedy", Ruled(policies.Greedy(points)))]
        return [Way("oracle", Quickest())] * alone + [Way("greedy", Quickest())]

    return (yield from federated(params.asked(context), ways, context))
