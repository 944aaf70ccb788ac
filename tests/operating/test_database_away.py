"""While the database is away, whatever needs it says so and when to come again; nobody sees a library's words."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.test import Client

from tests.apps.cast import Cast


@pytest.fixture
def visitor(cast: Cast) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(cast.alice)
    return client


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("path", ["/", "/account/", "/api/me", "/api/runs"])
def test_whoever_asks_is_told_to_come_again(visitor: Client, monkeypatch: Any, path: str, error: type[Exception]) -> None:
    def refuses(*_: Any, **__: Any) -> None:
        raise error("password of edgeportal at 10.0.0.7 is wrong")

    with monkeypatch.context() as away:
        away.setattr(CursorWrapper, "execute", refuses)
        answer = visitor.get(path)
    assert answer.status_code == 503 and answer["Retry-After"] == "5"
    text = answer.content.decode()
    assert "The database does not answer now" in text and "10.0.0.7" not in text
    if path.startswith("/api/"):
        assert answer["Content-Type"] == "application/problem+json" and answer.json()["request_id"]


def test_a_question_that_takes_too_long_is_ended_by_the_database(db: None) -> None:
    """Asked on a line of its own: the tests' one has migrated, which may take long."""
    line = connection.copy()
    try:
        with line.cursor() as cursor:
            cursor.execute("show statement_timeout")
            assert cursor.fetchone() == ("30s",)
    finally:
        line.close()
