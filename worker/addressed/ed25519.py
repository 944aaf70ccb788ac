"""Ed25519 signatures checked with Python's own library, for boards without the package cryptography (RFC 8032, 5.1.7).

Checking alone: everything here is public, so its time may tell what it likes. Signing is the portal's, by cryptography.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
# The curve is -x^2 + y^2 = 1 + D x^2 y^2.
D = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)
KEY_BYTES, SIGNATURE_BYTES = 32, 64


class Point(NamedTuple):
    """x = X / Z, y = Y / Z and T = X Y / Z: sums of such points need no division."""

    X: int
    Y: int
    Z: int
    T: int


NOTHING = Point(0, 1, 1, 0)


def verified(signature: bytes, message: bytes, key: bytes) -> bool:
    """Whether who holds the secret of this public key signed the message."""
    public = _point(key)
    if public is None or len(signature) != SIGNATURE_BYTES:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= ORDER:  # else there were several signatures of one message
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    against = _times(challenge, Point(-public.X % PRIME, public.Y, public.Z, -public.T % PRIME))
    return _said(_sum(_times(scalar, BASE), against)) == signature[:32]


def _sum(one: Point, other: Point) -> Point:
    """The unified addition of Hisil, Wong, Carter, Dawson 2008: right for equal points too."""
    a, b = (one.Y - one.X) * (other.Y - other.X) % PRIME, (one.Y + one.X) * (other.Y + other.X) % PRIME
    c, d = 2 * one.T * other.T * D % PRIME, 2 * one.Z * other.Z % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return Point(e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)


def _times(scalar: int, point: Point) -> Point:
    total = NOTHING
    while scalar:
        if scalar & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        scalar >>= 1
    return total


def _said(point: Point) -> bytes:
    """y, and in its highest bit whether x is odd."""
    inverse = pow(point.Z, -1, PRIME)
    x, y = point.X * inverse % PRIME, point.Y * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _point(body: bytes) -> Point | None:
    """The point that these 32 bytes say; None where they say none."""
    told = int.from_bytes(body, "little")
    y, odd = told & (1 << 255) - 1, told >> 255
    if len(body) != KEY_BYTES or y >= PRIME:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if (x * x - square) % PRIME or (not x and odd):
        return None
    x = PRIME - x if x & 1 != odd else x
    return Point(x, y, 1, x * y % PRIME)


def _base() -> Point:
    found = _point((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))
    assert found is not None
    return found


BASE = _base()
