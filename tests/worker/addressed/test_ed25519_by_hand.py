"""A board without the package cryptography checks signatures as that package does."""

from __future__ import annotations

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from worker.addressed.ed25519 import ORDER, PRIME, verified

# RFC 8032, 7.1, the first test: an empty message.
KEY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                          "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")


def test_the_standards_own_example_holds() -> None:
    assert verified(SIGNATURE, b"", KEY)
    assert not verified(SIGNATURE, b" ", KEY)


@pytest.mark.parametrize("seed", range(4))
def test_what_the_library_signs_is_right_and_what_was_turned_is_wrong(seed: int) -> None:
    chance = np.random.default_rng(seed)
    secret = Ed25519PrivateKey.from_private_bytes(chance.bytes(32))
    public, message = secret.public_key().public_bytes_raw(), chance.bytes(100)
    signature = secret.sign(message)
    assert verified(signature, message, public)
    for what in (signature, message, public):
        turned = bytearray(what)
        turned[chance.integers(len(turned))] ^= 1 << chance.integers(8)
        assert not verified(*(bytes(turned) if each is what else each for each in (signature, message, public)))


def test_the_same_signature_said_in_another_way_is_refused() -> None:
    scalar = int.from_bytes(SIGNATURE[32:], "little") + ORDER
    assert not verified(SIGNATURE[:32] + scalar.to_bytes(32, "little"), b"", KEY)


@pytest.mark.parametrize("key", [b"", KEY[:-1], PRIME.to_bytes(32, "little"), (2).to_bytes(32, "little"), b"\xff" * 32])
def test_what_is_no_key_verifies_nothing(key: bytes) -> None:
    assert not verified(SIGNATURE, b"", key)


@pytest.mark.parametrize("signature", [b"", SIGNATURE[:-1], SIGNATURE + b"\0"])
def test_what_is_no_signature_verifies_nothing(signature: bytes) -> None:
    assert not verified(signature, b"", KEY)
