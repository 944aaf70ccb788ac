"""What came of it, in words: what switching gains against the best fixed network, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from worker.switching.asked import Network
from worker.switching.records import Record, median
from worker.wording import byte_size, counted, figures

WHY = {"T1": "requests wait, or come too late", "T2": "memory is short", "T3": "a better network was possible for long enough"}
FIXED = "fixed: "
# Less than half a point of effective accuracy is no difference to speak of.
SAME_POINTS = 0.5


def of_way(record: Record, accuracies: Mapping[str, float]) -> str:
    """One way in one line of the log."""
    late = f"{record.late:,} of {counted(record.arrived, 'request')} late"
    told = f"{record.way}: effective accuracy {100 * record.effective(accuracies):.1f} %, {late}"
    if record.p95_ms is not None:
        told += f", p95 {figures(record.p95_ms)} ms"
    if record.swaps:
        told += f", {counted(len(record.swaps), 'swap')}"
        if (overhead := median(record.overheads_ms)) is not None:
            told += f" at {figures(max(overhead, 0.0))} ms each (median)"
    if record.memory:
        told += f"; steady {byte_size(record.memory['steady_bytes'])}, of which the runtime alone " \
                f"{byte_size(record.memory['empty_bytes'])}, peak {byte_size(record.memory['peak_bytes'])}"
    return told + "."


def verdict(records: Sequence[Record], of: Sequence[Network]) -> str:
    accuracies = {each.name: each.accuracy for each in of}
    first, fixed = records[0], [each for each in records if each.way.startswith(FIXED)]
    told = [_came_to(first, accuracies)]
    if fixed:
        told.append(_against(first, max(fixed, key=lambda each: each.effective(accuracies)), accuracies))
    told.append(_costs(first))
    dense = [each for each in records[1:] if each not in fixed]
    return "; ".join([each for each in told if each] + [_beside(first, each) for each in dense])


def _came_to(first: Record, accuracies: Mapping[str, float]) -> str:
    share = 1 - first.late / first.arrived if first.arrived else 0.0
    return (f"{100 * share:.1f} % of {counted(first.arrived, 'request')} answered in time, effective accuracy "
            f"{100 * first.effective(accuracies):.1f} %")


def _against(first: Record, best: Record, accuracies: Mapping[str, float]) -> str:
    points = 100 * (first.effective(accuracies) - best.effective(accuracies))
    name = best.way.removeprefix(FIXED)
    if abs(points) < SAME_POINTS:
        return f"no better or worse than {name} alone, the best fixed network ({points:+.1f} points)"
    return f"{abs(points):.1f} points {'more' if points > 0 else 'less'} than {name} alone, the best fixed network"


def _costs(first: Record) -> str:
    overhead = median(first.overheads_ms)
    if overhead is None:
        return "no change of network was needed" if not first.swaps else counted(len(first.swaps), "swap")
    return f"{counted(len(first.swaps), 'swap')} at {figures(max(overhead, 0.0))} ms each (median)"


def _beside(first: Record, other: Record) -> str:
    """Cost of the first beside a way that holds dense networks: overhead where both swapped, memory where both are known."""
    told, mine, theirs = [], median(first.overheads_ms), median(other.overheads_ms)
    if mine is not None and theirs is not None:
        told.append(f"{figures(max(theirs, 0.0))} ms a swap")
    if first.memory and other.memory:
        told.append(f"{byte_size(other.memory['steady_bytes'])} held, here {byte_size(first.memory['steady_bytes'])}")
    return f"{other.way}: {', '.join(told)}" if told else f"{other.way}: no swap"
