"""What comes back of a joint question: every version with its accuracy and least latency, and which of them is the choice."""

from __future__ import annotations

from math import sqrt
from typing import Literal

from pydantic import Field

from worker.planning.answer import Kind, LayerSaid, PlanSaid
from worker.profile import Fact

MEDIA_TYPE = "application/vnd.edgeportal.joint-plans+json"
Z95 = 1.959964
Form = Literal["whole", "split", "layer"]
# How pages and terminals call the three forms.
FORMS: dict[Form, str] = {"whole": "whole", "split": "split", "layer": "with a transfer layer"}


class VersionSaid(Fact):
    """A variant whole, split, or with one transfer layer.

    `latency_ms`: of its best plan; with `at_least` no plan of it takes less, and it was not searched for, as another beats it
    anyway; None where no plan of it keeps the rules. `low`, `high`: 95 % interval of the accuracy. `why`: why it is not on
    the front, or what its neighbours on the front give and take. `plan`: of those on the front.
    """

    key: str = Field(description="The same for the same version, whatever the links.")
    variant: str
    form: Form
    layer: str = ""
    after: str = ""
    accuracy: float
    n: int | None
    low: float | None
    high: float | None
    latency_ms: float | None
    at_least: bool = False
    on_front: bool = False
    kind: Kind = Field("predicted", description="What its latency is, never measured, as no plan was run: emulated or predicted.")
    beaten_by: int | None = Field(None, description="The place of one that is at least as accurate, and no later.")
    why: str = ""
    plan: PlanSaid | None = None
    transfer: LayerSaid | None = None

    @property
    def name(self) -> str:
        """`resnet20 with max-pool, int8 behind layer2`."""
        return f"{self.variant} with {self.layer} behind {self.after}" if self.form == "layer" else f"{self.variant}, {self.form}"


class PieceSaid(Fact):
    """A variant on one device at its best, which a choice is held against."""

    variant: str
    accuracy: float
    plan: PlanSaid


class JointAnswer(Fact):
    """`front`: places of the versions that no other beats in both, the soonest first. `chosen`: of these, the one asked for.

    `verdict`: the choice in words; `gain`: beside the same variant, and the most accurate one, in one piece, which are `pieces`;
    `sorry`: why there is no choice, with the rules that cannot be kept together in `conflict`. `searched`: how many versions were
    planned in full.
    """

    versions: tuple[VersionSaid, ...] = ()
    front: tuple[int, ...] = ()
    chosen: int | None = None
    verdict: str = ""
    gain: str = ""
    pieces: tuple[PieceSaid, ...] = ()
    sorry: str = ""
    conflict: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    searched: int = 0
    input_bytes: int = 0
    took_ms: float = 0.0

    @property
    def choice(self) -> VersionSaid | None:
        return None if self.chosen is None else self.versions[self.chosen]


def interval(accuracy: float, n: int | None) -> tuple[float | None, float | None]:
    """Wilson's, 95 %: what the accuracy on all images may be, going by these."""
    if not n:
        return None, None
    z2 = Z95**2 / n
    centre = (accuracy + z2 / 2) / (1 + z2)
    half = Z95 * sqrt(accuracy * (1 - accuracy) / n + z2 / (4 * n)) / (1 + z2)
    return max(0.0, min(centre - half, accuracy)), min(1.0, max(centre + half, accuracy))
