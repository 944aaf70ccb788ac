"""What a person changes while a training goes on, asked once an epoch and settled in a checkpoint before it is used."""

from __future__ import annotations

from collections.abc import Generator

from worker.context import Checkpoints
from worker.events import Event, Log
from worker.training.rates import Rates
from worker.training.settings import Settings


def first(
    settings: Settings, checkpoints: Checkpoints, variant: str, before: Rates | None = None, epoch: int = 1,
) -> Generator[Event, None, Rates]:
    """The rates to begin with in `epoch`, `before` those that led there.

    A live one is kept at once: an attempt that was killed in its first epoch used it.
    """
    if settings.follow:
        return settings.follow
    declared = before or Rates.of([(1, settings.learning_rate)])
    if settings.live is None:
        return declared
    known = checkpoints.last(f"rate-{variant}")
    if known:
        return Rates.of(known[2]["rates"])
    rates = declared.then(epoch, settings.live())
    checkpoints.save(f"rate-{variant}", 0, b"", {"rates": rates.given})
    yield from _told(declared, rates, epoch)
    return rates


def following(rates: Rates, settings: Settings, epoch: int) -> Generator[Event, None, Rates]:
    """The rates with what is wanted from `epoch` on; to be called before the checkpoint of the epoch before."""
    if settings.live is None or settings.follow:
        return rates
    wanted = rates.then(epoch, settings.live())
    yield from _told(rates, wanted, epoch)
    return wanted


def diverged(checkpoints: Checkpoints, variant: str, epoch: int) -> None:
    """Mark the epoch that ran away: nothing of it was said, so the next attempt may take it at another rate."""
    known = checkpoints.last(f"diverged-{variant}")
    checkpoints.save(f"diverged-{variant}", known[0] + 1 if known else 0, b"", {"epoch": epoch, "rates": None})


def again(
    rates: Rates, settings: Settings, checkpoints: Checkpoints, variant: str, epoch: int,
) -> Generator[Event, None, Rates]:
    """The rates to go on with in `epoch`: those wanted now where that epoch ran away before.

    Kept before they are used, like every other rate: an attempt killed in that epoch used them.
    """
    known = checkpoints.last(f"diverged-{variant}")
    if known is None or known[2]["epoch"] != epoch or settings.live is None or settings.follow:
        return rates
    if known[2]["rates"]:
        return Rates.of(known[2]["rates"])
    wanted = rates.then(epoch, settings.live())
    checkpoints.save(f"diverged-{variant}", known[0] + 1, b"", {"epoch": epoch, "rates": wanted.given})
    yield from _told(rates, wanted, epoch)
    return wanted


def _told(before: Rates, now: Rates, epoch: int) -> Generator[Event, None, None]:
    if now.latest != before.latest:
        yield Log(message=f"The learning rate is {now.latest:g} from epoch {epoch} on; it was set to {before.latest:g}.")
