"""What a transfer layer offers a plan: at one cut of one network fewer bytes, for some time on both sides and some accuracy.

Whoever trains a network with a transfer layer inside it writes an `Offer` of what was measured; whoever plans reads it. Times
and bytes are of one image; accuracies are shares of the same test images, before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, ValidationError

from worker.profile import Bytes, Fact, Name, Seconds

MEDIA_TYPE = "application/vnd.edgeportal.offers+json"
FILE = "offers.json"
MOST_OFFERS, MOST_LAYERS = 200, 1000  # of a file; of a question
MOST_SIZE = 1_000_000  # bytes of a file
Sha256 = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
Title = Annotated[str, Field(max_length=300)]  # of a layer, as `Offer.title` says it
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Offer(Fact):
    """A network version with one transfer layer at one cut.

    `network` and `network_sha256` are those of the profiles of the network as it was, `after` is the last layer of the head, as
    a profile's block ends with it. `variant_sha256` is the file of the network with the layer inside it.
    """

    network: Name = Field(description="Name of the network, as its profiles have it.")
    network_sha256: Sha256 = Field("", description="SHA-256 of the network's file before; empty where nobody knows it.")
    variant_sha256: Sha256 = Field("", description="SHA-256 of the file of the network with the transfer layer inside it.")
    after: Name = Field(description="The layer that ends the head: the last of a profile's block.")
    inner_after: Annotated[str, Field(max_length=120)] = Field(
        "", description="The layer that ends the head with the first half in it, in that file; empty where nobody wrote it.")
    layer: Name = Field(examples=["max-pool, int8"], description="The transfer layer, in words.")
    bytes: Bytes = Field(description="What goes over the network for an image, with the transfer layer.")
    raw_bytes: Bytes = Field(description="What would go over the network for an image without it.")
    down_s: Seconds = Field(description="Seconds of its first half, before the network, for an image.")
    convert_s: Seconds = Field(0.0, description="Seconds that packing and unpacking the data take, for an image.")
    up_s: Seconds = Field(description="Seconds of its second half, behind the network, for an image.")
    device: Name = Field(description="The device on which these seconds were measured.")
    accuracy: Share = Field(description="Share of the test images that it gets right, with the transfer layer.")
    accuracy_whole: Share = Field(description="The same of the network as it was before, on the same images.")
    n: int = Field(ge=1, le=10**9, description="How many test images.")
    dataset: Name = Field(description="Name of the data set.")
    params_bytes: Bytes = Field(0, description="Size of the transfer layer's own weights.")

    @property
    def title(self) -> str:
        """`max-pool, int8 behind layer2`."""
        return f"{self.layer} behind {self.after}"

    @property
    def overhead_s(self) -> float:
        return self.down_s + self.convert_s + self.up_s

    @property
    def drop(self) -> float:
        """What it costs in accuracy, as a share; less than nothing where it is the better one."""
        return self.accuracy_whole - self.accuracy


class OfferAsked(Fact):
    """What a transfer layer offers, and what makes its times those of other devices.

    `reference_s`: the sum of the network's blocks on the device that the offer's times were measured on.
    """

    offer: Offer
    reference_s: Seconds | None = None


class Offers(Fact):
    """What stands in a file of offers."""

    offers: Annotated[tuple[Offer, ...], Field(max_length=MOST_OFFERS)] = ()


def written(offers: Sequence[Offer]) -> bytes:
    """The file, with a line for each value."""
    return Offers(offers=tuple(offers)).model_dump_json(indent=1).encode()


def read(content: bytes) -> tuple[Offer, ...]:
    """ValueError in a sentence where it is no file of offers."""
    if len(content) > MOST_SIZE:
        raise ValueError(f"The file has {len(content):,} bytes; a file of offers has {MOST_SIZE:,} at most.")
    try:
        return Offers.model_validate_json(content).offers
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"This is no file of offers as a run of ScissionLite writes it{f'; see {where}' if where else ''}.") \
            from None
