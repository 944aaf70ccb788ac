"""/healthz and /metrics: what is wrong is named, nothing is given away, and strangers find no figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.experiments.models import Status
from apps.home import health, pulses
from tests.apps.cast import Cast


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No answer of another test, no pulse of another test."""
    monkeypatch.setattr(health, "FRESH_S", -1.0)
    pulses.line.cache_clear()
    for key in pulses.line().keys(f"{pulses.PREFIX}*"):
        pulses.line().delete(key)
    yield
    pulses.line.cache_clear()


def with_workers() -> None:
    for name in ("worker@a", "desk@a", "answers@a"):
        pulses.beat(name)


def parts(client: Client, status: int) -> dict[str, str]:
    answer = client.get("/healthz")
    assert answer.status_code == status, answer.content
    assert answer.json()["status"] == ("ok" if status == 200 else "unavailable")
    return dict(answer.json()["parts"])


@pytest.mark.django_db
def test_all_is_well_when_everything_answers(client: Client) -> None:
    with_workers()
    assert parts(client, 200) == {"database": "ok", "redis": "ok", "storage": "ok", "workers": "ok"}


@pytest.mark.django_db
def test_silent_workers_are_named(client: Client) -> None:
    for name in ("worker@a", "answers@a"):
        pulses.beat(name)
    assert parts(client, 503)["workers"] == "no pulse of any desk"
    assert client.get("/healthz/live").status_code == 200, "visitors may still be sent here"


@pytest.mark.django_db
def test_a_redis_that_is_away_is_named_without_its_librarys_text(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    pulses.line.cache_clear()
    found = parts(client, 503)
    assert found["redis"] == "does not answer" and found["database"] == "ok"
    assert "hunter2" not in client.get("/healthz").content.decode()


@pytest.mark.django_db
def test_a_folder_that_is_not_there_is_named(client: Client, settings: Any) -> None:
    with_workers()
    settings.VAR = "/nonexistent"
    assert parts(client, 503)["storage"] == "is not there"


def test_a_database_that_is_away_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> None:
        raise ConnectionError("password of edgeportal is wrong")

    monkeypatch.setitem(health.CHECKS, "database", refuses)
    monkeypatch.setattr(health, "database", refuses)
    assert parts(client, 503)["database"] == "does not answer"
    live = client.get("/healthz/live")
    assert live.status_code == 503 and "password" not in live.content.decode()


@pytest.mark.django_db
def test_figures_of_the_house(client: Client, cast: Cast) -> None:
    pulses.beat("worker@a")
    cast.run(Status.QUEUED, queue="cpu")
    cast.run(Status.QUEUED, queue="cpu")
    client.get("/sign-in/")
    client.get("/no/such/page")
    said = client.get("/metrics").content.decode()
    assert 'edgeportal_runs{queue="cpu",status="queued"} 2.0' in said
    assert 'edgeportal_request_seconds_count{method="GET",route="sign-in",status="200"}' in said
    assert 'route="none",status="404"' in said and "no/such" not in said, "what a visitor makes up is no label"
    for name in ("edgeportal_events_total", "edgeportal_sockets ", "edgeportal_messages_total", "edgeportal_streams_open",
                 "edgeportal_longest_wait_seconds", "edgeportal_files_bytes", "edgeportal_question_seconds",
                 'edgeportal_worker_silent_seconds{worker="worker@a"}', "process_resident_memory_bytes"):
        assert name in said


@pytest.mark.django_db
@pytest.mark.parametrize(("how", "status"), [
    ({"REMOTE_ADDR": "203.0.113.9"}, 404),
    ({"REMOTE_ADDR": "127.0.0.1"}, 200),
    ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}, 404),
    ({"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
    ({"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer " + "t" * 30}, 200),
    ({"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer " + "u" * 30}, 404),
    ({"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer"}, 404),
])
def test_figures_are_for_this_machine_and_for_who_has_the_token(
    client: Client, settings: Any, how: dict[str, str], status: int,
) -> None:
    settings.METRICS_TOKEN = "t" * 30
    assert client.get("/metrics", **how).status_code == status  # type: ignore[arg-type]


@pytest.mark.django_db
def test_without_a_token_set_no_token_is_right(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9", HTTP_AUTHORIZATION="Bearer ").status_code == 404


@pytest.mark.django_db
def test_a_scrape_asks_the_database_a_fixed_number_of_times(
    client: Client, cast: Cast, django_assert_max_num_queries: Any,
) -> None:
    for _ in range(12):
        cast.run(Status.QUEUED, queue="cpu")
    with django_assert_max_num_queries(6):
        client.get("/metrics")
