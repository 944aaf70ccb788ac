"""Put a worker host into a team's device registry, so that the team can measure on it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from apps.accounts.models import Team
from apps.devices import names
from apps.devices.desk.forms import NO_HOST, lives
from apps.devices.models import Device


class Command(BaseCommand):
    """A device belongs to a team; which teams may measure on a host is for an operator to say."""

    help = "Register a worker host as a device of a team (of all teams, when none is named)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("host", nargs="?", default=settings.HOST, help="its EDGEPORTAL_HOST; this machine by default")
        parser.add_argument("--team", help="the team's name")

    def handle(self, *args: Any, host: str, team: str | None, **options: Any) -> None:
        teams = Team.objects.filter(name=team) if team else Team.objects.all()
        if not teams:
            raise CommandError(f"There is no team called {team!r}." if team else "There is no team yet.")
        for one in teams:
            try:
                said = {"name": _name(one, host)}
                device, made = Device.objects.get_or_create(team=one, host=host, retired=False, defaults=said)
            except IntegrityError:
                raise CommandError(f"{one} has another device called {host!r}: give that one this host on its page.") from None
            if lives(device):
                raise CommandError(f"{one}: {device}: {NO_HOST}")
            self.stdout.write(f"{one}: {device} {'is registered' if made else 'was there already'}.")


def _name(team: Team, host: str) -> str:
    """Its own, with a number where a shared device is called so; where one of the team is, the operator says which is meant."""
    wanted = host[:110]
    return wanted if Device.objects.filter(team=team, name=wanted).exists() else names.free(team, wanted, host)
