"""Print the path of a link that sets a person's password anew: once, within the hour."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from apps.accounts import resets
from apps.accounts.models import User


class Command(BaseCommand):
    """For the operator, when no mail server and no administrator of a team can help."""

    help = "Print a single-use link that sets somebody's password anew; it lives for one hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"Nobody here has the address {email}.")
        if not user.is_active:
            raise CommandError(f"The account of {email} is switched off; switch it on in /admin/ first.")
        self.stdout.write(reverse("reset-password", args=[resets.make(user)]))
