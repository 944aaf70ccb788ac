"""An update is for one device, of one portal, with one number, and nothing of any other is ever used."""

from __future__ import annotations

import builtins
import json
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from worker.addressed import HIGHEST, MAGIC, Refused, opened, signed

CHANGE = b"the change" * 20


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(b"k" * 32)


@pytest.fixture(params=["with the package", "by hand"])
def public(request: pytest.FixtureRequest, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The portal's public key, on a board with and on one without the package cryptography."""
    found = key.public_key().public_bytes_raw()
    if request.param == "by hand":
        real = builtins.__import__

        def without(name: str, *rest: Any) -> Any:
            if name.startswith("cryptography"):
                raise ImportError(name)
            return real(name, *rest)

        monkeypatch.setattr(builtins, "__import__", without)
    return found


def test_what_was_signed_is_read(key: Ed25519PrivateKey, public: bytes) -> None:
    body = signed(CHANGE, key, device="camera", number=7, batch_sha256="ab", least_right=3)
    update = opened(body, key=public, device="camera")
    assert update.change == CHANGE
    assert (update.address.number, update.address.batch_sha256, update.address.least_right) == (7, "ab", 3)


def test_another_portals_signature_is_refused(public: bytes) -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    with pytest.raises(Refused, match="not signed by the portal that this device belongs to"):
        opened(signed(CHANGE, other, device="camera", number=1), key=public, device="camera")


def test_another_devices_update_is_refused(key: Ed25519PrivateKey, public: bytes) -> None:
    with pytest.raises(Refused, match="for the device lamp, and this is camera"):
        opened(signed(CHANGE, key, device="lamp", number=1), key=public, device="camera")


def test_another_change_behind_the_same_signature_is_refused(key: Ed25519PrivateKey, public: bytes) -> None:
    body = signed(CHANGE, key, device="camera", number=1)
    with pytest.raises(Refused, match="came damaged"):
        opened(body[:-1] + b"?", key=public, device="camera")


def test_cut_anywhere_it_is_refused(key: Ed25519PrivateKey, public: bytes) -> None:
    body = signed(CHANGE, key, device="camera", number=1)
    for end in range(0, len(body), 9):
        with pytest.raises(Refused, match=r"\.$"):
            opened(body[:end], key=public, device="camera")


def test_with_any_bit_turned_it_is_refused(key: Ed25519PrivateKey, public: bytes) -> None:
    body, chance = signed(CHANGE, key, device="camera", number=1), np.random.default_rng(0)
    for _ in range(60):
        turned = bytearray(body)
        turned[chance.integers(len(turned))] ^= 1 << chance.integers(8)
        with pytest.raises(Refused):
            opened(bytes(turned), key=public, device="camera")


@pytest.mark.parametrize("address", [
    {"device": "camera"}, [], "camera", {"device": 5, "number": 1, "change_sha256": "", "change_bytes": 0},
    {"device": "camera", "number": -1, "change_sha256": "", "change_bytes": 0},
    {"device": "camera", "number": True, "change_sha256": "", "change_bytes": 0},
    {"device": "camera", "number": HIGHEST + 1, "change_sha256": "", "change_bytes": 0},
])
def test_an_address_that_says_nothing_sensible_is_refused_even_when_signed(key: Ed25519PrivateKey, address: object) -> None:
    said = json.dumps(address).encode()
    head = MAGIC + len(said).to_bytes(4, "little") + said
    with pytest.raises(Refused, match="not understood"):
        opened(head + key.sign(head), key=key.public_key().public_bytes_raw(), device="camera")


@pytest.mark.parametrize("number", [0, -3, HIGHEST + 1])
def test_numbers_begin_at_one(key: Ed25519PrivateKey, number: int) -> None:
    with pytest.raises(ValueError, match="between 1 and"):
        signed(CHANGE, key, device="camera", number=number)
