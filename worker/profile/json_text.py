"""JSON by the letter of its standard, every value with its line and column: a key said twice or a NaN is refused."""

from __future__ import annotations

import json
import re

from worker.profile.faults import Faults, quoted
from worker.profile.tree import DEEPEST, Lines, Node, refused, said_twice, too_deep, value

BLANK = re.compile(r"[ \t\n\r]*")
STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
WORD = re.compile(r"[^\s,:\[\]{}\"]+")
WORDS = {"true": True, "false": False, "null": None}
UNENDED = "in a string: an end (\") in the same line, and no control characters or unknown \\ signs before it"


def tree(text: str, faults: Faults) -> Node:
    """The values of a text; what is wrong with a single one goes to the faults, what cannot be read at all is raised."""
    reader = _Reader(text, faults)
    found = reader.value(1)
    reader.end()
    return found


class _Reader:
    """Walks through the text once; its depth is bounded, and so is Python's."""

    def __init__(self, text: str, faults: Faults) -> None:
        self.text, self.at, self.lines, self.faults = text, 0, Lines(text), faults
        self._skip()

    def value(self, depth: int) -> Node:
        at, letter = self.lines.spot(self.at), self.text[self.at:self.at + 1]
        if depth > DEEPEST and letter in "{[":
            raise too_deep(at)
        if letter == "{":
            return Node(self._object(depth), at)
        if letter == "[":
            return Node(self._list(depth), at)
        return self._string() if letter == '"' else self._scalar()

    def end(self) -> None:
        if self.at < len(self.text):
            raise self._unexpected("nothing more behind the end")

    def _object(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        self._step()
        while not self._is("}"):
            if self.text[self.at:self.at + 1] != '"':
                raise self._unexpected('a key in double quotes, or }' if not found else "a key in double quotes")
            key = self._string()
            if key.value in found:
                self.faults.take(said_twice(key.value, key.at, found[key.value]))
            self._expect(":", "a colon behind the key")
            found[key.value] = self.value(depth + 1)
            found[key.value].key = key.at
            self._next("}")
        self._step()
        return found

    def _list(self, depth: int) -> list[Node]:
        found: list[Node] = []
        self._step()
        while not self._is("]"):
            found.append(self.value(depth + 1))
            self._next("]")
        self._step()
        return found

    def _next(self, end: str) -> None:
        """A comma with something behind it, or the end."""
        if self._is(end):
            return
        self._expect(",", f"a comma or {end}")
        if self._is(end):
            raise self._unexpected("something behind the comma")

    def _string(self) -> Node:
        at, found = self.lines.spot(self.at), STRING.match(self.text, self.at)
        if not found:
            raise refused(at, quoted(self.text[self.at:self.at + 40].partition("\n")[0]), UNENDED)
        self.at = found.end()
        self._skip()
        text = json.loads(found[0])
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise refused(at, found[0][:40], "text without halves of characters")
        return Node(text, at, text)

    def _scalar(self) -> Node:
        at, found = self.lines.spot(self.at), WORD.match(self.text, self.at)
        text = found[0] if found else ""
        if text not in WORDS and not NUMBER.fullmatch(text):
            raise self._unexpected("a value: text in double quotes, a number as 0.5 or 12, true, false, null, [ or {")
        self.at += len(text)
        self._skip()
        return Node(WORDS[text], at, text) if text in WORDS else value(text, at, self.faults)

    def _is(self, letter: str) -> bool:
        return self.text.startswith(letter, self.at)

    def _expect(self, letter: str, allowed: str) -> None:
        if not self._is(letter):
            raise self._unexpected(allowed)
        self._step()

    def _step(self) -> None:
        self.at += 1
        self._skip()

    def _skip(self) -> None:
        found = BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _unexpected(self, allowed: str) -> Exception:
        found = WORD.match(self.text, self.at)
        got = found[0] if found else self.text[self.at:self.at + 1]
        return refused(self.lines.spot(self.at), quoted(got) if got else "the end of the file", allowed)
