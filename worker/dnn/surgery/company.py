"""Which channels stay in company of those that are needed: for round widths, for least widths, for even groups."""

from __future__ import annotations

from worker.dnn.surgery.balance import Choice, level
from worker.dnn.surgery.channels import Channels
from worker.dnn.surgery.streams import Flags, Ids


def with_company(
    found: Channels, needed: Flags, *, round_to: int = 1, min_channels: int = 1, choice: Choice | None = None
) -> Flags:
    """Keep more channels until each width is a multiple of `round_to` and at least `min_channels`, no slice of channels is
    empty, and every operator that takes the same number from each group gets it."""
    alive, before, choice = needed.copy(), -1, choice or Choice()
    while before < (before := int(alive.sum())):
        for name in found.producers:
            _widen(found.writes[name], alive, round_to, min_channels, choice)
        for ids in found.slices.values():
            _widen(ids, alive, 1, 1, choice)
        for balance in found.balances:
            level(balance, alive, choice)
    return alive


def _widen(ids: Ids, alive: Flags, round_to: int, least: int, choice: Choice) -> None:
    stays = alive[ids]
    living = int(stays.sum())
    wanted = min(len(ids), -(-max(least, living) // round_to) * round_to)
    if wanted > living:
        alive[choice.best(ids[~stays], wanted - living)] = True
