"""Entries of one machine are one device: left out alone, each would be found again in its twin, and the error seem nothing."""

from __future__ import annotations

from collections.abc import Sequence

from worker.evidence import DeviceFacts, Evidence, Seen
from worker.profiling.prediction.pooling import same_processor

# A machine's own yardstick takes so much longer or shorter from one day to another, as a share.
SAME_YARDSTICK = 0.1


def distinct(evidence: Evidence, seen: Sequence[Seen], device: str) -> list[Seen]:
    """With one name for each machine. Where the device asked for has that processor itself, twins are what it is asked of."""
    target = _facts(evidence, device)
    if any(each.device == device for each in seen):
        return list(seen)
    names: dict[str, str] = {}
    for name in dict.fromkeys(each.device for each in seen):
        facts = _facts(evidence, name)
        twins = (kept for kept in dict.fromkeys(names.values()) if are_one(facts, _facts(evidence, kept)))
        names[name] = name if same_processor(facts, target) else next(twins, name)
    return [each.model_copy(update={"device": names[each.device]}) for each in seen]


def are_one(one: DeviceFacts, other: DeviceFacts) -> bool:
    """By the host, else by processor and yardstick; of what says no processor nobody knows."""
    if one.host and other.host:
        return one.host == other.host
    return same_processor(one, other) and _as_fast(one.yardstick_ms, other.yardstick_ms)


def _as_fast(one_ms: float | None, other_ms: float | None) -> bool:
    return one_ms is None or other_ms is None or abs(one_ms - other_ms) <= SAME_YARDSTICK * max(one_ms, other_ms)


def _facts(evidence: Evidence, key: str) -> DeviceFacts:
    return evidence.device(key) or DeviceFacts(id=key, name=key)
