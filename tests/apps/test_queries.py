"""Queries of each page are bounded, and the same for few rows as for many: none asks the database in a loop."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from apps.experiments.models import Run, RunFile
from bench.crowd import Crowd
from tests.apps.addresses import Address, pages
from tests.apps.cast import Cast, gather
from tests.apps.house import nobody_plans, undone
from tests.apps.permissions import PAGES
from tests.apps.test_permissions import fill
from tests.apps.things import gather_things

# What no page may go beyond; those that need more say so here, and why they do.
ENOUGH = 21
MORE = {
    "portfolio": 46,  # the board, its evidence, run time, comments, decisions and what the two roles may do, on one page
    "run": 26,  # every part that others fetch as a fragment is on the page from the first
}
SMALL = {"runs": 10, "runs_an_experiment": 5, "models": 2, "variants_a_run": 3, "numbers_a_run": 9, "events_a_run": 10,
         "datasets": 2, "devices": 2, "portfolios": 2}
LARGE = {"runs": 120, "runs_an_experiment": 40, "models": 40, "variants_a_run": 12, "numbers_a_run": 60, "events_a_run": 40,
         "datasets": 60, "devices": 30, "portfolios": 60}
Counted = dict[str, tuple[list[str], list[str]]]
pytestmark = pytest.mark.django_db
READ = [page for page in pages() if page.name in PAGES and PAGES[page.name].get is not None]


class Town:
    """Alice's team with one of each thing, then with a small crowd's work, then with a large one's besides."""

    def __init__(self, cast: Cast, folder: Path) -> None:
        self.things = gather_things(cast, folder)
        self.team, self.user = str(cast.team.pk), str(cast.alice.pk)
        self.client = Client()
        self.client.force_login(cast.alice)

    def grow(self, label: str, size: dict[str, int]) -> dict[str, Any]:
        """The things of a crowd, in place of those of the cast that it has."""
        crowd = Crowd(self.team, self.user, "", label, **size)
        crowd.dataset = crowd.id("dataset")
        crowd.come()
        found = {kind: SimpleNamespace(pk=crowd.id(kind)) for kind in ("experiment", "model", "dataset", "device", "portfolio")}
        run = Run.objects.get(pk=crowd.id("run"))
        made = {"run": run, "ended": run, "stream": run.stream, "variant": run.variants.first().variant,
                "reviewed": found["portfolio"], "file": RunFile.objects.filter(run=run).first()}
        return {**self.things, **found, **made}

    def queries(self, page: Address, things: dict[str, Any]) -> list[str]:
        path = fill("/" + page.path.lstrip("/"), PAGES[page.name], things).replace("//", "/")
        self.client.get(path)
        with CaptureQueriesContext(connection) as asked:
            answer = self.client.get(path)
        assert answer.status_code != 500, page.path
        return [query["sql"] for query in asked.captured_queries]


@pytest.fixture(scope="module")
def counted(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Counted:
    """For each page, its queries for a small crowd and for a large one."""
    with django_db_blocker.unblock(), override_settings(BLOBS=tmp_path_factory.mktemp("blobs")), undone(), nobody_plans():
        town = Town(gather(), tmp_path_factory.mktemp("town"))
        small = town.grow("few", SMALL)
        few = {page.name: town.queries(page, small) for page in READ}
        large = town.grow("many", LARGE)
        return {page.name: (few[page.name], town.queries(page, large)) for page in READ}


@pytest.mark.parametrize("name", sorted({page.name for page in READ}))
def test_a_page_asks_no_more_for_many_rows_than_for_few(counted: Counted, name: str) -> None:
    few, many = counted[name]
    assert len(many) <= len(few), "\n".join(many)


@pytest.mark.parametrize("name", sorted({page.name for page in READ}))
def test_a_pages_queries_are_bounded(counted: Counted, name: str) -> None:
    _, many = counted[name]
    assert len(many) <= MORE.get(name, ENOUGH), "\n".join(many)
