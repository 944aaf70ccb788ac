"""The first words between a board and its portal: a code for a token, said to the portal of that fingerprint only."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from worker.agent import data_port, hardware, updating
from worker.agent.portal import Patience, Portal
from worker.agent.state import Folder, Identity
from worker.agent.trust import Address, plain
from worker.agent.version import mine
from worker.agent.wording import VERSION, Away, Over, Refused

TRIES = 6


def join(folder: Folder, url: str, code: str, fingerprint: str, name: str = "") -> Identity:
    """Join, and keep who this board is from now on. A lost answer is asked for again: the portal knows the board."""
    if folder.read("identity.json"):
        raise Over(f"This board has joined already (its identity is in {folder.path}). To begin anew, remove that folder.")
    address, instance = Address(url.rstrip("/"), plain(fingerprint)), folder.instance()
    portal = Portal(address, instance)
    pinned = replace(address, certificate=_certificate(portal))
    port = data_port.of(folder)
    slices = port.about((address.name, address.port)) if port else {}
    said = {"code": code, "instance": instance, "version": mine(), **hardware.about(name), "data": slices}
    heard = _asked(Portal(pinned, instance), said)
    identity = Identity(pinned, heard["token"], instance, heard["device"], heard["team"], float(heard["poll_s"]),
                        str(heard.get("signing_key", "")))
    identity.keep(folder)
    updating.adopt(folder)
    return identity


def _certificate(portal: Portal) -> str:
    try:
        return portal.certificate()
    except Away as away:
        raise Over(str(away)) from None


def _asked(portal: Portal, said: dict[str, Any]) -> dict[str, Any]:
    patience = Patience()
    for left in reversed(range(TRIES)):
        try:
            return portal.ask("POST", "/api/agent/join", said).body
        except Away as away:
            if not left or (away.retry_after or 0) > 60:
                raise Over(str(away)) from None
            time.sleep(patience.next(away.retry_after))
        except Refused as refused:
            if refused.status == 426:
                raise Over(VERSION.format(mine=mine(), needed=refused.body.get("needed"))) from None
            raise Over(str(refused)) from None
    raise AssertionError
