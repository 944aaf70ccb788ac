"""What may be asked of plans, one line of English each: what pages show, links hold, programs send and people type.

`LINES` has one of each kind and what it means; `read` reads them, and `str` of a `Rule` writes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Verb = Literal["raw input stays", "use", "leave out", "in", "not in", "takes", "sends", "holds", "crossing"]
UNITS = {"takes": ("ms", "s", "%", "J"), "sends": ("MB", "kB", "B"), "holds": ("MB", "kB", "GB")}
FACTORS = {"ms": 1e-3, "s": 1.0, "%": 1.0, "J": 1.0, "B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}
ALL = "all"
LINES = {
    "raw input stays": "the first block runs where the input is",
    "use edge": "some block runs there: in a tier (`device`, `edge`, `cloud`), or on a device by its name",
    "leave out cloud": "no block runs there",
    "blocks 3-7, 9 in edge": "these run there; blocks are counted from 1",
    "blocks 1 not in cloud": "none of these runs there",
    "edge takes at most 50 ms": "computing there, in ms or s; links are not counted",
    "edge takes at most 30 %": "computing there, as a share of all computing",
    "pi-4 takes at most 2 J": "energy of computing there, where profiles know it",
    "device sends at most 0.5 MB": "in one message from there; the raw input counts where nothing runs before",
    "pi-4 holds at most 200 MB": "weights, and the most that is alive at once, of what runs on one device there",
    "all takes at most 3 J": "energy of all computing",
    "all sends at most 2 MB": "over all links together",
    "at most 1 crossing tensor": "at every cut",
}
EXAMPLES = ("raw input stays", "use edge", "leave out cloud", "blocks 3-7 in edge", "blocks 1 not in cloud",
            "edge takes at most 50 ms", "edge takes at most 30 %", "device sends at most 0.5 MB", "all sends at most 2 MB",
            "at most 1 crossing tensor")
NUMBER = r"(?P<most>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
LIMIT = re.compile(rf"^(?P<where>.+?) (?P<verb>takes|sends|holds) at most {NUMBER} ?(?P<unit>[A-Za-z%]+)$")
BLOCKS = re.compile(r"^blocks? (?P<blocks>\d+(?:-\d+)?(?:, ?\d+(?:-\d+)?)*) (?P<verb>not in|in) (?P<where>.+)$")
PLACE = re.compile(r"^(?P<verb>use|leave out) (?P<where>.+)$")
CROSSING = re.compile(r"^at most (?P<most>\d+) crossing tensors?$")
MOST_BLOCK = 5000


@dataclass(frozen=True)
class Rule:
    """One line, read. `where`: a tier, a device, or `all`; `most` in seconds, percent, joules or bytes, as `unit` says.

    `blocks` are counted from 1, in order, each once.
    """

    verb: Verb
    where: str = ""
    most: float = 0.0
    unit: str = ""
    blocks: tuple[int, ...] = ()

    def __str__(self) -> str:
        """The one way of writing it: read again, it is the same rule."""
        if self.verb in ("in", "not in"):
            return f"blocks {spans(self.blocks)} {self.verb} {self.where}"
        if self.verb == "crossing":
            return f"at most {self.most:.0f} crossing tensor{'s' * (self.most != 1)}"
        if self.unit:
            return f"{self.where} {self.verb} at most {self.most / FACTORS[self.unit]:.12g} {self.unit}"
        return f"{self.verb} {self.where}".strip()


def read(line: str) -> Rule:
    """ValueError in a sentence where nobody can tell what is meant."""
    text = " ".join(line.split())
    if text.lower() == "raw input stays":
        return Rule("raw input stays")
    for pattern, reader in ((CROSSING, _crossing), (BLOCKS, _blocks), (LIMIT, _limit), (PLACE, _place)):
        if found := pattern.match(text):
            return reader(found)
    raise ValueError(f"got {line!r}; a rule is a line such as {', '.join(repr(each) for each in EXAMPLES)}")


def _crossing(found: re.Match[str]) -> Rule:
    return Rule("crossing", most=float(found["most"]))


def _place(found: re.Match[str]) -> Rule:
    return Rule("use" if found["verb"] == "use" else "leave out", found["where"])


def _blocks(found: re.Match[str]) -> Rule:
    ends = [tuple(map(int, span.split("-"))) for span in found["blocks"].replace(" ", "").split(",")]
    wrong = next((span for span in ends if not 1 <= span[0] <= span[-1] <= MOST_BLOCK), None)
    if wrong:
        raise ValueError(f"got blocks {'-'.join(map(str, wrong))}; blocks are counted from 1, the smaller number first")
    numbers = {number for span in ends for number in range(span[0], span[-1] + 1)}
    return Rule("in" if found["verb"] == "in" else "not in", found["where"], blocks=tuple(sorted(numbers)))


def _limit(found: re.Match[str]) -> Rule:
    verb: Verb = "takes" if found["verb"] == "takes" else "sends" if found["verb"] == "sends" else "holds"
    unit = next((each for each in UNITS[verb] if each.lower() == found["unit"].lower()), None)
    if unit is None:
        raise ValueError(f"got {found['unit']!r}; {verb} at most is in {', '.join(UNITS[verb])}")
    most = float(found["most"]) * FACTORS[unit]
    if not most < float("inf"):
        raise ValueError(f"got {found['most']!r}, which is too large")
    if found["where"] == ALL and (verb == "holds" or unit in ("ms", "s", "%")):
        raise ValueError(f"got {found[0]!r}; of a whole plan what it sends (MB) or takes (J) may be limited")
    return Rule(verb, found["where"], most, unit)


def spans(blocks: tuple[int, ...]) -> str:
    """3, 4, 5, 9 as 3-5, 9."""
    spans: list[list[int]] = []
    for block in blocks:
        if spans and spans[-1][-1] == block - 1:
            spans[-1][1:] = [block]
        else:
            spans.append([block])
    return ", ".join("-".join(map(str, span)) for span in spans)
