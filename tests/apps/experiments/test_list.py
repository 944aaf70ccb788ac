"""The list of runs: filters in the address, pages, and a fixed number of queries."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.experiments.models import Experiment, Status
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
    "status=dancing", "recipe=no.such", "tag=nobody", "tag=" + "t" * 5000, "status=archived", "q=%25", "q=_", "q=\\",
    "q=%00nothing", "q=" + "y" * 5000, "q=９９９９９９９９９９９",
])
def test_a_filter_nobody_knows_finds_nothing(cast: Cast, alice: Client, query: str) -> None:
    cast.run(Status.FAILED)
    answer = alice.get(f"/experiments/?{query}")
    assert answer.status_code == 200 and "No run is like that" in answer.content.decode()


@pytest.mark.parametrize("number", ["0", "-1", "1000000000", "999999999999", "9" * 400, "two", "１", "%00", "1e9", "1&page=2"])
def test_a_page_that_is_not_there_is_the_nearest_one(cast: Cast, alice: Client, number: str) -> None:
    cast.run(Status.FAILED)
    answer = alice.get(f"/experiments/?page={number}")
    assert answer.status_code == 200 and "try 1" in answer.content.decode()


def test_what_nobody_may_filter_or_sort_by_changes_nothing(cast: Cast, alice: Client) -> None:
    cast.run(Status.FAILED)
    for query in ("order_by=created_by__password", "team__name=Others", "created_by__password__startswith=p", "sort=password"):
        assert "try 1" in alice.get(f"/experiments/?{query}").content.decode()


def test_an_experiment_of_many_runs_is_one_row_that_counts_them(cast: Cast, alice: Client) -> None:
    from apps.experiments import actions
    from apps.experiments.models import Run
    from tests.apps.experiments.network import network

    experiment = actions.launch_sweep(cast.alice, cast.team, "pruning.magnitude", network(cast), {"epochs": [1, 2, 3]}, 4,
                                      name="many", tags=["paper"])
    Run.objects.filter(number__lte=5).update(status=Status.FINISHED)
    said = alice.get("/experiments/").content.decode()
    assert said.count("<tr data-row") == 1 and "12 runs, 1 to 12" in said and "5 of 12 finished" in said
    assert f"/experiments/{experiment.pk}/" in said and "queued</span>" in said
    for query in ("q=9", "q=run 12", "q=MANY", "status=finished", "status=live", "tag=paper",
                  "recipe=pruning.magnitude&tag=paper"):
        assert "12 runs" in alice.get(f"/experiments/?{query}").content.decode(), query
    for query in ("q=13", "status=failed", "tag=Pap", "recipe=training.backprop"):
        assert "12 runs" not in alice.get(f"/experiments/?{query}").content.decode(), query


def test_a_longer_list_needs_no_more_queries(
    cast: Cast, alice: Client, django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(30):
        cast.run(Status.FINISHED)
    with django_assert_max_num_queries(14):
        said = alice.get("/experiments/").content.decode()
    assert "page 1 of 2" in said
    with django_assert_max_num_queries(22):
        alice.get("/")


def test_the_text_filter_finds_tags_too(cast: Cast, client: Client) -> None:
    cast.run()
    Experiment.objects.update(name="something", tags=["Baseline", "paper"])
    client.force_login(cast.alice)
    said = {text: "something" in client.get("/experiments/", {"q": text}).content.decode().partition("<tbody>")[2]
            for text in ("baselin", "PAPER", '", "', "nobody")}
    assert said == {"baselin": True, "PAPER": True, '", "': False, "nobody": False}
