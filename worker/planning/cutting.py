"""Where a network may be cut into parts that hand on one result, by its structure alone: what is refused, and what is near."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from math import prod

from worker.structure import FLOAT32_BYTES, Cut, Layer, Structure

MOST_ALIKE, MOST_NAMED, LONGEST_NAME = 3, 4, 100


def places(known: Structure) -> tuple[Cut, ...]:
    """In the order in which the layers run; the end of the network is none."""
    return tuple(cut for cut in known.single.values() if cut.after != known.answer)


def refused(known: Structure, after: str) -> str:
    """Why it cannot be cut behind this layer, in words that begin small and have no stop, with the nearest places; empty where
    it can."""
    if after in known.single and after != known.answer:
        return ""
    found = [cut.after for cut in places(known)]
    if after not in {layer.name for layer in known.layers}:
        alike = get_close_matches(after, found, n=MOST_ALIKE) or found[:MOST_ALIKE]
        return f"the network has no layer {after[:LONGEST_NAME]!r}; {_allowed(alike, found)}"
    return f"{_why(known, after)}; {_allowed(near(known, after, found), found)}"


def learning(known: Structure) -> list[str]:
    """Of the places those with weights on both sides, so that both have something to learn."""
    idle = unlearning(known)
    return [cut.after for cut in places(known) if cut.after not in idle]


def unlearning(known: Structure) -> dict[str, str]:
    """Of the places those with no weights on one side, each with that side: `before` or `behind`."""
    found, before, allowed = dict[str, str](), 0, {cut.after for cut in places(known)}
    for layer in known.layers:
        before += layer.params
        if layer.name in allowed and not 0 < before < known.params:
            found[layer.name] = "behind" if before else "before"
    return found


def unlearnt(known: Structure, after: str) -> str:
    """Why it cannot be trained in two parts there, as `refused` says it."""
    if why := refused(known, after):
        return why
    found = learning(known)
    if after in found:
        return ""
    return f"a cut behind {after} leaves one side without weights to learn; {_allowed(near(known, after, found), found)}"


def near(known: Structure, after: str, allowed: Sequence[str]) -> list[str]:
    """Of the allowed layers the last one before this one and the first one behind it."""
    order = {layer.name: place for place, layer in enumerate(known.layers)}
    before = [name for name in allowed if order[name] < order[after]]
    behind = [name for name in allowed if order[name] > order[after]]
    return [*before[-1:], *behind[:1]]


def _allowed(named: Sequence[str], found: Sequence[str]) -> str:
    if not found:
        return "nowhere inside does one result alone go on, so it cannot be cut"
    more = f", {len(found)} places in all" if len(found) > len(named) else ""
    return f"it can be cut behind {' or '.join(named)}{more}"


def _why(known: Structure, after: str) -> str:
    if after == known.answer:
        return f"behind {after} the network ends"
    across = next((cut.tensors for cut in known.parted(len(known.layers) + 1) if cut.after == after), ())
    if not across:
        return f"nothing of the network reads the result of {after}"
    names = ["the input" if name == known.input.name else name for name in across]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"a cut behind {after} parts {len(names)} results, {', '.join(names[:MOST_NAMED])}{more}, and a part takes one"


def bytes_behind(known: Structure, after: str, *, is_int8_kept: bool = True) -> int:
    """What goes across a cut behind this layer. `is_int8_kept`: what was rounded to int8 is sent so; torch sends float32."""
    if is_int8_kept:
        return known.single[after].bytes
    return FLOAT32_BYTES * prod(layer(known, after).out_shape)


def layer(known: Structure, name: str) -> Layer:
    return next(each for each in known.layers if each.name == name)


def nearest(known: Structure, after: str, fits: Callable[[Layer], bool]) -> list[str]:
    """The nearest places whose result is such a one."""
    return near(known, after, [cut.after for cut in places(known) if fits(layer(known, cut.after))])
