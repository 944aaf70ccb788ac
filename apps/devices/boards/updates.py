"""The version that an agent is asked to become: only the one whose wheel this portal serves."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from apps.devices.agent_wheel import wheel
from apps.devices.models import Agent


def wanted(agent: Agent) -> dict[str, Any] | None:
    """{version, url, sha256} of the wheel to become; None while the agent is as it should be."""
    if not agent.wanted_version or agent.wanted_version in (agent.version, ""):
        return None
    served = wheel()
    if served.version != agent.wanted_version:
        return None
    return {"version": served.version, "url": reverse("agent-wheel"), "sha256": served.sha256}
