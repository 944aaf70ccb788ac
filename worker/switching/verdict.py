"""What came of it, in words: what switching gains against the best fixed network, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from worker.switching.asked import Network
from worker.switching.records import Record, median
from worker.wording import byte_size, counted, figures

WHY = {"T1": "requests wait, or come too late", "T2": "memory is short", "T3": "a better network was possible for long enough"}
FIXED = "fixed: "
# Less than half a point of effective accuracy is no difference to speak of.
SAME_POINTS = 0.5
# A way that one network answered nearly alone is no other than that network's own.
NEARLY_ALL = 0.9
# Beyond it, and as far below, times are not those that the networks were chosen by.
MOST_SLOWER = 1.4
# Who waited for a request finds the processor asleep and its caches cold, which a pass behind a pass does not.
WAKING_MS = 1.0


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


@dataclass(frozen=True)
class Felt:
    """What of the trace and of this computer the figures rest on. `cramped`: the seconds in which a network had no room, by name,
    of so many `seconds`. `slower`: how many times as long computing took the first way as it was profiled and the trace says;
    None where nothing was computed."""

    cramped: Mapping[str, int] = field(default_factory=dict)
    seconds: int = 0
    slower: float | None = None

    @property
    def is_noisy(self) -> bool:
        """Whether something else was at work on the device."""
        return self.slower is not None and not 1 / MOST_SLOWER < self.slower < MOST_SLOWER


def slowed(took_ms: float, alone_ms: float) -> float:
    """How many times as long a pass took as it does behind others of its kind; 1 where waking up explains it."""
    return 1.0 if abs(took_ms - alone_ms) <= WAKING_MS else took_ms / alone_ms


def verdict(records: Sequence[Record], of: Sequence[Network], felt: Felt = Felt()) -> str:
    accuracies = {each.name: each.accuracy for each in of}
    first, fixed = records[0], [each for each in records if each.way.startswith(FIXED)]
    told = [_came_to(first, accuracies)]
    if fixed:
        told.append(_against(first, max(fixed, key=lambda each: each.effective(accuracies)), accuracies, felt))
    told += [_costs(first), _room(of, felt), _noise(felt)]
    dense = [each for each in records[1:] if each not in fixed]
    return "; ".join([each for each in told if each] + [_beside(first, each) for each in dense])


def _came_to(first: Record, accuracies: Mapping[str, float]) -> str:
    share = 1 - first.late / first.arrived if first.arrived else 0.0
    return (f"{100 * share:.1f} % of {counted(first.arrived, 'request')} answered in time, effective accuracy "
            f"{100 * first.effective(accuracies):.1f} %")


def _against(first: Record, best: Record, accuracies: Mapping[str, float], felt: Felt) -> str:
    points = 100 * (first.effective(accuracies) - best.effective(accuracies))
    name = best.way.removeprefix(FIXED)
    told = f"{name} alone, the best fixed network"
    if felt.cramped.get(name):
        told += f", for which {felt.cramped[name]} of {felt.seconds} s had no room"
    by_it = first.by_network[name] / first.answered if first.answered else 0.0
    if abs(points) < SAME_POINTS:
        return f"no better or worse than {told} ({points:+.1f} points)"
    if by_it >= NEARLY_ALL:
        alone = f"{100 * best.effective(accuracies):.1f} %"
        return (f"{told}, reached {alone}, but it also gave {100 * by_it:.0f} % of the answers here: the difference comes from "
                "the device, not from switching")
    return f"{abs(points):.1f} points {'more' if points > 0 else 'less'} than {told}"


def _room(of: Sequence[Network], felt: Felt) -> str:
    """Where not even the smallest had room, it served all the same."""
    smallest = min(of, key=lambda each: each.size_bytes)
    seconds = felt.cramped.get(smallest.name, 0)
    return f"in {seconds} of {felt.seconds} s no network had room, and {smallest.name} served all the same" if seconds else ""


def _noise(felt: Felt) -> str:
    if felt.slower is None or not felt.is_noisy:
        return ""
    return (f"noisy: computing took {figures(felt.slower)} times what the networks took when they were timed, so something else "
            "was at work on this device")


def _costs(first: Record) -> str:
    overhead = median(first.overheads_ms)
    if overhead is None:
        if not first.swaps:
            return "no change of network was needed" if not first.late else "one network served all the while"
        return counted(len(first.swaps), "swap")
    each = " each (median)" if len(first.swaps) > 1 else ""
    return f"{counted(len(first.swaps), 'swap')} at {figures(max(overhead, 0.0))} ms{each}"


def _beside(first: Record, other: Record) -> str:
    """Cost of the first beside a way that holds dense networks: overhead where both swapped, memory where both are known."""
    told, mine, theirs = [], median(first.overheads_ms), median(other.overheads_ms)
    if mine is not None and theirs is not None:
        told.append(f"{figures(max(theirs, 0.0))} ms a swap")
    if first.memory and other.memory:
        told.append(f"{byte_size(other.memory['steady_bytes'])} held, here {byte_size(first.memory['steady_bytes'])}")
    return f"{other.way}: {', '.join(told)}" if told else f"{other.way}: no swap"
