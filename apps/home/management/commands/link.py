"""Print the path of a fresh sign-in link for the sample team."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from apps.accounts import links
from apps.accounts.models import User
from apps.experiments.models import Run
from apps.home.management.commands.sample import SAMPLE_EMAIL


class Command(BaseCommand):
    """Leads to the newest run, else to the start page."""

    help = "Print a single-use sign-in link (local installations only)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOCAL:
            raise CommandError("There is no sign-in link with production settings; use `manage.py first_admin`.")
        user = User.objects.filter(email=SAMPLE_EMAIL).first()
        if user is None:
            raise CommandError("The sample team is not made yet; start the portal with `make run`.")
        run = Run.objects.visible_to(user).first()
        page = reverse("run", args=[run.pk]) if run else "/"
        self.stdout.write(reverse("enter", args=[links.make(user, page)]))
