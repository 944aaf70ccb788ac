"""The side that calls."""

from __future__ import annotations

import hashlib
import math
import socket
import ssl
import time
from typing import Any

from worker.links import greeting
from worker.links.channel import Channel, Late
from worker.links.faults import Ended, Refused, Silent, Torn
from worker.links.talking import Wire

Address = tuple[str, int]


def connect(address: Address, *, token: str, run: str, pin: str | None = None, patience_s: float, most_bytes: int) -> Wire:
    """Call a listener. With `pin`, SHA-256 of its certificate in hexadecimal digits, over TLS 1.3, and to nobody else.

    All of it takes `patience_s` at most. Silent where nobody listens, Refused where another one does, Torn or Strange where it is
    none of ours.
    """
    until, name = time.monotonic() + patience_s, f"{address[0]}:{address[1]}"
    channel = Channel(_reached(address, until, name))
    wire = Wire(channel, greeting.MOST_BYTES, patience_s, peer=name)
    wire.ends_at = until
    try:
        if pin is not None:
            _pinned(channel, pin, until, name)
        greeting.call(wire, token, run, plain_pin(pin or ""))
    except Late:
        channel.close()
        raise Silent(f"{name} did not answer within {patience_s:g} s.") from None
    except Ended:
        raise Torn(f"{name} ended the connection while it was greeted: it is none of ours, asks for TLS, or "
                   "has too many callers.") from None
    except BaseException:
        channel.close()
        raise
    wire.ends_at, wire.most_bytes = math.inf, most_bytes
    return wire


def _reached(address: Address, until: float, name: str) -> socket.socket:
    """The first of the addresses behind a name that answers, all of them within the time."""
    why = "it has no address"
    try:
        for family, kind, protocol, _, target in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
            try:
                return _tried(socket.socket(family, kind, protocol), target, until)
            except OSError as error:
                why = error.strerror or "it did not answer in time"
    except (OSError, OverflowError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
    raise Silent(f"Nobody can be reached at {name}: {why}.")


def _tried(fresh: socket.socket, target: Any, until: float) -> socket.socket:
    fresh.settimeout(max(until - time.monotonic(), 0.001))
    try:
        fresh.connect(target)
    except BaseException:
        fresh.close()
        raise
    return fresh


def _pinned(channel: Channel, pin: str, until: float, name: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # No authority vouches for it: the fingerprint does.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    shown = hashlib.sha256(channel.secure(context, is_server=False, until=until) or b"").hexdigest()
    if shown != plain_pin(pin):
        raise Refused(f"{name} shows another certificate ({shown[:16]}...) than the one it is known by "
                      f"({plain_pin(pin)[:16]}...); nothing was said to it.")


def plain_pin(pin: str) -> str:
    """`3F:A2:...` or `3fa2...` as small digits."""
    return pin.replace(":", "").strip().lower()
