"""The list of runs: filters in the address, pages, and a fixed number of queries."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.experiments.models import Status
from tests.apps.cast import Cast


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def test_filters_narrow_by_state_and_by_name(cast: Cast, alice: Client) -> None:
    cast.run(Status.FAILED)
    cast.run(Status.FINISHED)
    said = alice.get("/experiments/?status=failed").content.decode()
    assert "try 1" in said and "try 2" not in said
    assert "try 2" in alice.get("/experiments/?q=TRY+2").content.decode()
    assert "try 2" not in alice.get("/experiments/?q=%231").content.decode()
    assert "try 1" in alice.get("/experiments/?q=%231").content.decode()
    assert "try 1" in alice.get("/experiments/?q=1&status=failed").content.decode()


@pytest.mark.parametrize("query", [
    "status=dancing", "recipe=no.such", "q=%00nothing", "q=" + "y" * 5000, "q=９９９９９９９９９９９",
])
def test_a_filter_nobody_knows_finds_nothing(cast: Cast, alice: Client, query: str) -> None:
    cast.run(Status.FAILED)
    answer = alice.get(f"/experiments/?{query}")
    assert answer.status_code == 200 and "No run is like that" in answer.content.decode()


@pytest.mark.parametrize("number", ["0", "-1", "999999999999", "two", "１", "%00"])
def test_a_page_that_is_not_there_is_the_nearest_one(cast: Cast, alice: Client, number: str) -> None:
    cast.run(Status.FAILED)
    answer = alice.get(f"/experiments/?page={number}")
    assert answer.status_code == 200 and "try 1" in answer.content.decode()


def test_a_longer_list_needs_no_more_queries(
    cast: Cast, alice: Client, django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(30):
        cast.run(Status.FINISHED)
    with django_assert_max_num_queries(14):
        said = alice.get("/experiments/").content.decode()
    assert "page 1 of 2" in said
    with django_assert_max_num_queries(18):
        alice.get("/")
