"""Which portal a board believes: the one whose certificate it pinned when it joined, whatever its name or address is by then."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from worker.agent.wording import CLOCK, NOT_TRUSTED, ONLY_HTTPS, OTHER_CERTIFICATE, Distrusted, Over

# OpenSSL: the certificate is not valid yet, or no longer.
OUT_OF_TIME = (9, 10)


@dataclass(frozen=True)
class Address:
    """Where the portal is. `fingerprint`: SHA-256 of its certificate; empty where the system's authorities vouch for it."""

    base: str
    fingerprint: str = ""
    certificate: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        plain_here = parts.scheme == "http" and _is_loopback(parts.hostname or "")
        if not parts.hostname or not (parts.scheme == "https" or plain_here):
            raise Over(ONLY_HTTPS.format(got=self.base))

    @property
    def is_https(self) -> bool:
        return self.base.startswith("https:")

    @property
    def host(self) -> str:
        return urlsplit(self.base).netloc

    @property
    def name(self) -> str:
        return urlsplit(self.base).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.base).port or (443 if self.is_https else 80)

    def context(self) -> ssl.SSLContext:
        """Trusts the pinned certificate itself and nothing else. Before it is known, the handshake alone; `check` decides."""
        if not self.fingerprint:
            return ssl.create_default_context()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if self.certificate else ssl.CERT_NONE
        if self.certificate:
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_verify_locations(cadata=self.certificate)
        return context

    def check(self, shown: bytes | None) -> None:
        """Distrusted unless this (DER) is the certificate of the fingerprint."""
        got = hashlib.sha256(shown or b"").hexdigest()
        if self.fingerprint and got != self.fingerprint:
            raise Distrusted(OTHER_CERTIFICATE.format(host=self.host, got=got[:16]))

    def distrusted(self, error: ssl.SSLCertVerificationError) -> Distrusted:
        if error.verify_code in OUT_OF_TIME:
            return Distrusted(CLOCK.format(now=datetime.now(UTC)))
        if self.fingerprint:
            return Distrusted(OTHER_CERTIFICATE.format(host=self.host, got="unknown"))
        return Distrusted(NOT_TRUSTED.format(host=self.host, why=error.verify_message))


def plain(fingerprint: str) -> str:
    """`3F:A2:...` or `3fa2...` as 64 small digits; Over when it is no SHA-256."""
    digits = fingerprint.replace(":", "").strip().lower()
    if digits and (len(digits) != 64 or not set(digits) <= set("0123456789abcdef")):
        raise Over(f"A fingerprint has 64 hexadecimal digits; got {fingerprint[:80]!r}.")
    return digits


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
