"""The process of one inspection: it knows no secret, reaches no network where the kernel lets us say so, and has limits."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import traceback

from worker.child import Wire, die_with_parent, limit
from worker.firstlook import Unfit
from worker.inspection import data, deriving, describing, models, rehearsing  # noqa: F401  warm before the fork
from worker.inspection.inspecting import BROKEN, inspect
from worker.inspection.order import Order, Unclear

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def begin(request: bytes, end: socket.socket) -> None:
    """What the fork server calls in the new process."""
    main(Order.model_validate_json(request), end)


def main(order: Order, end: socket.socket) -> None:
    os.environ.clear()
    os.chdir(order.folder)
    alone()
    wire = Wire(end, {})
    try:
        limit(order)
        found = inspect(order, lambda name, detail="": wire.say(step=name, detail=detail))
        wire.say(found=found.model_dump(mode="json"))
    except Unfit as unfit:
        mend, findings = (unfit.mend, unfit.findings) if isinstance(unfit, Unclear) else ("", {})
        trace = traceback.format_exc(limit=20) if str(unfit) == BROKEN else ""
        wire.say(refused={"why": str(unfit), "mend": mend, "findings": findings}, trace=trace)


def alone() -> bool:
    """A network namespace of its own with nothing in it, if the kernel gives one to an ordinary process.

    Best effort, and said: some kernels and containers forbid user namespaces. What is opened here is data (weights_only,
    no pickle, no code), so the namespace is a second wall and not the first. It must come before any thread starts.
    """
    if sys.platform != "linux":
        return False
    is_alone: bool = ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0
    die_with_parent()  # A change of credentials may have cleared it.
    return is_alone
