"""People are told once when a board falls silent: on the team's stream, and its administrators by mail where mail is set up.

What is back clears the mark itself, so that its next silence is told again.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import groupby
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import ADMINS, Membership, Team
from apps.devices.models import Device
from apps.live.knock import knock
from apps.live.models import Saying, Stream

log = logging.getLogger(__name__)
# A device that nobody has heard of for longer was silent before anybody looked.
OLD = timedelta(days=1)
MOST = 200


def alert() -> list[Device]:
    """Tell of every device that has been silent for long enough and of which nobody was told; these devices."""
    with transaction.atomic():
        found = _newly_silent()
        Device.objects.filter(pk__in=[device.pk for device in found]).update(alerted=timezone.now())
        told = [(team, list(many)) for team, many in groupby(found, key=lambda device: device.team)]
        for team, devices in told:
            _say(team, devices)
    for team, devices in told if settings.MAIL else ():
        _mail(team, devices)
    return found


def _newly_silent() -> list[Device]:
    now = timezone.now()
    rows = Device.objects.select_for_update(of=("self",), skip_locked=True).select_related("team").filter(
        alerted=None, retired=False, last_seen__lt=now - timedelta(seconds=settings.SILENT_ALERT_S), last_seen__gt=now - OLD)
    return list(rows.order_by("team", "name")[:MOST])


def _say(team: Team, devices: list[Device]) -> None:
    stream = Stream.of_team(team)
    stream.append([Saying("device", {"device": str(device.pk), "name": device.name, "state": device.state, "alert": "silent"})
                   for device in devices])
    transaction.on_commit(lambda: knock(stream.pk))


def _mail(team: Team, devices: list[Device]) -> None:
    """One mail a team, however many boards a switched-off room has."""
    people = Membership.objects.filter(team=team, role__in=ADMINS, user__is_active=True).values_list("user__email", flat=True)
    names = "\n".join(f"- {device.name}, last heard {device.last_seen:%Y-%m-%d %H:%M} UTC" for device in devices)
    text = (f"The portal has not heard from these devices of the team “{team}”:\n\n{names}\n\nMeasurements that wait for them "
            "go on when they are back. You are told again only after they were back.\n")
    what = devices[0].name if len(devices) == 1 else f"{len(devices)} devices"
    try:
        send_mail(f"No word from {what}", text, settings.DEFAULT_FROM_EMAIL, list(people))
    except (OSError, SMTPException) as error:
        log.warning("Nobody was mailed that %s of team %s is silent: %s", what, team.pk, error)
