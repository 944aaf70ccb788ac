"""Alice's team with one of each thing, made once for a whole module; every call in it is undone again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from django.test import Client, override_settings

from apps.accounts.models import Scope, Team
from apps.accounts.tokens import make
from apps.live import asking
from apps.live.models import Stream
from tests.apps.cast import Cast, gather
from tests.apps.things import gather_things

Things = dict[str, Any]


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def nobody_plans() -> Iterator[None]:
    """No planner runs beside tests that call everything: it is silent at once, which pages have to bear as well as any answer."""
    with patch.object(asking, "ask", side_effect=asking.Silent("The planner does not answer.")):
        yield


@dataclass
class House:
    """The people, their things, and a key for each person."""

    cast: Cast
    things: Things
    clients: dict[str, Client]
    tokens: dict[Scope, str]
    mallorys: str


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("things")
    with django_db_blocker.unblock(), override_settings(BLOBS=folder / "blobs"), undone(), nobody_plans():
        cast = gather()
        Stream.of_team(Team.objects.get(name="Others"))
        mallorys = make(cast.mallory, Team.objects.get(name="Others"), "mine", Scope.ADMIN)[1]
        yield House(cast, gather_things(cast, folder), {name: signed_in(cast, name) for name in KEYS},
                    {scope: cast.token(scope) for scope in Scope}, mallorys)


KEYS = ("olga", "mallory", "victor", "mia", "ruth", "alice")


def signed_in(cast: Cast, name: str) -> Client:
    client = Client()
    client.force_login(getattr(cast, name))
    return client
