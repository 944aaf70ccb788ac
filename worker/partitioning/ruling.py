"""Rules, lines of English, as what the planner keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from worker.partitioning.planner import constraints as c
from worker.partitioning.preparing import Network
from worker.partitioning.telling import listed, sentence
from worker.partitioning.unfit import Unfit
from worker.planning.question import TIERS, Place
from worker.planning.rules import ALL, FACTORS, Rule, read

LARGEST = 2**53  # bytes, or tensors: no plan has more
MOST_OF_WHOLE_PLANS = 4


@dataclass(frozen=True)
class Asked:
    """A rule as it was written, as it was read, and what keeps it."""

    line: str
    rule: Rule
    constraint: c.Constraint


def asked(lines: Sequence[str], places: Sequence[Place], network: Network) -> tuple[Asked, ...]:
    """Raises Unfit with every line that cannot be kept or broken."""
    found, faults = list[Asked](), dict[str, str]()
    for number, line in enumerate(lines):
        try:
            rule = read(line)
            found.append(Asked(line, rule, _constraint(rule, places, network)))
        except ValueError as error:
            faults[f"rules.{number}"] = sentence(str(error))
    whole = [each for each in found if isinstance(each.constraint, c.ShareIn | c.BytesInAll | c.JoulesInAll)]
    if len(whole) > MOST_OF_WHOLE_PLANS and not faults:
        faults["rules"] = (f"Got {len(whole)} rules about sums over a whole plan (in %, or of all); at most "
                           f"{MOST_OF_WHOLE_PLANS} can be kept at once.")
    if faults:
        raise Unfit(faults)
    return tuple(found)


def _constraint(rule: Rule, places: Sequence[Place], network: Network) -> c.Constraint:
    match rule.verb:
        case "raw input stays":
            return c.InputStays()
        case "crossing":
            return c.CrossingTensors(_whole(rule.most))
        case "sends" if rule.where == ALL:
            return c.BytesInAll(_whole(rule.most))
        case "takes" if rule.where == ALL:
            _energy(places, [place.device for place in places], network)
            return c.JoulesInAll(rule.most)
    where = place_of(rule.where, places)
    match rule.verb:
        case "use":
            return c.TierUsed(where) if isinstance(where, int) else c.Used(where)
        case "leave out":
            return c.TierUnused(where) if isinstance(where, int) else c.Unused(where)
        case "in" | "not in":
            kind = c.RunsIn if rule.verb == "in" else c.RunsNotIn
            return kind(where, _blocks(rule, network))
        case "sends":
            return c.BytesOut(where, _whole(rule.most))
        case "holds":
            return _memory(where, rule, network)
    return _limit(where, rule, places, network)


def _limit(where: c.Where, rule: Rule, places: Sequence[Place], network: Network) -> c.Constraint:
    if rule.unit == "%":
        return c.ShareIn(where, min(rule.most, 100.0))
    if rule.unit == "J":
        _energy(places, [place.device for place in places if where in (place.tier, place.device)], network)
        return c.JoulesIn(where, rule.most)
    return c.SecondsIn(where, rule.most)


def place_of(word: str, places: Sequence[Place]) -> c.Where:
    """A device's name first, then a tier's."""
    names = {" ".join(place.device.split()): place.device for place in places}
    if word in names:
        return names[word]
    if word.lower() in TIERS:
        return TIERS.index(word.lower())
    raise ValueError(f"got {word!r}; there are {listed([*names.values()])}, and the tiers {listed(TIERS)}")


def _blocks(rule: Rule, network: Network) -> tuple[int, ...]:
    if rule.blocks[-1] > len(network.layers):
        raise ValueError(f"got block {rule.blocks[-1]}; this network has {len(network.layers)} blocks here")
    return tuple(block - 1 for block in rule.blocks)


def _memory(where: c.Where, rule: Rule, network: Network) -> c.Constraint:
    if network.params_bytes is None:
        raise ValueError("got a limit on memory; no profile says what every block's weights take (params_bytes)")
    return c.MemoryOf(where, _whole(rule.most))


def _energy(places: Sequence[Place], limited: Sequence[str], network: Network) -> None:
    without = unpowered(places, limited, network)
    if without:
        raise ValueError(f"got a limit on energy; no profile says what blocks take on {listed(without)} (joules)")


def unpowered(places: Sequence[Place], devices: Sequence[str], network: Network) -> list[str]:
    """Those of these devices whose energy nobody knows."""
    names = [place.device for place in places]
    return [name for name, joules in zip(names, network.joules, strict=True) if joules is None and name in devices]


def _whole(most: float) -> int:
    return round(min(most, LARGEST))


def unit_of(rule: Rule) -> str:
    """`50 ms`, `0.5 MB`: the limit as it was written."""
    return f"{rule.most / FACTORS[rule.unit]:.12g} {rule.unit}"
