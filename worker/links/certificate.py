"""By what a listener is known: a certificate of its own, which nobody else vouches for; callers hold its fingerprint."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import ssl
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

NAME = "links.pem"
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
DAYS, SLACK_DAYS = 365 * 20, 2
OPENSSL_S = 60.0
OPENSSL = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-batch", "-subj",
           "/CN=EdgePortal", "-days", str(DAYS), "-keyout", "-", "-out", "-")


class Unmade(Exception):
    """No certificate could be made; the text says why."""


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key in one PEM file, which its owner alone may read."""

    file: Path

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as 64 hexadecimal digits."""
        found = CERTIFICATE.search(self.file.read_text())
        if not found:
            raise Unmade(f"There is no certificate in {self.file.name}.")
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(found.group())).hexdigest()

    def context(self) -> ssl.SSLContext:
        """TLS 1.3 of a listener; no session is taken up again, as each caller is judged anew."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0
        context.load_cert_chain(self.file)
        return context

    def is_sound(self) -> bool:
        try:
            self.context()
        except (ssl.SSLError, ValueError):
            return False
        return True


def own(folder: Path) -> Certificate:
    """The one of this folder, made where there is none that can be used. Unmade where nothing here can make one."""
    mine = Certificate(folder / NAME)
    if mine.file.exists():
        mine.file.chmod(0o600)
        if mine.is_sound():
            return mine
        mine.file.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _keep(mine.file, _made())
    return mine


def _made() -> bytes:
    """Key and certificate, by the library where it is installed, else by the program."""
    try:
        return _by_library()
    except ImportError:
        pass
    try:
        return subprocess.run(OPENSSL, capture_output=True, check=True, timeout=OPENSSL_S, stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise Unmade("A certificate is made by the program openssl or by Python's package cryptography; here is neither "
                     f"({type(error).__name__}). Install one of them.") from None


def _by_library() -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    secret, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "EdgePortal")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(secret.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=SLACK_DAYS))
            .not_valid_after(now + timedelta(days=DAYS)).sign(secret, hashes.SHA256()))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return secret.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem)


def _keep(file: Path, body: bytes) -> None:
    """Whole or not at all, for its owner only; of two that make one at once, the first stays."""
    tmp = file.with_name(f"{file.name}.{secrets.token_hex(8)}.tmp")
    try:
        with os.fdopen(os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):
            file.hardlink_to(tmp)
    finally:
        tmp.unlink(missing_ok=True)
