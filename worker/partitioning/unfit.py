"""What cannot be asked of the planner, each thing in a sentence at the field that it is about."""

from __future__ import annotations

from collections.abc import Mapping


class Unfit(ValueError):
    """`faults`: a field of `worker.planning.Question` (`rules.0` is the first rule) to a sentence."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = dict(faults)


class TooMuch(Unfit):
    """Nothing is wrong with what was asked, but it is more than can be gone through."""
