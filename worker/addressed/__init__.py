"""A network or a change of one, addressed to a device: which, with what number, signed, so that no other is ever taken there.

    EPUPDATE1 | length of the address, 4 bytes | address, JSON | Ed25519 signature, 64 bytes | the network, or the change

The signature is over all that stands before it; the address names what follows by its SHA-256 and its length, and says which of
the two it is. Numbers only rise: an older update is refused, so that nobody brings an old network back. Reading needs Python's
own library alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from worker.addressed import ed25519

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAGIC = b"EPUPDATE1"
MOST_ADDRESS_BYTES = 10_000
MOST_BYTES = 2_000_000_000
HIGHEST = 2**53
LONGEST_NAME = 200
# What the images to try networks on are called, in a run's files and in a device's folder.
BATCH = "batch.npz"
# A first network, to serve whatever was served before; or a change of one that is there.
Kind = Literal["first", "change"]


class Refused(ValueError):
    """An update that this device does not take; the text is one sentence for a person."""


@dataclass(frozen=True)
class Address:
    """What is signed. `least_right`: of the device's stored batch, how many images the new network must get right; the batch is
    named by its SHA-256, and nothing is asked where there is none. An address without a kind is that of a change."""

    device: str
    number: int
    change_sha256: str
    change_bytes: int
    batch_sha256: str = ""
    least_right: int = 0
    kind: Kind = "change"


@dataclass(frozen=True)
class Update:
    """An update whose signature was checked. `change`: with an address of the kind `first`, the network's file."""

    address: Address
    change: bytes


def head(address: Address, key: Ed25519PrivateKey) -> bytes:
    """What stands before the change. ValueError for a number below 1 or above 2^53."""
    if not 0 < address.number <= HIGHEST:
        raise ValueError(f"An update's number is between 1 and {HIGHEST}; got {address.number}.")
    said = json.dumps(asdict(address), separators=(",", ":")).encode()
    begin = MAGIC + len(said).to_bytes(4, "little") + said
    return begin + key.sign(begin)


def signed(
    change: bytes, key: Ed25519PrivateKey, *, device: str, number: int, batch_sha256: str = "", least_right: int = 0,
    kind: Kind = "change",
) -> bytes:
    """The update as it is sent. ValueError for a number below 1 or above 2^53."""
    address = Address(device, number, hashlib.sha256(change).hexdigest(), len(change), batch_sha256, least_right, kind)
    return head(address, key) + change


def opened(body: bytes, *, key: bytes, device: str) -> Update:
    """The update, once its signature, its address and its bytes were found to be right; Refused otherwise.

    `key`: the 32 bytes of the portal's public key, pinned when the device joined.
    """
    if len(body) > MOST_BYTES:
        raise Refused(f"The update has {len(body):,} bytes; at most {MOST_BYTES:,} are taken.")
    begin = len(MAGIC) + 4
    end = begin + int.from_bytes(body[len(MAGIC):begin], "little")
    if body[: len(MAGIC)] != MAGIC or end - begin > MOST_ADDRESS_BYTES or end + ed25519.SIGNATURE_BYTES > len(body):
        raise Refused("This is no update of a network, or it is cut off.")
    signature, change = body[end : end + ed25519.SIGNATURE_BYTES], body[end + ed25519.SIGNATURE_BYTES :]
    if not _signed_by(key, signature, body[:end]):
        raise Refused("The update is not signed by the portal that this device belongs to; nothing of it was used.")
    address = _address(body[begin:end])
    if address.device != device:
        raise Refused(f"The update is for the device {address.device[:80]}, and this is {device[:80]}.")
    if len(change) != address.change_bytes or hashlib.sha256(change).hexdigest() != address.change_sha256:
        raise Refused(f"The update came damaged: it should carry {address.change_bytes:,} bytes of SHA-256 "
                      f"{address.change_sha256[:12]}..., and carries {len(change):,} others.")
    return Update(address, change)


def _signed_by(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:  # a board without it
        return ed25519.verified(signature, message, key)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _address(text: bytes) -> Address:
    try:
        found: dict[str, Any] = json.loads(text)
        address = Address(**found)
    except (ValueError, TypeError, RecursionError):
        raise Refused("The update's address is not understood; it may be of a newer portal.") from None
    whole = all(type(number) is int and 0 <= number <= HIGHEST
                for number in (address.number, address.change_bytes, address.least_right))
    names = all(isinstance(name, str) and len(name) <= LONGEST_NAME
                for name in (address.device, address.change_sha256, address.batch_sha256))
    if not whole or not names or not address.number or address.kind not in get_args(Kind):
        raise Refused("The update's address is not understood; it may be of a newer portal.")
    return address
