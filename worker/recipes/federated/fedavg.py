"""FedAvg: clients learn on their own images and a server averages their weights, so that no image leaves its device.

How it works: in each round the server sends the network to the clients, each trains it on the images that were dealt to it, and
the server averages what comes back, by the number of images. With an offloading point for all clients a device trains only the
layers in front of it and an edge server the rest (split federated learning); what is learnt is the same bit for bit. The learning
is really executed. How long it would take on these clients and links is emulated by a clock, and called so.

McMahan, Moore, Ramage, Hampson, Agüera y Arcas: "Communication-Efficient Learning of Deep Networks from Decentralized Data",
2017, arXiv 1602.05629. Split: Thapa, Chamikara, Camtepe, Sun: "SplitFed: When Federated Learning Meets Split Learning", 2020,
arXiv 2004.12088.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Paper, recipe
from worker.recipes.federated import CHARTS, EXAMPLE, PRESETS, FederatedParams, lacks, on_boards, titled, unfit

if TYPE_CHECKING:
    from worker.federated.places import Place
    from worker.federated.ways import Way
    from worker.planning.fleet import Fleet

CLASSIC = "classic"


class Params(FederatedParams):
    after: str = param("", title="offload behind", max_length=120, cuts="learnt", essential=True, help=(
        "The layer behind which all clients hand over to their edge server. Empty: devices train everything, as in classic "
        "federated learning."))


@recipe(
    "FedAvg", params=Params, board=on_boards(lambda params, context: run(params, context)),
    charts=CHARTS, needs_profiles=True, needs_links=True, lacks=lacks, titled=titled, unfit=unfit,
    example=EXAMPLE | {"after": "features.3"}, presets=PRESETS,
    use_when="images may not leave their devices, or as the yardstick of other ways of federated learning.",
    papers=[Paper("mcmahan2017communication",
                  ("McMahan, H. Brendan", "Moore, Eider", "Ramage, Daniel", "Hampson, Seth", "Agüera y Arcas, Blaise"),
                  "Communication-Efficient Learning of Deep Networks from Decentralized Data", 2017, venue="AISTATS 2017",
                  arxiv="1602.05629"),
            Paper("thapa2020splitfed", ("Thapa, Chandra", "Chamikara, M. A. P.", "Camtepe, Seyit", "Sun, Lichao"),
                  "SplitFed: When Federated Learning Meets Split Learning", 2020, arxiv="2004.12088")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.federated.as_run import federated
    from worker.federated.ways import Fixed, Way

    def ways(places: tuple[Place, ...], fleet: Fleet) -> Sequence[Way]:
        classic = Way(CLASSIC, Fixed(-1))
        if not params.after:
            return [classic]
        cut = next(number for number, each in enumerate(places) if each.after == params.after)
        return [Way(f"split {places[cut].name}", Fixed(cut)), classic]

    return (yield from federated(params.asked(context, after=params.after), ways, context))
