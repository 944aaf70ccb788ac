"""Make the first person of an installation: an operator with a password, and admin of a first team."""

from __future__ import annotations

import getpass
import os
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from apps.accounts.models import Membership, Role, Team, User


class Command(BaseCommand):
    """The password is asked for, or read from FIRST_ADMIN_PASSWORD; it is never an argument that others could list."""

    help = "Make the first operator and the first team."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--team", default="First team")

    def handle(self, *args: Any, email: str, team: str, **options: Any) -> None:
        if User.objects.filter(email=email.lower()).exists():
            raise CommandError(f"{email} is there already.")
        password = os.environ.get("FIRST_ADMIN_PASSWORD") or getpass.getpass(f"Password for {email}: ")
        try:
            validate_email(email)
            validate_password(password, User(email=email))
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages)) from None
        with transaction.atomic():
            person = User.objects.create_superuser(email, password)
            Membership.objects.create(team=Team.objects.create(name=team), user=person, role=Role.ADMIN)
        self.stdout.write(f"{email} may sign in now.")
