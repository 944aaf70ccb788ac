"""A second board with a copied card: it is turned away, and the team is told once an hour."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.devices.models import Agent
from apps.live.knock import knock
from apps.live.models import Saying, Stream

log = logging.getLogger(__name__)
EVERY = timedelta(hours=1)


def notice(agent: Agent, address: str) -> None:
    """Note it for the device's page, and tell the team's stream unless that was just done."""
    now, device = timezone.now(), agent.device
    untold = Q(copied=None) | Q(copied__lt=now - EVERY)
    with transaction.atomic():
        if not Agent.objects.filter(untold, pk=agent.pk).update(copied=now):
            return
        stream = Stream.of_team(device.team)
        text = (f"A second board uses the token of {device}: a copied card. It was turned away; let it join with a code of "
                "its own.")
        stream.append([Saying("notice", {"for": "admin", "device": str(device.pk), "text": text})])
        transaction.on_commit(lambda: knock(stream.pk))
    log.warning("a second board at %s uses the token %s of device %s", address, agent.prefix, device.pk)
