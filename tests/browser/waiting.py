"""How a test waits for what a page does: nothing that was just asked for is there at once, however quick the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.portal import until

LOADED = "() => !window.isOld && document.readyState === 'complete'"


@contextmanager
def another_page(tab: Any) -> Iterator[None]:
    """What is done inside leads to another page, or to this one anew: go on when that one is loaded, with its scripts.

    Playwright's own waits are satisfied by the page that is left, or by an address that a script has written.
    """
    tab.evaluate("window.isOld = true")
    yield
    tab.wait_for_function(LOADED)


def address(tab: Any) -> str:
    """Read from the page itself: what a script writes there is not told to `tab.url` until something else is asked."""
    return str(tab.evaluate("location.href"))


def at_rest(place: Any) -> dict[str, float]:
    """Where it is once it stays there, in pixels: what is loaded above it moves it."""
    seen: list[dict[str, float] | None] = [None]

    def stays() -> bool:
        seen.append(place.bounding_box())
        return seen[-1] is not None and seen[-1] == seen[-2]

    until(stays, 30, "it stays where it is")
    found = seen[-1]
    assert found
    return found
