"""What a run of rounds offers a device: the first network, the changes that follow, and a batch to try each network on."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

KEY = "deployable"  # of a run's summary
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Offering(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Batch(Offering):
    """`sha256` is that of its arrays, as `worker.updating.trial` counts it; the file at `path` has another."""

    path: str
    sha256: Hash
    images: int


class First(Offering):
    """The network as the device has it before the first round; `right`: of the batch, how many images it got right in the run."""

    path: str
    sha256: Hash
    right: int


class Update(Offering):
    """A change: which network it turns into which other. `right`: what the other got right of the batch."""

    round: int
    path: str
    base: Hash
    result: Hash
    right: int


class Offered(Offering):
    """`updates`: in the order of rounds, without those that sent nothing."""

    first: First
    updates: list[Update]
    batch: Batch | None = None
