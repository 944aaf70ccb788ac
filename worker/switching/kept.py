"""What is kept of a trace that is driven, as its seconds end: a run that was killed goes on with the second after."""

from __future__ import annotations

from typing import Any

from worker.context import Checkpoints
from worker.switching.policy import Chooser
from worker.switching.records import Record, Row, Swap

# Rows of so many seconds are kept together.
CHAPTER = 30


class Kept:
    """What a run keeps of one way: rows in chapters, swaps and the policy's memory beside the newest."""

    def __init__(self, checkpoints: Checkpoints, name: str) -> None:
        self._checkpoints, self._name = checkpoints, name

    def save(self, record: Record, policy: Chooser | None) -> None:
        chapter = (len(record.rows) - 1) // CHAPTER
        rows = [row.as_facts() for row in record.rows[chapter * CHAPTER:]]
        self._checkpoints.save(f"{self._name}-chapter{chapter}", len(record.rows), b"", {
            "rows": rows, "swaps": [swap.as_facts() for swap in record.swaps], "policy": policy.state() if policy else {}})

    def rows(self) -> list[Row]:
        return [Row.from_facts(each) for chapter in self._chapters() for each in chapter["rows"]]

    def swaps(self) -> list[Swap]:
        chapters = self._chapters()
        return [Swap(**each) for each in chapters[-1]["swaps"]] if chapters else []

    def policy(self) -> dict[str, Any]:
        chapters = self._chapters()
        return chapters[-1]["policy"] if chapters else {}

    def _chapters(self) -> list[dict[str, Any]]:
        found = list[dict[str, Any]]()
        while (last := self._checkpoints.last(f"{self._name}-chapter{len(found)}")) is not None:
            found.append(last[2])
        return found

