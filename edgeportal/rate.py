"""How often a token may ask: so many requests a minute, counted in the cache; people's sessions are not counted."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

log = logging.getLogger(__name__)
MINUTE_S = 60
# What a relay carries counts apart, and so many times as much is allowed: its two ends hold each other up by themselves, and a
# board that carries is still to be heard.
AGENTS, RELAY, RELAYED_TIMES = "/api/agent/hostings/", "/relay/", 100


class PerToken(BaseThrottle):
    """One count a token and minute. A cache that is away lets everybody through: it guards, it does not decide."""

    def allow_request(self, request: HttpRequest) -> bool:
        header = request.headers.get("Authorization", "")
        is_relayed = request.path.startswith(AGENTS) and RELAY in request.path
        limit = settings.API_REQUESTS_A_MINUTE * (RELAYED_TIMES if is_relayed else 1)
        if not header or not limit:
            return True
        who = header.split("_")[1][:8] if "_" in header else ""
        key = f"api-rate:{RELAY if is_relayed else ''}{who}:{int(time.time() // MINUTE_S)}"
        try:
            cache.add(key, 0, 2 * MINUTE_S)
            return int(cache.incr(key)) <= limit
        except Exception as error:
            log.warning("Requests of tokens are not counted now: %s", error)
            return True

    def wait(self) -> float:
        return MINUTE_S - time.time() % MINUTE_S
