"""What went wrong between a board and its portal, as sentences for who reads the board's log."""

from __future__ import annotations


class Away(Exception):
    """The portal cannot be had now; worth another try, not before `retry_after` seconds where it said so."""

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Distrusted(Away):
    """Something answers there, but not the portal that this board joined, or the board cannot tell."""


class Refused(Exception):
    """The portal answered, and said no."""

    def __init__(self, status: int, title: str, body: dict[str, object]) -> None:
        super().__init__(title)
        self.status, self.title, self.body = status, title, body


class Over(Exception):
    """This agent cannot go on until a person does something; the text says what."""


OTHER_CERTIFICATE = ("The portal at {host} shows another certificate (SHA-256 {got}...) than the one this board was told to "
                     "trust. Either the portal made a new one, then join again, or something stands between; nothing was sent.")
CLOCK = "The clock of this board says {now:%Y-%m-%d}, and the portal's certificate is not valid then: set the clock (NTP)."
NOT_TRUSTED = "The certificate of {host} is not one that this board's system trusts ({why}); nothing was sent."
ONLY_HTTPS = "The portal's address must begin with https:// ; plain http:// is for this machine itself only. Got {got!r}."
NO_ANSWER = "The portal at {host} does not answer ({why})."
BUSY = "The portal at {host} has too much to do ({status})."
ENDED = ("The portal does not know this board's token any more: it was revoked, or the board was removed. To join again, "
         "remove the agent (--uninstall) and use a new code.")
COPIED = ("Another board uses this board's token: its card is a copy. Remove the agent on one of them (--uninstall) and let it "
          "join with a code of its own.")
VERSION = "The portal does not understand this agent ({mine}); it needs version {needed}."
FULL = "The disk of this board is full ({free:,} MB free in {folder}). Nothing measured is lost: the run waits for room."
TOO_MUCH = "The run said more at once than the portal takes ({most:,} bytes); what it measured stays on the board."
NO_ROOM = "The board has {free:,} MB of disk left, the files of the run need {needed:,} MB."
NO_KEY = ("This board joined before its portal signed networks, so it could not tell whose they are: remove the agent "
          "(--uninstall) and let it join again.")
NO_NUMPY = "NumPy is not installed on this board; without it no network can be put together from its updates."
NO_DISK = "The board could not keep or start what it takes ({why})."
NO_WORD = "The process that was to take it ended without a word ({how}), {tries} times."
UNSEEN = "The networks on this board could not be looked at: the process that was to do it ended without a word ({how})."
