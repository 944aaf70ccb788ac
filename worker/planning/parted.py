"""A plan as lines that people read and type, to be run: who runs up to which layer, and what lies between two parts.

    pi until features.12          what holds the input, but runs nothing: `pi until input`
    edge until classifier.0
    cloud

    pi to edge: 20 ms, 20 Mbit/s
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from worker.evidence import Evidence
from worker.planning import cutting
from worker.planning.answer import PlanSaid
from worker.structure import FLOAT32_BYTES, Structure

MOST_PARTS, LONGEST_NAME = 16, 120
INPUT = "input"
UNTIL, TO = " until ", " to "
NUMBER = r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
LINK = re.compile(rf"^(?P<ends>.+):\s*{NUMBER}\s*(?P<time>ms|s)\s*,\s*{NUMBER}\s*(?P<rate>[kMG]bit/s)$")
# What a message, and all of an image's together, may take on the way: who hears nothing for longer takes the other side for gone.
MOST_TRANSFER_S = 600.0
MS, MBPS = {"ms": 1.0, "s": 1e3}, {"kbit/s": 1e-3, "Mbit/s": 1.0, "Gbit/s": 1e3}
MOST_MS, LEAST_MBPS, MOST_MBPS = 60_000.0, 0.001, 1e6
PLAN_LIKE = "a line is such as 'pi until features.12', the last one only a name"
OTHER_PLAN = "The planner's {ms:.6g} ms were said of another plan or other links than these, and are left out."
LINK_LIKE = "a line is such as 'pi to edge: 20 ms, 20 Mbit/s'"


@dataclass(frozen=True)
class PartAsked:
    """`until`: the layer that it ends behind; `input` where it only holds the input; empty for the last part, which ends all."""

    name: str
    until: str = ""

    def __str__(self) -> str:
        return f"{self.name}{UNTIL}{self.until}" if self.until else self.name


@dataclass(frozen=True)
class Planned:
    """What a planner said that a plan takes; 0: nothing. `block_times`: what those were that it rests on, where that was said.
    `is_other`: it said it of another plan, or over other links."""

    ms: float = 0.0
    block_times: str = ""
    is_other: bool = False

    @property
    def counts(self) -> bool:
        return self.ms > 0 and not self.is_other


@dataclass(frozen=True)
class LinkAsked:
    """One direction. `latency_ms` is what every message waits, as in plans."""

    sender: str
    receiver: str
    latency_ms: float
    bandwidth_mbps: float

    def __str__(self) -> str:
        return f"{self.sender}{TO}{self.receiver}: {self.latency_ms:.12g} ms, {self.bandwidth_mbps:.12g} Mbit/s"

    def seconds(self, size_bytes: float) -> float:
        """What a message of so many bytes takes, as plans count it."""
        return self.latency_ms / 1e3 + 8 * size_bytes / (self.bandwidth_mbps * 1e6)


def lines(text: str) -> list[str]:
    """Of several lines, or of what `;` parts. ValueError where something stands in it that nobody sees."""
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") and not letter.isspace() for letter in text):
        raise ValueError("has characters that cannot be shown")
    return [said for line in text.replace("\n", ";").split(";") if (said := " ".join(line.split()))]


def read_plan(text: str) -> tuple[PartAsked, ...]:
    """ValueError in words that go on behind the field's name."""
    found = lines(text)
    if not found:
        raise ValueError(f"is empty; {PLAN_LIKE}")
    if len(found) > MOST_PARTS:
        raise ValueError(f"has at most {MOST_PARTS} parts; got {len(found)}")
    parts = [_part(line) for line in found]
    for place, part in enumerate(parts, 1):
        _check(part, place, len(parts))
    if twice := _twice([part.name for part in parts]):
        raise ValueError(f"names {twice!r} twice; each part has a name of its own")
    if twice := _twice([part.until for part in parts]):
        raise ValueError(f"ends two parts behind {twice!r}; a part has one layer at least")
    return tuple(parts)


def _part(line: str) -> PartAsked:
    name, _, until = line.rpartition(UNTIL)
    return PartAsked(name.strip(), until.strip()) if name else PartAsked(line)


def _check(part: PartAsked, place: int, count: int) -> None:
    if not part.name or len(part.name) > LONGEST_NAME:
        raise ValueError(f"got {str(part)[:LONGEST_NAME]!r}; a name has 1 to {LONGEST_NAME} characters; {PLAN_LIKE}")
    if bool(part.until) == (place == count):
        raise ValueError(f"got {str(part)[:LONGEST_NAME]!r} as line {place} of {count}; {PLAN_LIKE}")
    if part.until == INPUT and place > 1:
        raise ValueError(f"got {str(part)[:LONGEST_NAME]!r} as line {place}; only the first part may hold no more than the input")


def _twice(names: Iterable[str]) -> str:
    return next((name for name, count in Counter(name for name in names if name).items() if count > 1), "")


def read_links(text: str, names: Sequence[str] = ()) -> tuple[LinkAsked, ...]:
    """`names`: those of the plan's parts; with them a link between anything else is refused."""
    found = [_link(line, names) for line in lines(text)]
    if twice := _twice(f"{each.sender}{TO}{each.receiver}" for each in found):
        raise ValueError(f"says {twice!r} twice")
    return tuple(found)


def _link(line: str, names: Sequence[str]) -> LinkAsked:
    found = LINK.match(line)
    if found is None:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; {LINK_LIKE}")
    latency, bandwidth = float(found[2]) * MS[found["time"]], float(found[4]) * MBPS[found["rate"]]
    if latency > MOST_MS or not LEAST_MBPS <= bandwidth <= MOST_MBPS:
        allowed = f"0 to {MOST_MS:.0f} ms and {LEAST_MBPS:g} to {MOST_MBPS:.0f} Mbit/s"
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; allowed: {allowed}")
    return LinkAsked(*_ends(found["ends"].strip(), names), latency, bandwidth)


def _ends(text: str, names: Sequence[str]) -> tuple[str, str]:
    """A name may have ` to ` in it: of all ways to read it the one that names two parts."""
    words = text.split(TO)
    ways = [(TO.join(words[:place]), TO.join(words[place:])) for place in range(1, len(words))]
    known = [way for way in ways if not names or set(way) <= set(names)]
    if not ways or not known or known[0][0] == known[0][1]:
        of = f"; the parts are {', '.join(names)}" if names else ""
        raise ValueError(f"got {text[:LONGEST_NAME]!r}; {LINK_LIKE}{of}")
    return known[0]


def mark(parts: Sequence[PartAsked], links: Sequence[LinkAsked]) -> str:
    """A plan with the links that it uses, as lines: by it a number that somebody predicted knows its plan again."""
    said = {(each.sender, each.receiver): each for each in links}
    return "\n".join(map(str, (*parts, *(said[ends] for ends in needed(parts) if ends in said))))


def needed(parts: Sequence[PartAsked]) -> list[tuple[str, str]]:
    """The directions that the plan uses."""
    return [(one.name, other.name) for one, other in pairwise(parts)]


def between(parts: Sequence[PartAsked], typed: Sequence[LinkAsked], evidence: Evidence) -> tuple[list[LinkAsked], list[str]]:
    """The link of each direction that the plan uses, as typed, else as the registry has it by the devices' names; and the
    directions of which nobody knows any."""
    names = {each.id: each.name for each in evidence.devices}
    known = {(names.get(each.sender, each.sender), names.get(each.receiver, each.receiver)): each for each in evidence.links}
    said = {(each.sender, each.receiver): each for each in typed}
    found, lacking = list[LinkAsked](), list[str]()
    for ends in needed(parts):
        if ends in said:
            found.append(said[ends])
        elif link := known.get(ends):
            found.append(LinkAsked(*ends, link.latency_ms, link.bandwidth_mbps))
        else:
            lacking.append(TO.join(ends))
    return found, lacking


def uncut(parts: Sequence[PartAsked], known: Structure) -> str:
    """Why this network cannot be cut into these parts, in a sentence that names the line; empty where it can."""
    for place, part in enumerate(parts, 1):
        if part.until not in ("", INPUT) and (why := cutting.refused(known, part.until)):
            return f"Line {place}, {str(part)[:LONGEST_NAME]!r}: {why}."
    order = {layer.name: place for place, layer in enumerate(known.layers)}
    cuts = [(place, part) for place, part in enumerate(parts, 1) if part.until in order]
    for (_, one), (place, other) in pairwise(cuts):
        if order[other.until] < order[one.until]:
            return (f"Line {place}, {str(other)[:LONGEST_NAME]!r}: {other.until} runs before {one.until}, behind which the part "
                    "before it ends; that is not the order in which the network runs.")
    return ""


def out_bytes(parts: Sequence[PartAsked], known: Structure, *, is_int8_kept: bool = True) -> list[int]:
    """What each part but the last hands on, for a network that can be cut so."""
    raw = FLOAT32_BYTES * prod(known.in_shape)
    return [raw if part.until == INPUT else cutting.bytes_behind(known, part.until, is_int8_kept=is_int8_kept)
            for part in parts if part.until]


def too_slow(links: Sequence[LinkAsked], sizes: Sequence[int]) -> str:
    """That images would take too long on the way, in a sentence; empty where they do not. `sizes`: what each part hands on."""
    taken = [(link.seconds(size), size, link) for link, size in zip(links, sizes, strict=False)]
    for seconds, size, link in taken:
        if seconds > MOST_TRANSFER_S:
            return (f"A message of {size:,} bytes would take {seconds:,.0f} s over the link {link}; "
                    f"{MOST_TRANSFER_S:.0f} s are allowed: a faster link, or a cut where less is handed on.")
    total = sum(seconds for seconds, _, _ in taken)
    if total <= MOST_TRANSFER_S:
        return ""
    return (f"An image would take {total:,.0f} s over the {len(taken)} links of the plan together; "
            f"{MOST_TRANSFER_S:.0f} s are allowed: faster links, or cuts where less is handed on.")


def refuse_slow(links: Sequence[LinkAsked], sizes: Sequence[int]) -> None:
    """ValueError where images would take too long on the way. `sizes`: what each part hands on."""
    if sentence := too_slow(links, sizes):
        raise ValueError(sentence)


def plan_lines(plan: PlanSaid) -> tuple[PartAsked, ...]:
    """The parts of a plan of the planner. What goes back to where the input was is left out: it ends where the answer is made."""
    stages = list(plan.stages)
    found = [PartAsked(stage.device, stage.last_layer) for stage in stages[:-1]] + [PartAsked(stages[-1].device)]
    raw = [hop for hop in plan.hops if hop.cut == 0]
    return (*(PartAsked(hop.sender, INPUT) for hop in raw[:1]), *found)
