"""Why a run that is prepared waits for its board, and what is said of one that holds a run and is silent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.accounts.models import User
from apps.devices.models import Device
from apps.experiments import board_leases, hostings
from apps.experiments.models import HELD, Run


def is_for_board(run: Run) -> bool:
    """Whether it is prepared: only its board can go on with it."""
    return run.order is not None


def why(run: Run, user: User) -> str:
    """What the board does, or does not do, that the run waits for."""
    board = run.board
    if board is None:
        return "its board is no longer in the registry: cancel it, and measure on another"
    if not (board.shared or board.team_id == run.team_id):
        return f"{board} is no longer shared with your team: cancel it, and measure on another"
    if board.retired:
        return f"{board} is retired: nothing begins on it until somebody brings it back"
    if board.host:
        return f"a worker measures on {board} now, no agent: cancel it, and launch it again"
    if not board.agents.filter(revoked=None).exists():
        return f"no agent lives on {board} any more: let it join again with a code for this device"
    if board.state == "contact lost":
        return f"waits for board {board}, last heard {since(board.last_seen)} ago; it goes on when the board is back"
    if board.draining:
        return f"{board} is draining: nothing new begins on it until it is told to take work again"
    return _in_line(run, board, user)


def _in_line(run: Run, board: Device, user: User) -> str:
    same = Run.objects.filter(queue=run.queue)
    holder = same.filter(status__in=HELD).order_by("started_at").first()
    before = board_leases.waiting(board).filter(queued_at__lt=run.queued_at).count()
    place = "yours is next" if before == 0 else f"{before} {'stands' if before == 1 else 'stand'} before yours"
    if holder:
        seen = Run.objects.visible_to(user).filter(pk=holder.pk).exists()
        return f"board {board} is busy with {f'run {holder.number}' if seen else 'a run of another team'}; {place}"
    if hostings.reserved(board):
        return f"board {board} keeps a slice of another run; {place}"
    if before == 0 and (hindered := hostings.hindered(run)):
        return hindered
    return f"waits for board {board}, which asks for work every few seconds; {place}"


def silence(run: Run, now: datetime) -> str:
    """A board that holds the run and was not heard for longer than the quarter of its lease in which it speaks."""
    quiet = (now - run.heartbeat).total_seconds() if run.heartbeat else 0.0
    if quiet < settings.BOARD_LEASE_S * 0.4:
        return ""
    return (f"{run.worker} silent for {_words(quiet)}; after {settings.BOARD_LEASE_S:.0f} s the run goes back to its queue and "
            "waits for it; nothing is lost")


def since(at: Any) -> str:
    return _words((timezone.now() - at).total_seconds())


def _words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"
