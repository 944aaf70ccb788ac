"""How often boards may ask: the more of them live, the longer each waits, with jitter; beyond what can be served, a 429."""

from __future__ import annotations

import logging
import random
import time

from django.conf import settings
from django.core.cache import cache

from apps.devices.boards.unwelcome import Unwelcome
from apps.devices.models import Agent

log = logging.getLogger(__name__)
COUNTED_FOR_S = 60
LONGEST_POLL_S = 60.0


def poll_s() -> float:
    """How long a board waits before it asks again: short for a few boards, longer for thousands, never the same for two."""
    apart = max(settings.BOARD_POLL_S, _living() / settings.BOARD_ASKS_A_SECOND)
    return round(min(apart, LONGEST_POLL_S) * random.uniform(0.8, 1.2), 2)


def make_room(agent: Agent) -> None:
    """Count this request; Unwelcome (429) when this board asks too often, or so many came in this second that all would wait.

    What one board asks beyond its own bound does not count among all of them: it takes no other board's turn.
    """
    if _came(f"{agent.pk}:") > settings.BOARD_ASKS_OF_ONE_A_SECOND:
        raise Unwelcome(429, "This board asks too often; wait as long as Retry-After says.",
                        retry_after=max(1.0, settings.BOARD_POLL_S * random.uniform(0.8, 1.2)))
    most = settings.BOARD_ASKS_A_SECOND
    if _came() > 2 * most:
        # All that were turned away come back spread over the time that serving them takes.
        raise Unwelcome(429, "Too many boards ask at once; wait as long as Retry-After says.",
                        retry_after=random.uniform(1, max(LONGEST_POLL_S, _living() / most)))


def _came(whose: str = "") -> int:
    """How many requests came in this second, with this one; 0 while nobody can count."""
    key = f"board-asks:{whose}{int(time.time())}"
    try:
        cache.add(key, 0, 10)
        return int(cache.incr(key))
    except Exception as error:
        log.warning("Requests of boards are not counted now: %s", error)
        return 0


def _living() -> int:
    """How many agents there are, counted once a minute."""
    try:
        found = cache.get("living-agents")
        if found is None:
            found = Agent.objects.filter(revoked=None).count()
            cache.set("living-agents", found, COUNTED_FOR_S)
        return int(found)
    except Exception as error:
        log.warning("The boards are not counted now: %s", error)
        return 0
