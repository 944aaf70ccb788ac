"""The portal's signing key (Ed25519): made at its first use, in a file of its own, never in the database and in no backup.

By its public half boards know what this portal sends them. Who loses the file makes another at the next use; boards then have to
join again, since no other key is ever believed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from apps.accounts.refusal import Conflict

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET_BYTES = 32
UNREADABLE = "The portal's signing key cannot be used ({why}); an operator has to look at {file}."


def key() -> Ed25519PrivateKey:
    """The key itself. Conflict with a sentence when its file can be neither read nor made."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    file = Path(settings.SIGNING_KEY_FILE)
    try:
        if not file.exists():
            _make(file)
        body = file.read_bytes()
    except OSError as error:
        raise Conflict({"": UNREADABLE.format(why=error.strerror, file=file.name)}) from None
    if len(body) != SECRET_BYTES:
        raise Conflict({"": UNREADABLE.format(why=f"it has {len(body)} bytes, not {SECRET_BYTES}", file=file.name)})
    return Ed25519PrivateKey.from_private_bytes(body)


def public() -> bytes:
    """32 bytes, which boards keep when they join."""
    return key().public_key().public_bytes_raw()


def fingerprint() -> str:
    """SHA-256 of the public half in hexadecimal digits, by which people and boards tell one key from another."""
    return hashlib.sha256(public()).hexdigest()


def _make(file: Path) -> None:
    """Whole or not at all, and once: of two processes that make it together, both go on with the one that was first."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    file.parent.mkdir(parents=True, exist_ok=True)
    tmp = file.with_name(f"{file.name}.{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(Ed25519PrivateKey.generate().private_bytes_raw())
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(tmp)
    finally:
        tmp.unlink(missing_ok=True)
    _keep_name(file.parent)


def _keep_name(folder: Path) -> None:
    """A power cut loses no name in it any more: boards that have joined believe this key alone."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
