"""Who takes part in federated learning, as lines that people read and type: clients, edge servers, and what happens to them.

    pi3-1: 0.5 GMAC/s, 75 Mbit/s, 2 ms            a client; also `at edge-b`, and `30 %` of the training images
    phone x 100: 1 GMAC/s, 20 Mbit/s, 10 ms       a hundred of them, phone-1 to phone-100
    edge-a: 50 GMAC/s, 4 at once                  an edge server; so many batches at a time, others queue
    rounds 11-20: pi3-1 5 Mbit/s                  another bandwidth for a while
    round 5 at 50 %: pi3-1 to edge-b              a client moves in the middle of a round
    rounds 3-4: pi4-1 vanishes                    what goes wrong
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from worker.planning.parted import LONGEST_NAME, MBPS, MOST_MBPS, MOST_MS, MS, NUMBER
from worker.planning.parted import lines as lines

MOST_CLIENTS, MOST_EDGES, MOST_LINES = 5000, 16, 200
LEAST_SPEED, MOST_SPEED = 1e3, 1e15
SPEED = {"kMAC/s": 1e3, "MMAC/s": 1e6, "GMAC/s": 1e9, "TMAC/s": 1e12}
CLIENT_LIKE = "a line is such as 'pi3-1: 0.5 GMAC/s, 75 Mbit/s, 2 ms' or 'phone x 100: 1 GMAC/s, 20 Mbit/s, 10 ms'"
EDGE_LIKE = "a line is such as 'edge-a: 50 GMAC/s' or 'edge-a: 50 GMAC/s, 4 at once'"
CHANGE_LIKE = "a line is such as 'rounds 11-20: pi3-1 5 Mbit/s'"
NOW_LIKE = "a line is such as 'pi3-1 5 Mbit/s'"
MOVE_LIKE = "a line is such as 'round 5 at 50 %: pi3-1 to edge-b'"
FAULT_LIKE = ("a line is such as 'round 3: pi4-1 vanishes'; a client vanishes, sends NaN, sends wrong shapes, sends an old round "
              "or sends twice")
Mischief = Literal["vanishes", "sends NaN", "sends wrong shapes", "sends an old round", "sends twice"]
MISCHIEF: tuple[Mischief, ...] = get_args(Mischief)

_MANY = re.compile(r"^(?P<name>.+) x (?P<count>\d{1,6})$")
_FACTS = {"speed": re.compile(rf"^{NUMBER}\s*(kMAC/s|MMAC/s|GMAC/s|TMAC/s)$"), "rate": re.compile(rf"^{NUMBER}\s*([kMG]bit/s)$"),
          "time": re.compile(rf"^{NUMBER}\s*(ms|s)$"), "share": re.compile(rf"^{NUMBER}\s*(%)$"),
          "edge": re.compile("^(at) (.+)$"), "slots": re.compile(r"^(\d{1,6}) (at once)$")}
_ROUNDS = re.compile(r"^rounds? (?P<first>\d{1,7})(?:\s*-\s*(?P<last>\d{1,7}))?(?: at (?P<part>\d+(?:\.\d+)?) %)?: (?P<rest>.+)$")
_WHO_RATE = re.compile(rf"^(?P<who>.+?):? {NUMBER}\s*(?P<rate>[kMG]bit/s)$")


@dataclass(frozen=True)
class Client:
    """`macs_per_s`: multiply-accumulates that its training does a second; `latency_ms`: one way; None where nobody typed it.
    `share`: of the training images, in hundredths; None: as the dealing has it. `edge`: the one that it begins with; empty: the
    first."""

    name: str
    macs_per_s: float | None = None
    mbps: float | None = None
    latency_ms: float | None = None
    edge: str = ""
    share: float | None = None

    def __str__(self) -> str:
        said = [_speed(self.macs_per_s), "" if self.mbps is None else f"{self.mbps:.12g} Mbit/s",
                "" if self.latency_ms is None else f"{self.latency_ms:.12g} ms", f"at {self.edge}" if self.edge else "",
                "" if self.share is None else f"{self.share:.12g} %"]
        facts = ", ".join(filter(None, said))
        return f"{self.name}: {facts}" if facts else self.name


@dataclass(frozen=True)
class Edge:
    """`slots`: batches that it works on at a time; 0: all that come. `macs_per_s` is None where nobody typed it."""

    name: str
    macs_per_s: float | None = None
    slots: int = 0

    def __str__(self) -> str:
        facts = ", ".join(filter(None, [_speed(self.macs_per_s), f"{self.slots} at once" if self.slots else ""]))
        return f"{self.name}: {facts}" if facts else self.name


@dataclass(frozen=True)
class Rate:
    """A client's bandwidth in rounds `first` to `last`, from 1."""

    client: str
    mbps: float
    first: int = 1
    last: int = 10_000_000

    def __str__(self) -> str:
        return f"{_rounds(self.first, self.last)}: {self.client} {self.mbps:.12g} Mbit/s"


@dataclass(frozen=True)
class Move:
    """In round `number`, when `part` (0 to 1) of its batches are behind it, the client goes to another edge server."""

    number: int
    part: float
    client: str
    edge: str

    def __str__(self) -> str:
        part = f"{100 * self.part:.9f}".rstrip("0").rstrip(".")
        return f"round {self.number} at {part} %: {self.client} to {self.edge}"


@dataclass(frozen=True)
class Fault:
    client: str
    what: Mischief
    first: int
    last: int

    def __str__(self) -> str:
        return f"{_rounds(self.first, self.last)}: {self.client} {self.what}"


def _speed(macs_per_s: float | None) -> str:
    return "" if macs_per_s is None else f"{macs_per_s / 1e9:.12g} GMAC/s"


def _rounds(first: int, last: int) -> str:
    return f"round {first}" if first == last else f"rounds {first}-{last}"


def read_clients(text: str, edges: Sequence[str] = ()) -> tuple[Client, ...]:
    """ValueError in words that go on behind the field's name. `edges`: the names of the edge servers that may be named."""
    found = [client for line in _some(text, CLIENT_LIKE) for client in _clients(line, edges)]
    _few(found, MOST_CLIENTS, "clients")
    _each_once(each.name for each in found)
    shares = [each.share for each in found if each.share is not None]
    if sum(shares) > 100 + 1e-9 or (len(shares) == len(found) and sum(shares) < 100 - 1e-9):
        raise ValueError(f"gives {sum(shares):g} % of the images away; all shares together are 100 %, or less where some clients "
                         "have none typed")
    return tuple(found)


def read_edges(text: str) -> tuple[Edge, ...]:
    found = [_edge(line) for line in _some(text, EDGE_LIKE)]
    _few(found, MOST_EDGES, "edge servers")
    _each_once(each.name for each in found)
    return tuple(found)


def read_rates(text: str, clients: Sequence[str] | None) -> tuple[Rate, ...]:
    """Of two lines about the same client and round the later one counts. `clients`: who may be named, None: anybody."""
    return tuple(_rate(line, clients) for line in _bounded(text))


def read_rates_now(text: str, clients: Sequence[str] | None) -> tuple[Rate, ...]:
    """Bandwidths from now on: no line says a round."""
    return tuple(_rate_of(line, line, clients, 1, Rate.last, NOW_LIKE) for line in _bounded(text))


def read_moves(text: str, clients: Sequence[str] | None, edges: Sequence[str]) -> tuple[Move, ...]:
    found = sorted((_move(line, clients, edges) for line in _bounded(text)), key=lambda move: (move.number, move.part))
    _each_once(f"round {each.number} at {100 * each.part:g} %: {each.client}" for each in found)
    return tuple(found)


def read_faults(text: str, clients: Sequence[str] | None) -> tuple[Fault, ...]:
    return tuple(_fault(line, clients) for line in _bounded(text))


def _some(text: str, like: str) -> list[str]:
    if not (found := _bounded(text)):
        raise ValueError(f"is empty; {like}")
    return found


def _bounded(text: str) -> list[str]:
    found = lines(text)
    _few(found, MOST_LINES, "lines")
    return found


def _few(found: Sequence[object], most: int, what: str) -> None:
    if len(found) > most:
        raise ValueError(f"has at most {most:,} {what}; got {len(found):,}")


def _each_once(names: Iterable[str]) -> None:
    seen = set[str]()
    for name in names:
        if name in seen:
            raise ValueError(f"names {name!r} twice")
        seen.add(name)


def _parted(line: str, like: str) -> tuple[str, list[str]]:
    name, _, rest = line.partition(": ")
    name = name.strip().removesuffix(":")
    if not name or len(name) > LONGEST_NAME or ":" in name:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; {like}")
    return name, [said.strip() for said in rest.split(",")] if rest.strip() else []


def _facts(line: str, said: Sequence[str], allowed: Sequence[str], like: str) -> dict[str, re.Match[str]]:
    """Each of what stands behind a name, by what it is."""
    found = dict[str, re.Match[str]]()
    for each in said:
        kind, match = next(((kind, match) for kind in allowed if (match := _FACTS[kind].match(each))), ("", None))
        if match is None or kind in found:
            raise ValueError(f"got {line[:LONGEST_NAME]!r}; {like}")
        found[kind] = match
    return found


def _clients(line: str, edges: Sequence[str]) -> list[Client]:
    name, said = _parted(line, CLIENT_LIKE)
    found = _facts(line, said, ("speed", "rate", "time", "edge", "share"), CLIENT_LIKE)
    edge = found["edge"][2].strip() if "edge" in found else ""
    if edge and edge not in edges:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; {_are('edge servers', edges)}")
    share = float(found["share"][1]) if "share" in found else None
    if share is not None and not 0 < share <= 100:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; a share is above 0 and at most 100 %")
    many = _MANY.match(name)
    count = int(many["count"]) if many else 1
    if not 1 <= count <= MOST_CLIENTS:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; there are 1 to {MOST_CLIENTS:,} clients")
    names = [f"{many['name'].strip()}-{number}" for number in range(1, count + 1)] if many else [name]
    return [Client(each, _macs(line, found), _mbps(line, found), _ms(line, found), edge, share) for each in names]


def _macs(line: str, found: dict[str, re.Match[str]]) -> float | None:
    if "speed" not in found:
        return None
    value = float(found["speed"][1]) * SPEED[found["speed"][2]]
    if not LEAST_SPEED <= value <= MOST_SPEED:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; a speed is from 1 kMAC/s to 1,000 TMAC/s")
    return value


def _mbps(line: str, found: dict[str, re.Match[str]]) -> float | None:
    return _judged_rate(line, float(found["rate"][1]) * MBPS[found["rate"][2]]) if "rate" in found else None


def _judged_rate(line: str, mbps: float) -> float:
    if not 0.001 <= mbps <= MOST_MBPS:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; a bandwidth is from 0.001 to {MOST_MBPS:.0f} Mbit/s")
    return mbps


def _ms(line: str, found: dict[str, re.Match[str]]) -> float | None:
    if "time" not in found:
        return None
    value = float(found["time"][1]) * MS[found["time"][2]]
    if value > MOST_MS:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; a latency is from 0 to {MOST_MS:.0f} ms")
    return value


def _edge(line: str) -> Edge:
    name, said = _parted(line, EDGE_LIKE)
    found = _facts(line, said, ("speed", "slots"), EDGE_LIKE)
    return Edge(name, _macs(line, found), int(found["slots"][1]) if "slots" in found else 0)


def _when(line: str, like: str) -> re.Match[str]:
    found = _ROUNDS.match(line)
    if found is None or int(found["first"]) < 1 or (found["last"] and int(found["last"]) < int(found["first"])):
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; {like}")
    return found


def _rate(line: str, clients: Sequence[str] | None) -> Rate:
    when = _when(line, CHANGE_LIKE)
    if when["part"]:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; {CHANGE_LIKE}")
    return _rate_of(line, when["rest"], clients, int(when["first"]), int(when["last"] or when["first"]), CHANGE_LIKE)


def _rate_of(line: str, said: str, clients: Sequence[str] | None, first: int, last: int, like: str) -> Rate:
    found = _WHO_RATE.match(said)
    if found is None:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; {like}")
    mbps = _judged_rate(line, float(found[2]) * MBPS[found["rate"]])
    return Rate(_known(line, found["who"].strip(), clients), mbps, first, last)


def _move(line: str, clients: Sequence[str] | None, edges: Sequence[str]) -> Move:
    when = _when(line, MOVE_LIKE)
    who, to, edge = when["rest"].rpartition(" to ")
    if not to or when["last"]:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; {MOVE_LIKE}")
    if edge.strip() not in edges:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; {_are('edge servers', edges)}")
    part = float(when["part"] or 50) / 100
    if part > 1:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; a move is at 0 to 100 % of a round")
    return Move(int(when["first"]), part, _known(line, who.strip(), clients), edge.strip())


def _fault(line: str, clients: Sequence[str] | None) -> Fault:
    when = _when(line, FAULT_LIKE)
    what = next((each for each in MISCHIEF if when["rest"].endswith(f" {each}")), None)
    if what is None or when["part"]:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; {FAULT_LIKE}")
    who = when["rest"].removesuffix(what).strip()
    return Fault(_known(line, who, clients), what, int(when["first"]), int(when["last"] or when["first"]))


def _known(line: str, who: str, clients: Sequence[str] | None) -> str:
    """None of `clients`: nobody knows who they are, because they could not be read themselves."""
    if clients is not None and who not in clients:
        raise ValueError(f"got {line[:LONGEST_NAME]!r}; {_are('clients', clients)}")
    return who


def _are(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8:,} more" if len(names) > 8 else "")
    return f"the {what} are {shown}" if names else f"there are no {what}"
