"""What an agent is told when it cannot be served: a problem with a status, and perhaps how long to wait."""

from __future__ import annotations


class Unwelcome(Exception):
    """`retry_after` (seconds) becomes the header; `more` stands in the problem beside its title."""

    def __init__(self, status: int, title: str, *, retry_after: float | None = None, **more: object) -> None:
        super().__init__(title)
        self.status, self.title, self.retry_after, self.more = status, title, retry_after, more


class NotYours(Unwelcome):
    """This agent does not hold the run, or no longer: its lease ran out, or somebody ended the run."""

    def __init__(self) -> None:
        super().__init__(409, "This device does not hold that run any more; its results so far are kept. Ask for new work.")
