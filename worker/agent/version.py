"""Which agent this is: what it speaks with the portal, and, in a wheel, which of its builds."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

# Raised when portal and agent would no longer understand each other; the portal then asks for an update.
SPEAKS = "0.1.0"


def mine() -> str:
    """`0.1.0+3f9a01bc` from a wheel, `0.1.0` from a checkout."""
    try:
        return version("edgeportal-agent")
    except PackageNotFoundError:
        return SPEAKS
