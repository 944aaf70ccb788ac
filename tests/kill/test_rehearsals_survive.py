"""What training takes of memory is rehearsed when somebody asks, whoever dies on the way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kill.test_descriptions_survive import held_up
from tests.portal import Portal, until

pytestmark = pytest.mark.kill
JOB = "select token, lease_until is not null, made is not null from catalog_rehearsal where variant_id = %s"


def unrehearsed(portal: Portal) -> str:
    """A variant that nobody asked about yet, nor about a copy of it."""
    portal.sql("delete from catalog_rehearsal")
    return portal.one("catalog_variant", "id", "precision = 'fp32' order by params limit 1")


def ask(portal: Portal, pk: str, budget: int = 2_000_000) -> Any:
    answer = portal.http.get(f"/api/variants/{pk}/fit", params={"budget_bytes": budget})
    assert answer.status_code in (200, 202), answer.text
    return answer.json()["methods"] if answer.status_code == 200 else None


def test_a_desk_that_is_killed_while_it_rehearses_is_followed_by_another(portal: Portal) -> None:
    pk = unrehearsed(portal)
    with held_up(portal):
        assert ask(portal, pk) is None
        until(lambda: [row[1] for row in portal.sql(JOB, pk)] == [True], 30, "the desk takes it")
        portal.program("celery", "desk@").kill()
    told = until(lambda: ask(portal, pk), 120, "rehearsed after another attempt")
    assert told["training.backprop"]["fits"] and len(told) == 4
    ((token, is_held, is_made),) = portal.sql(JOB, pk)
    assert token >= 2 and not is_held and is_made


def test_a_desk_that_was_away_finds_the_question_and_every_budget_is_answered_from_one_rehearsal(portal: Portal) -> None:
    pk = unrehearsed(portal)
    desk = portal.program("celery", "desk@")
    desk.suspend()
    try:
        assert ask(portal, pk) is None
    finally:
        desk.kill()
    assert until(lambda: ask(portal, pk), 120, "rehearsed by the next desk")["training.backprop"]["fits"]
    rows = portal.sql(JOB, pk)
    assert not ask(portal, pk, 1000)["training.backprop"]["fits"] and portal.sql(JOB, pk) == rows
