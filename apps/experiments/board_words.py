"""What a board says of a run, read with care: only the vocabulary, only what can be, and texts that people can read.

What cannot be (NaN, a negative time, a thousand million samples, the hash of another network) is no result: it is kept as
rejected, with its reason, and the run fails for it. Long or coloured log lines are no reason to fail: made plain and cut.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from apps.accounts.words import is_kept
from worker.events import Event, FileMade, Finished, Log, Measured, Metric, Started, VariantMade

MOST_EVENTS, MOST_DEEP = 2000, 16
LONGEST_LINE, LOG_BYTES, SUMMARY_BYTES = 2000, 1_000_000, 100_000
MOST_SAMPLES, LONGEST_S = 1_000_000, 3600.0
CUT = " … (cut)"
FULL = f"The log ends here: of what a board says, {LOG_BYTES // 1_000_000} MB are kept."
COLOURS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# What is measured in these is never less than nothing; times have a longest, in their own unit.
TIMES = {"s": LONGEST_S, "ms": LONGEST_S * 1e3, "us": LONGEST_S * 1e6, "µs": LONGEST_S * 1e6, "ns": LONGEST_S * 1e9}
AMOUNTS = {"bytes", "B", "KB", "MB", "GB", "J", "mJ", "W", "mW", "images/s", "1/s", "samples/s", "inferences/s", "Hz", "MHz"}
TIMED = re.compile(r"(?:^|_)(?:latency|seconds|duration)(?:_|$)|_(?:ms|us|ns|s)(?:_|$)")
_events: TypeAdapter[Event] = TypeAdapter(Event)


class Rejected(Exception):
    """The board said something that cannot be; the sentence says which of its events, and why."""


def read(said: Any, *, device: str, recipe: str, attempt: int, logged_bytes: int = 0) -> list[Event]:
    """The events of one batch, as this device of the registry said them."""
    if not isinstance(said, list) or len(said) > MOST_EVENTS:
        raise Rejected(f"events must be a list of at most {MOST_EVENTS}.")
    events = [_read(place, each) for place, each in enumerate(said)]
    named = [_named(event, device, recipe, attempt) for event in events]
    return list(_within(named, LOG_BYTES - logged_bytes))


def _read(place: int, said: Any) -> Event:
    if not isinstance(said, dict):
        raise Rejected(f"Event {place} is not an object.")
    wrong = next(_unkeepable(said), None)
    if wrong:
        raise Rejected(f"Event {place}: {wrong}.")
    try:
        # As JSON: there, a text is no number and a number no text.
        event = _events.validate_json(json.dumps(_readable(said)), strict=True)
    except ValidationError as error:
        raise Rejected(f"Event {place}: {_first(error)}.") from None
    if wrong := _implausible(event):
        raise Rejected(f"Event {place} ({event.type}): {wrong}.")
    return event


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in found['loc'])[:80]}: {found['msg'][:200]}"


def _readable(said: dict[str, Any]) -> dict[str, Any]:
    """A log line without the codes that colour a terminal, and not longer than is kept."""
    text = said.get("message")
    if said.get("type") != "log" or not isinstance(text, str):
        return said
    return said | {"message": plain(text)}


def plain(text: str) -> str:
    """Without a terminal's codes and control characters, cut with a notice."""
    seen = "".join(letter for letter in COLOURS.sub("", text) if is_kept(letter, among="\n\t"))
    return seen if len(seen) <= LONGEST_LINE else seen[:LONGEST_LINE - len(CUT)] + CUT


def _unkeepable(said: dict[str, Any]) -> Iterator[str]:
    """What neither the database nor a page can hold: numbers that are none, signs that are no text, endless depth."""
    waiting: list[tuple[str, int, Any]] = [("", 0, said)]
    while waiting:
        path, depth, value = waiting.pop()
        if depth > MOST_DEEP:
            yield "it is nested too deeply"
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{path} is not a finite number"
        elif isinstance(value, int) and abs(value) > 2**62:
            yield f"{path} is too large a number"
        elif isinstance(value, str) and not _is_text(value) and path != "message":
            yield f"{path} has characters that cannot be kept"
        elif isinstance(value, dict):
            if not all(_is_text(key) for key in value):
                yield "a name has characters that cannot be kept"
            waiting += [(f"{path}.{key}"[-80:].lstrip("."), depth + 1, each) for key, each in value.items()]
        elif isinstance(value, list):
            waiting += [(path, depth + 1, each) for each in value]


def _is_text(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _implausible(event: Event) -> str:
    """Why this cannot have been measured; empty when it can."""
    if isinstance(event, Measured):
        return _impossible_number(event)
    if isinstance(event, Metric) and event.value is not None and TIMED.search(event.name):
        return f"{event.name} is {event.value:g}, less than nothing" if event.value < 0 else ""
    if isinstance(event, Finished):
        return _impossible_end(event)
    return ""


def _impossible_number(event: Measured) -> str:
    values = [value for value in (event.value, event.low, event.high) if value is not None]
    longest = TIMES.get(event.unit)
    if (longest or event.unit in AMOUNTS) and min(values, default=0) < 0:
        return f"{event.metric} is {min(values):g} {event.unit}, less than nothing"
    if longest and max(values, default=0) > longest:
        return f"{event.metric} is {max(values):g} {event.unit}, more than an hour"
    if event.n is not None and not 0 <= event.n <= MOST_SAMPLES:
        return f"n is {event.n}; at most {MOST_SAMPLES:,} samples are believed"
    counts = {"threads": event.threads, "batch": event.batch}
    return next((f"{name} is {count}" for name, count in counts.items() if count is not None and not 1 <= count <= 1024), "")


def _impossible_end(event: Finished) -> str:
    if event.seconds < 0:
        return f"seconds is {event.seconds:g}, less than nothing"
    size = len(json.dumps(event.summary))
    return f"the summary has {size:,} bytes; at most {SUMMARY_BYTES:,} are kept" if size > SUMMARY_BYTES else ""


def _named(event: Event, device: str, recipe: str, attempt: int) -> Event:
    """Who measured is what the registry calls the device, whatever the board calls itself."""
    if isinstance(event, Measured):
        return event.model_copy(update={"device": device})
    if isinstance(event, Started):
        environment = {**dict(list(event.environment.items())[:40]), "device": device}
        return event.model_copy(update={"recipe": recipe, "attempt": attempt, "environment": environment})
    return event


def _within(events: Sequence[Event], left: int) -> Iterator[Event]:
    """All but the log lines for which there is no room any more; the first of them becomes a notice."""
    for event in events:
        size = len(event.message.encode()) if isinstance(event, Log) else 0
        if not size or size <= left:
            left -= size
            yield event
        elif left > 0:
            left = 0
            yield Log(level="warning", message=FULL)


def files_of(events: Sequence[Event]) -> list[str]:
    """Paths that these events name as files of the run."""
    made = [event.path for event in events if isinstance(event, FileMade)]
    return made + [path for event in events if isinstance(event, VariantMade) for path in (event.file, event.onnx) if path]


def refuse_strange_variants(events: Sequence[Event], ordered: Mapping[str, str]) -> None:
    """A board makes no networks: it may name those that it was sent, by path and hash."""
    for event in events:
        if isinstance(event, VariantMade) and ordered.get(event.file) != event.sha256:
            raise Rejected(f"{event.name} is not a network that this board was sent: its path or its SHA-256 differs.")


def refuse_strange_profile(path: str, body: bytes, known: Collection[str]) -> None:
    """A profile of this run: well formed, measured, and of a network that the board was sent."""
    from worker.profile import NetworkProfile

    try:
        profile = NetworkProfile.model_validate_json(body)
    except ValidationError as error:
        raise Rejected(f"{path}: {_first(error)}.") from None
    if profile.origin != "measured":
        raise Rejected(f"{path} is {profile.origin}; a board says what it measured.")
    if profile.sha256 and profile.sha256 not in known:
        raise Rejected(f"{path} is the profile of another network: its SHA-256 is {profile.sha256[:12]}….")
