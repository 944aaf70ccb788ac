"""By what a board knows this portal again: the certificate that `make run LAN=1` made for it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings


def fingerprint() -> str:
    """SHA-256 of the certificate in hexadecimal digits; empty where the portal serves none of its own."""
    return hashlib.sha256(_der(settings.TLS_CERTIFICATE)).hexdigest() if settings.TLS_CERTIFICATE else ""


def public_key_pin() -> str:
    """SHA-256 of its public key, as curl's `--pinnedpubkey` takes it after `sha256//`; empty where there is none."""
    return _pin(settings.TLS_CERTIFICATE) if settings.TLS_CERTIFICATE else ""


def readable(digits: str) -> str:
    """A fingerprint as people compare it: `3F:A2:...`."""
    return ":".join(digits[at:at + 2] for at in range(0, len(digits), 2)).upper()


@cache
def _der(path: Path) -> bytes:
    import ssl

    return ssl.PEM_cert_to_DER_cert(path.read_text())


@cache
def _pin(path: Path) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_der_x509_certificate(_der(path)).public_key()
    return base64.b64encode(hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()).decode()
