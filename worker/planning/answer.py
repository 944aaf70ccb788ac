"""What the planner answers: plans with all their parts, why the others lost, and who wins where."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from worker.profile import Fact

MEDIA_TYPE = "application/vnd.edgeportal.plans+json"
Kind = Literal["measured", "predicted", "emulated"]
NOT_RUN = "A plan's times are sums of its blocks' times and of what its links need; no plan was run."


class StageSaid(Fact):
    """Blocks `first` to `last` (counted from 1) on one device, and the layers that they begin and end with."""

    device: str
    tier: int
    first: int
    last: int
    first_layer: str
    last_layer: str
    ms: float
    kind: Kind = Field("measured", description="What kind of numbers its block times are.")


class HopSaid(Fact):
    """What crosses a link. `cut`: the block behind which it is cut; 0 is the raw input, the last block's the result."""

    sender: str
    receiver: str
    cut: int
    bytes: int
    tensors: int
    ms: float


class LayerSaid(Fact):
    """A transfer layer at the cut where it stands. `kind`: of its times, predicted where scaled from another device's.

    `device`: where they were measured. The accuracies are shares of the same `n` test images of `dataset`, with and without it.
    """

    layer: str
    after: str
    cut: int = Field(description="The block behind which it is cut.")
    sender: str
    receiver: str
    bytes: int
    raw_bytes: int
    down_ms: float = Field(description="Its first half with the packing; part of the stage before.")
    up_ms: float = Field(description="Its second half; part of the stage behind.")
    kind: Kind = "measured"
    raw_ms: float = Field(0.0, description="What the whole plan would take without it, cut in the same places.")
    device: str = ""
    accuracy: float = 0.0
    accuracy_whole: float = 0.0
    n: int = 0
    dataset: str = ""

    @property
    def title(self) -> str:
        return f"{self.layer} behind {self.after}"


class PlanSaid(Fact):
    """`words`: the plan in a sentence. `key`: the same for the same cuts on the same devices, whatever the times.

    `per_second`: images, when all parts work at once. `within_percent`: where times are predicted, how far off they may be.
    `transfer`: the transfer layer in it, where there is one.
    """

    key: str
    words: str
    stages: tuple[StageSaid, ...]
    hops: tuple[HopSaid, ...]
    latency_ms: float
    compute_ms: float
    transfer_ms: float
    per_second: float
    bytes: int
    joules: float | None = None
    kind: Kind = Field("predicted", description="What its sums are, never measured, as no plan was run: emulated or predicted.")
    block_times: Kind = Field("measured", description="What the times of its blocks are, the least certain of them.")
    within_percent: float | None = None
    transfer: LayerSaid | None = None


class NativeSaid(Fact):
    """Everything on one device. `plan` is None where no link leads there; `rank` where it is among the plans.

    `why`: why it is not the best, in a sentence; empty for the best itself. `broken`: the rules that it breaks.
    """

    device: str
    tier: int
    plan: PlanSaid | None
    rank: int | None = None
    why: str = ""
    broken: tuple[str, ...] = ()


class BandSaid(Fact):
    """A plan that is best from `low` to `high`, in the numbers of the range that was asked."""

    low: float
    high: float
    plan: PlanSaid


class Answer(Fact):
    """`plans`: the best first, none where nothing keeps all rules; then `conflict` names the fewest rules that cannot be kept
    together (empty: there is no way whatever the rules), and `sorry` says so in a sentence.

    `verdict`: the first plan in words, with what it gains. `warnings`: what the reader must know of the numbers (unlike engines,
    predicted times, blocks joined). `stays`: the band of the asked range in which the first plan stays best.
    """

    plans: tuple[PlanSaid, ...] = ()
    natives: tuple[NativeSaid, ...] = ()
    bands: tuple[BandSaid, ...] = ()
    stays: BandSaid | None = None
    pareto: tuple[PlanSaid, ...] = ()
    conflict: tuple[str, ...] = ()
    sorry: str = ""
    verdict: str = ""
    warnings: tuple[str, ...] = ()
    blocks: int = 0
    cuts: int = Field(0, description="Places where it may be cut, the two ends left out.")
    layers: int = Field(0, description="Transfer layers that a plan may have, one at most.")
    input_bytes: int = 0
    took_ms: float = Field(0.0, description="What the planner itself took.")
