"""What pages about devices need to follow the team's stream, on which every change of a device's state is said."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.accounts.models import Team
from apps.live.models import Stream


def following(team: Team | None, device: UUID | None = None) -> dict[str, Any]:
    """For `static/js/device_now.js`: one device, or all of them. Of a shared one the stream is another team's: that is polled."""
    if team is None:
        return {"devices_live": None}
    stream = Stream.of_team(team)
    return {"devices_live": {"stream": str(stream.pk), "after": stream.head, "device": str(device) if device else None}}
