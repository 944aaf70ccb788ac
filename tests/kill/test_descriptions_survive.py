"""A variant is described when somebody looks at it, whoever dies on the way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import pytest

from tests.portal import Portal, until

pytestmark = pytest.mark.kill
JOB = "select token, lease_until is not null from catalog_description where variant_id = %s"


def undescribed(portal: Portal) -> str:
    """A variant as a run leaves it."""
    pk = portal.one("catalog_variant", "id", "precision = 'fp32' order by created limit 1")
    portal.sql("update catalog_variant set structure_id = null where id = %s", pk)
    return pk


def ask(portal: Portal, pk: str) -> Any:
    answer = portal.http.get(f"/api/variants/{pk}/structure")
    assert answer.status_code in (200, 202), answer.text
    return answer.json() if answer.status_code == 200 else None


def held(portal: Portal, pk: str) -> bool:
    rows = portal.sql(JOB, pk)
    return bool(rows) and bool(rows[0][1])


@contextmanager
def held_up(portal: Portal) -> Iterator[None]:
    """The desk's warm process stands still: whoever takes a job now is sure to be caught at it. A new one loads torch first."""
    warm = portal.processes("worker.forkserver", " worker.inspection.child")
    for process in warm:
        process.suspend()
    try:
        yield
    finally:
        for process in warm:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def test_a_desk_that_is_killed_while_it_describes_is_followed_by_another(portal: Portal) -> None:
    pk = undescribed(portal)
    with held_up(portal):
        assert ask(portal, pk) is None
        until(lambda: held(portal, pk), 30, "the desk takes it")
        portal.program("celery", "desk@").kill()
    told = until(lambda: ask(portal, pk), 120, "described after another attempt")
    assert len(told["layers"]) > 5 and told["parity"]["max_relative"] < 1e-4
    assert portal.sql(JOB, pk) == []


def test_ten_who_look_at_the_same_time_ask_once(portal: Portal) -> None:
    pk = undescribed(portal)
    desk = portal.program("celery", "desk@")
    desk.suspend()
    try:
        with ThreadPoolExecutor(10) as crowd:
            assert list(crowd.map(lambda _: ask(portal, pk), range(10))) == [None] * 10
        assert portal.sql("select token, attempts, why from catalog_description where variant_id = %s", pk) == [(0, 0, "")]
    finally:
        desk.resume()
    assert until(lambda: ask(portal, pk), 60, "described")["layers"]
    assert portal.sql(JOB, pk) == []


def test_a_desk_that_is_away_finds_what_was_asked_meanwhile(portal: Portal) -> None:
    """Whatever became of its message, the row is there."""
    pk = undescribed(portal)
    desk = portal.program("celery", "desk@")
    desk.suspend()
    try:
        assert ask(portal, pk) is None
    finally:
        desk.kill()
    assert until(lambda: ask(portal, pk), 120, "described by the next desk")["layers"]
