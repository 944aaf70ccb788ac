"""What a board says of the network that it serves, and what waits for it; who brings networks stands above this floor."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import Signal

from apps.accounts.wire import Told
from apps.devices.boards.reports import NetworkSaid
from apps.devices.models import Agent

# Sent with `agent`, `said` (NetworkSaid, or nothing of an agent that knows of none) and `begins` (the first beat of its life);
# who receives it answers with what the board shall fetch, as `NetworkWanted` takes it, or with nothing.
heard = Signal()
# Sent with `device`, inside the transaction that holds its row, when its agent's token is ended.
left = Signal()


class ToFetch(Told):
    path: str
    sha256: str
    size_bytes: int
    url: str


class NetworkWanted(Told):
    """`file`: the signed update. `batch`: what it is tried on; a board that has it fetches it no more."""

    deployment: UUID
    number: int
    file: ToFetch
    batch: ToFetch | None


def beat(agent: Agent, said: NetworkSaid | None, *, begins: bool) -> dict[str, Any] | None:
    """Pass on what a beat said; what the board shall fetch."""
    answers: list[tuple[Any, Any]] = heard.send(Agent, agent=agent, said=said, begins=begins)
    return next((answer for _, answer in answers if answer), None)
