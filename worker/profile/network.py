"""Per-block times of a network on a device, with all that belongs to them."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MEDIA_TYPE = "application/vnd.edgeportal.profile+json"
LONGEST_S = 3600.0
MOST_BYTES = 10**12
MOST_MACS = 10**15
MOST_JOULES = 1e6
MOST_TENSORS = 10_000
MOST_BLOCKS = 5000
MOST_KINDS = 100
ENOUGH_LEFT_OUT = 20  # of fewer nobody can say within what 95 % of them lay
# Controls, lone surrogates, marks that nobody sees or that turn the writing direction, line and paragraph separators.
UNSEEN = frozenset(("Cc", "Cs", "Cf", "Zl", "Zp"))
JOINERS = "\u200c\u200d"


def shown(text: str) -> str:
    """The same text, where a person can see all of it."""
    if any(unicodedata.category(letter) in UNSEEN and letter not in JOINERS for letter in text):
        raise ValueError("text without control characters and invisible marks")
    if text != text.strip():
        raise ValueError("text without blanks around it")
    return text


Seen = AfterValidator(shown)
Seconds = Annotated[float, Field(ge=0, le=LONGEST_S, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=0, le=MOST_BYTES)]
Macs = Annotated[int, Field(ge=0, le=MOST_MACS)]
Joules = Annotated[float, Field(ge=0, le=MOST_JOULES, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=120), Seen]
Kind = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,40}$")]


class Fact(BaseModel):
    """Frozen, and nothing beside what is declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TransferLayer(Fact):
    """ScissionTL's four figures of a transfer layer behind a block; a time that was not measured there is left out."""

    output_bytes: Bytes = Field(examples=[200704], description="What goes over the network behind the transfer layer.")
    downsample_s: Seconds | None = Field(None, examples=[0.00118], description="Seconds of its first half, before the network.")
    upsample_s: Seconds | None = Field(None, examples=[0.00072], description="Seconds of its second half, behind the network.")
    convert_s: Seconds | None = Field(None, examples=[0.00031],
                                      description="Seconds that the data take to be packed for the network.")


class Block(Fact):
    """The layers between two cuts."""

    first: Name = Field(examples=["conv1"], description="First layer of the block.")
    last: Name = Field(examples=["maxpool"], description="Last layer of the block; the same as the first in a block of one.")
    seconds: Seconds = Field(examples=[0.0124], description="What it takes in a typical pass of the batch, in seconds.")
    output_bytes: Bytes = Field(examples=[802816], description="What would go over the network if it were cut behind this block.")
    low_s: Seconds | None = Field(None, examples=[0.0121], description="Lower end of the 95 % interval of the seconds.")
    high_s: Seconds | None = Field(None, examples=[0.0129], description="Upper end of the 95 % interval of the seconds.")
    macs: Macs | None = Field(None, examples=[118013952], description="Multiplications with addition of one pass.")
    params_bytes: Bytes | None = Field(None, examples=[37632], description="Size of the block's weights.")
    activation_bytes: Bytes | None = Field(None, examples=[4014080],
                                           description="The most that is alive at once while it runs, input and result included.")
    joules: Joules | None = Field(None, examples=[0.041], description="Energy of a typical pass of the batch, in joules.")
    output_tensors: int | None = Field(None, ge=0, le=MOST_TENSORS, examples=[1],
                                       description="How many tensors would go over the network if it were cut behind this block.")
    kinds: Annotated[dict[Kind, Macs], Field(max_length=MOST_KINDS)] = Field(
        {}, examples=[{"conv": 118013952}], description="MACs by kind of operator, what a prediction rests on.")
    transfer: TransferLayer | None = Field(None, description="A transfer layer (ScissionLite) behind this block.")


class NetworkProfile(Fact):
    """One network on one device. `additivity_error` = sum of blocks / whole - 1."""

    network: Name = Field(examples=["resnet18"], description="Name of the network.")
    blocks: Annotated[tuple[Block, ...], Field(min_length=1, max_length=MOST_BLOCKS)] = Field(
        description="Its blocks, in the order they run.")
    input_bytes: Bytes | None = Field(None, examples=[602112],
                                      description="Size of its input, what is sent when nothing runs here.")
    whole_s: Seconds | None = Field(None, examples=[0.0148], description="Seconds of the whole network, timed in one piece.")
    additivity_error: float | None = Field(
        None, ge=-1, le=1000, allow_inf_nan=False, examples=[0.0068], description="Sum of the blocks / whole_s - 1.")
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$", examples=["0" * 64], description="SHA-256 of the network's file.",
                        json_schema_extra={"allowed": "64 digits 0-9 a-f"})
    engine: Annotated[str, Seen] = Field("", max_length=60, examples=["onnxruntime"],
                                         description="What ran it, e.g. onnxruntime.")
    threads: int | None = Field(None, ge=1, le=1024, examples=[4], description="Threads of the engine.")
    batch: int = Field(1, ge=1, le=1024, examples=[1], description="Images in one pass.")
    repeats: int | None = Field(None, ge=1, le=10**9, examples=[50], description="How many passes the numbers rest on.")
    origin: Literal["measured", "predicted", "emulated"] = Field("measured", examples=["measured"],
                                                                 description="What kind of numbers these are.")
    noisy: bool = Field(False, examples=[False], description="Whether something else disturbed the measurement.")
    predicted_within: float | None = Field(
        None, ge=0, le=1e6, allow_inf_nan=False,
        description="Of predicted numbers: the share of the sum by which 95 % of left-out sums were off, at most.")
    predicted_from: int | None = Field(
        None, ge=1, le=10**6,
        description="Of predicted numbers: how many left-out sums `predicted_within` rests on; of fewer than twenty it is the "
                    "worst of them.")

    @property
    def total_s(self) -> float:
        return sum(block.seconds for block in self.blocks)
