"""What can go wrong between two hosts; each text is a full sentence that says what was got and what is allowed."""

from __future__ import annotations


class LinkFault(ConnectionError):
    """Any of them."""


class Torn(LinkFault):
    """A frame stopped in the middle, its bytes changed on the way, or the connection is no more."""


class Ended(Torn):
    """The other side closed the connection between two frames."""


class TooLarge(LinkFault):
    """A frame says that it is larger than is allowed here; nothing was kept for it."""


class Strange(LinkFault):
    """These bytes are not what hosts of slices say to each other."""


class Refused(LinkFault):
    """Another token, another run, another version, another certificate."""


class Silent(LinkFault):
    """Nobody spoke, or listened, in time."""
