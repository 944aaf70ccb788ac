"""YAML as far as every reader of it agrees: no anchors, tags or merge keys, and no plain word that some take for a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from worker.profile.faults import Fault, Faults, Unfit, quoted
from worker.profile.tree import DEEPEST, Node, Spot, refused, said_twice, too_deep, value

# libyaml's parser where the wheel brings it: 1 MB takes a second instead of ten.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
REAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# What YAML 1.1 reads as something else than its letters, or as another number than a person does.
TRUTHS = re.compile(r"(?:y|yes|n|no|on|off|true|false)", re.IGNORECASE)
DATES = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?")
CLOCKS = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
NOT_FINITE = re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE)
ODD_NUMBERS = re.compile(r"[-+]?(?:0[0-9_]+|0[xXbBoO][0-9a-fA-F_]+|[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
                         r"|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_.]*[eE][-+]?[0-9]+)")
IN_QUOTES = "text in quotes"
PLAIN_NUMBER = "a number as 0.5, 12 or 1.5e-3, or text in quotes"
STANDARD_TAGS = "tag:yaml.org,2002:"
MERGED = "every key written out"
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
# The parser's own words never get out; these are what its complaints come down to.
MEANT = (("tab", "blanks to indent by; this may be a tab"), ("mapping values", "one `: ` in a line; quote text that holds one"),
         ("block end", "the same indentation for all keys of one thing, and `- ` before each of a list"),
         ("block mapping", "the same indentation for all keys of one thing"),
         ("block collection", "the same indentation, and `- ` before each of a list"),
         ("flow", "a , between two, and ] or } at the end"), ("quoted scalar", "an end of the quotes"),
         ("expected ':'", "a colon and a blank behind a key"),
         ("start any token", "no tab, %, @ or ` at the beginning of a value"))


def tree(text: str, faults: Faults) -> Node:
    """The values of a text; what is wrong with a single one goes to the faults, what cannot be read at all is raised."""
    reader = _Reader(_events(text), faults)
    found = Node(None, Spot(1, 1))
    for place, event in enumerate(reader.documents()):
        if place:
            raise refused(_spot(event), "a second document (---)", "one document in a file")
        found = reader.node(event, 1)
    return found


class _Reader:
    """Makes a tree of the parser's events; its depth is bounded, and so is Python's."""

    def __init__(self, events: Iterator[Any], faults: Faults) -> None:
        self.events, self.faults = events, faults

    def documents(self) -> Iterator[Any]:
        """The first event of each document; `%` directives are refused."""
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if event.version or event.tags:
                    raise refused(_spot(event), "a directive (%)", "none")
                yield next(self.events)

    def node(self, event: Any, depth: int) -> Node:
        at = _spot(event)
        _check(event, at)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, at)
        if depth > DEEPEST:
            raise too_deep(at)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node([self.node(each, depth + 1) for each in self._until(yaml.SequenceEndEvent)], at)
        return Node(self._mapping(depth), at)

    def _mapping(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for event in self._until(yaml.MappingEndEvent):
            at = _spot(event)
            _check(event, at)
            if not isinstance(event, yaml.ScalarEvent):
                raise refused(at, "a list or a mapping as a key", "a word as a key")
            if event.value == "<<" and not event.style:
                raise refused(at, "<<, a merge key", MERGED)
            if event.value in found:
                self.faults.take(said_twice(event.value, at, found[event.value]))
            inner = self.node(next(self.events), depth + 1)
            inner.key = at
            found[event.value] = inner
        return found

    def _until(self, end: type) -> Iterator[Any]:
        for event in self.events:
            if isinstance(event, end):
                return
            yield event

    def _scalar(self, event: Any, at: Spot) -> Node:
        text: str = event.value
        if event.style:
            return Node(text, at, text)
        if text in WORDS:
            return Node(WORDS[text], at, text)
        if INTEGER.fullmatch(text) or REAL.fullmatch(text):
            return value(text, at, self.faults)
        allowed = _doubtful(text)
        if allowed:
            self.faults.add(Fault("", quoted(text), allowed, *at))
        return Node(text, at, text, broken=bool(allowed))


def _events(text: str) -> Iterator[Any]:
    try:
        yield from yaml.parse(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text) from None
    except yaml.YAMLError:
        raise Unfit(Fault("", "text with characters that YAML has not", "letters, digits and signs that can be shown")) from None


def _unreadable(error: yaml.MarkedYAMLError, text: str) -> Unfit:
    mark = error.problem_mark or error.context_mark
    said = f"{error.problem or ''} {error.context or ''}"
    allowed = next((words for sign, words in MEANT if sign in said), "a key, a colon, a blank and a value in each line")
    lines = text.split("\n")
    at = Spot(min(mark.line + 1, len(lines)), mark.column + 1) if mark else Spot(1, 1)
    return refused(at, quoted(lines[at.line - 1].strip("\r")) if lines else "nothing", allowed)


def _check(event: Any, at: Spot) -> None:
    if isinstance(event, yaml.AliasEvent):
        raise refused(at, f"*{quoted(event.anchor)}, a reference", "every value written out: references (&, *) are not read")
    if event.anchor is not None:
        raise refused(at, f"&{quoted(event.anchor)}, an anchor", "every value written out: references (&, *) are not read")
    if event.tag is not None:
        raise refused(at, f"the tag {quoted(event.tag.replace(STANDARD_TAGS, '!!'))}", "values without tags (!)")


def _doubtful(text: str) -> str:
    """What is allowed instead of a plain word that one reader takes for text and another for a truth, a date or a number."""
    if TRUTHS.fullmatch(text):
        return f"true or false in small letters, or {IN_QUOTES}; some readers of YAML take it for a truth"
    if text.lower() == "null":
        return f"null in small letters, or {IN_QUOTES}"
    if DATES.fullmatch(text):
        return f"{IN_QUOTES}; some readers of YAML take it for a date"
    if CLOCKS.fullmatch(text):
        return f"{PLAIN_NUMBER}; some readers of YAML take it for a number of base 60"
    if NOT_FINITE.fullmatch(text):
        return "a finite number"
    return f"{PLAIN_NUMBER}; readers of YAML do not agree on this one" if ODD_NUMBERS.fullmatch(text) else ""


def _spot(event: Any) -> Spot:
    return Spot(event.start_mark.line + 1, event.start_mark.column + 1)
