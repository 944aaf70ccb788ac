"""Who asks as an agent: a token in the Authorization header, from the board it was given to, of a version we understand."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from apps.devices import agent_wheel
from apps.devices.boards import copies, tokens
from apps.devices.boards.unwelcome import Unwelcome
from apps.devices.models import Agent

COPIED = ("Another board has joined with this token: a copied card carries it to a second one. Let this board join with a code "
          "of its own.")


class ByAgent(HttpBearer):
    """`Authorization: Bearer epa_...`. A bad token is a 401 for every reason alike; what else is wrong is said."""

    openapi_name = "Agent"

    def authenticate(self, request: HttpRequest, token: str) -> Agent:
        agent = tokens.speaker(token)
        if agent is None:
            raise AuthenticationError
        refuse_version(request.headers.get("X-EdgePortal-Agent", ""))
        if request.headers.get("X-EdgePortal-Instance", "") != agent.instance:
            copies.notice(agent, request.META.get("REMOTE_ADDR", ""))
            raise Unwelcome(409, COPIED)
        return agent


def refuse_version(said: str) -> None:
    """426 with the version that is needed, for an agent too old or too new; which build it is (`+...`) does not matter."""
    needed = agent_wheel.speaks()
    if said.partition("+")[0] != needed:
        got = "".join(letter for letter in said[:40] if letter.isprintable())
        raise Unwelcome(426, f"This portal needs an agent of version {needed}.", needed=needed, got=got)
