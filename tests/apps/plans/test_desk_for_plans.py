"""The desk looks at plans when it is woken, and the reaper wakes it for those that a lost message left behind."""

from __future__ import annotations

from typing import Any

import pytest
from celery import current_app
from django.db import connections
from django.utils import timezone

from apps.plans import noticing
from apps.plans.models import SavedPlan
from tests.apps.plans.conftest import Town
from worker.tasks import planning

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **_: found.append(name))
    return found


def test_a_round_of_the_desk_looks_at_what_is_due(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.save()
    monkeypatch.setattr(connections, "close_all", lambda: None)
    with town.settled(execute=True):
        town.link(town.pi, town.box, 5, 20)
    planning.review_plans()
    assert SavedPlan.objects.get().state == "stale" and not SavedPlan.objects.get().checking


def test_the_reaper_wakes_the_desk_only_for_plans_that_are_due(town: Town, sent: list[str]) -> None:
    town.save()
    planning.tend()
    assert sent == []
    SavedPlan.objects.update(due=timezone.now())
    planning.tend()
    assert sent == ["worker.tasks.review_plans"]


def test_a_broker_that_is_away_loses_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(current_app, "send_task", refuse)
    noticing._wake()


def test_only_plans_of_the_devices_that_changed_are_marked(town: Town, wakes: list[str]) -> None:
    with town.settled(execute=True):
        town.pi.save()  # with it all that was made before is heard of
    plan = town.save(wanted=town.wanted.model_copy(update={"devices": (town.pi.pk, town.box.pk)}))
    with town.settled(execute=True):
        town.cloud.save()
    assert not SavedPlan.objects.get(pk=plan.pk).checking and wakes == []
    with town.settled(execute=True):
        town.box.save()
    assert SavedPlan.objects.get(pk=plan.pk).checking and wakes == ["plans"]
