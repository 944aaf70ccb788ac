"""The operators' desk: nobody but staff sees any page of it, staff only what it was given, and no team goes with its runs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from apps.accounts.models import Scope, Team, User
from apps.experiments.models import Run
from tests.apps.house import House, undone
from tests.apps.things import WORD

pytestmark = pytest.mark.django_db
DESKS = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]


@pytest.mark.parametrize("desk", DESKS)
def test_only_staff_sees_it_and_only_what_it_was_given(house: House, desk: str) -> None:
    token = {"Authorization": f"Bearer {house.tokens[Scope.ADMIN]}"}
    for name in ("", "mallory", "victor", "alice", "olga"):
        client = Client()
        client.cookies = house.clients[name].cookies.copy() if name else client.cookies
        for path in (desk, f"{desk}add/", f"{desk}?q={WORD}"):
            for answer in (client.get(path), client.post(path, {"name": "x"}), client.get(path, headers={} if name else token)):
                assert answer.status_code == (403 if name == "olga" else 302) and WORD not in answer.content.decode()


def test_a_team_with_runs_stays_and_it_is_said_what_keeps_it(house: House) -> None:
    team: Any = house.cast.team
    with undone():
        client = Client()
        client.force_login(User.objects.create_superuser("root@example.org", "an unusual phrase 42"))
        runs = Run.objects.filter(team=team).count()
        answer = client.post(f"/admin/accounts/team/{team.pk}/delete/", {"post": "yes"})
        said = " ".join(re.sub("<[^>]+>", "", answer.content.decode()).split())
        assert re.search(r"Cannot delete team Deleting .* would (require|result in) deleting .*\brun", said), said[-1500:]
        client.post("/admin/accounts/team/", {"action": "delete_selected", "_selected_action": [str(team.pk)], "post": "yes"})
        assert Team.objects.filter(pk=team.pk).exists() and Run.objects.filter(team=team).count() == runs > 0
