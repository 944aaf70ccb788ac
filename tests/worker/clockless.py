"""What a run said that must be the same when it is run again: everything but times."""

from __future__ import annotations

from typing import Any

from worker.events import Event, Measured, Metric, VariantMade


def numbers(events: list[Event]) -> dict[str, Any]:
    """All that must not depend on the clock; what is said twice must be said alike."""
    found: dict[str, Any] = {}
    for event in events:
        fact = event.sha256 if isinstance(event, VariantMade) else event.value if isinstance(event, Metric | Measured) else None
        if fact is not None and not any(word in str(event.key) for word in ("seconds", "latency")):
            assert found.setdefault(str(event.key), fact) == fact, event
    return found
