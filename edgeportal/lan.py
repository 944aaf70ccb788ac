"""`make run LAN=1`: the addresses of this machine on the local network, and a certificate of the portal's own for them.

The certificate is made once and stays: boards pin it when they join. Nobody else vouches for it, its fingerprint does.
"""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from edgeportal import places

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, GeneralName

YEARS = 20
# A board whose clock is a day behind still takes it for valid.
SLACK = timedelta(days=2)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def wanted() -> bool:
    """Whether a local installation is opened to the local network."""
    return places.local() and os.environ.get("LAN", "") == "1"


def certificate() -> Path:
    return places.var() / "tls" / "portal.crt"


def key() -> Path:
    return places.var() / "tls" / "portal.key"


def hosts() -> list[str]:
    """Every name and address under which this machine may be asked, the one to print first; loopback stands last."""
    name = socket.gethostname().lower()
    names = [name, f"{name}.local"] if name and "." not in name else [name]
    return list(dict.fromkeys([*addresses(), *filter(None, names), *LOOPBACK]))


def addresses() -> list[str]:
    """The addresses of this machine that others on its network can reach; of IPv4, which the portal is bound to."""
    import psutil

    found = [entry.address for entries in psutil.net_if_addrs().values() for entry in entries
             if entry.family == socket.AF_INET and _is_reachable(entry.address)]
    return list(dict.fromkeys(found))


def _is_reachable(address: str) -> bool:
    try:
        read = ip_address(address)
    except ValueError:
        return False
    return not (read.is_loopback or read.is_link_local or read.is_unspecified)


def in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def fingerprint() -> str:
    """SHA-256 of the certificate, as people compare it: `3F:A2:...`."""
    digits = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate().read_text())).hexdigest().upper()
    return ":".join(digits[at:at + 2] for at in range(0, len(digits), 2))


def make_certificate() -> None:
    """The key and the certificate, unless they are there already: other addresses do not make another certificate."""
    if certificate().exists() and key().exists():
        return
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    secret = ec.generate_private_key(ec.SECP256R1())
    key().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(key(), secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    _write(certificate(), _signed(secret).public_bytes(serialization.Encoding.PEM))


def _signed(secret: EllipticCurvePrivateKey) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "EdgePortal")]), datetime.now(UTC)
    about = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(secret.public_key())
             .serial_number(x509.random_serial_number())
             .not_valid_before(now - SLACK).not_valid_after(now + timedelta(days=365 * YEARS))
             .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
             .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
             .add_extension(x509.SubjectKeyIdentifier.from_public_key(secret.public_key()), critical=False)
             .add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts()]), critical=False))
    return about.sign(secret, hashes.SHA256())


def _alternative(host: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, body: bytes) -> None:
    """Whole or not at all, for its owner only."""
    tmp = path.with_suffix(".tmp")
    tmp.unlink(missing_ok=True)
    with os.fdopen(os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    tmp.rename(path)
