"""What is wrong with a file: where, what stands there and what may; all of it together, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_SHOWN = 50
LONGEST_QUOTE = 60


@dataclass(frozen=True)
class Fault:
    """One thing to mend. Lines and columns count from 1; the column of a table's cell is that of its first character."""

    key: str
    got: str
    allowed: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        where = [f"line {self.line}"] if self.line else []
        where += [f"column {self.column}"] if self.line and self.column else []
        head = ", ".join([*where, *([self.key] if self.key else [])]) or "the file"
        return f"{head}: got {self.got}; allowed: {self.allowed}."


class Unfit(Exception):
    """The file cannot be used; `faults` are the first, `more` of them were found besides."""

    def __init__(self, *faults: Fault, more: int = 0) -> None:
        super().__init__(" ".join(map(str, faults)))
        self.faults, self.more = faults, more

    @property
    def lines(self) -> list[str]:
        return [*map(str, self.faults), *([f"And {self.more:,} more like these."] if self.more else [])]


@dataclass
class Faults:
    """Collects faults while a file is read further."""

    found: list[Fault] = field(default_factory=list)
    more: int = 0

    def add(self, fault: Fault) -> None:
        if len(self.found) < MOST_SHOWN:
            self.found.append(fault)
        else:
            self.more += 1

    def take(self, unfit: Unfit) -> None:
        for fault in unfit.faults:
            self.add(fault)
        self.more += unfit.more

    def __bool__(self) -> bool:
        return bool(self.found)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.found)

    def check(self) -> None:
        """Refuse, in the order of the lines, if anything was found."""
        if self.found:
            raise Unfit(*sorted(self.found, key=lambda fault: (fault.line or 0, fault.column or 0)), more=self.more)


def quoted(value: object) -> str:
    """What was got, on one line, short, with everything in it to be seen."""
    text = "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in str(value)[:LONGEST_QUOTE + 1])
    if not text:
        return "nothing"
    return text if len(str(value)) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}… ({len(str(value)):,} characters)"
