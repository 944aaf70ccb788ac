"""What a block holds, apart from the time that it takes: plain data, which a board is handed."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LONGEST_NAME = 120


class Part(BaseModel):
    """The layers from `first` to `last`, for one sample. `output_bytes` go across the cut behind it, in `output_tensors`, or are
    the answer.

    `kinds`: its MACs by kind of operator. `activation_bytes`: the most that is alive at once while it runs, in float32; what an
    engine keeps beside it is not counted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    first: Annotated[str, Field(min_length=1)]
    last: Annotated[str, Field(min_length=1)]
    output_bytes: int
    macs: int
    params_bytes: int
    kinds: dict[str, int] = {}
    activation_bytes: int | None = None
    output_tensors: int | None = None

    def alive_bytes(self, batch: int) -> int | None:
        return None if self.activation_bytes is None else batch * self.activation_bytes

    @property
    def name(self) -> str:
        """`conv1 .. relu1`, or the one layer's name."""
        return self.first if self.first == self.last else f"{self.first} .. {self.last}"


def fitting(name: str) -> str:
    """A layer's name as a profile takes it: of a very long one the end, which tells layers apart."""
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME:]}"
