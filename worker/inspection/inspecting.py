"""One inspection from its order to its answer; what breaks inside is told in words of the house."""

from __future__ import annotations

from collections.abc import Callable

from worker.firstlook import Unfit
from worker.inspection.order import Found, Order
from worker.inspection.steps import Step
from worker.reasons import is_ours, lacked

MEMORY = "Checking the file needed more memory than its limit of {limit:,} bytes."
BROKEN = "The file could not be checked: its inside made the inspection stumble."


def inspect(order: Order, say: Step) -> Found:
    """The file as one of the house; Unfit, in one sentence, for everything that cannot be that."""
    from worker.inspection import data, deriving, describing, models, rehearsing

    inspections: dict[str, Callable[[Order, Step], Found]] = {
        "model": models.inspect, "dataset": data.inspect, "structure": describing.inspect,
        "folded": deriving.inspect, "slices": deriving.inspect, "needs": rehearsing.inspect}
    try:
        return inspections[order.kind](order, say)
    except Unfit:
        raise
    except Exception as error:
        raise told(error, order) from error


def told(error: Exception, order: Order) -> Unfit:
    if isinstance(error, MemoryError):
        return Unfit(MEMORY.format(limit=order.memory_bytes))
    short = lacked(error)
    if short and "memory" in short:
        return Unfit(MEMORY.format(limit=order.memory_bytes))
    return Unfit(str(error) if is_ours(error) else short or BROKEN)
