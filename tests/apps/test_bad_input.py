"""Whatever stands in an address or is typed into a form: every page answers in words, nothing breaks, nothing typed is lost."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils.html import escape

from apps.accounts.models import Membership, Role, Team, User
from apps.experiments.models import Run, Status
from apps.portfolios.models import Portfolio, State
from tests.apps.addresses import Address, pages
from tests.apps.house import House, undone
from tests.apps.permissions import PAGES
from tests.apps.test_permissions import fill, rows_of, sent

pytestmark = pytest.mark.django_db
# Every word that a page reads from its address, and some that none shall read.
ASKED = ("page", "q", "sort", "down", "heat", "node", "cuts", "kind", "other", "model", "dataset", "device", "from", "like",
         "model-q", "copies", "cell", "before", "state", "show", "run", "agg", "step", "all", "status", "recipe", "tag",
         "variant", "tier", "label", "whose", "source", "target", "colour", "next",
         "order_by", "team__name", "created_by__password__startswith", "page_size", "cursor")
SCRIPT, AWAY, LONG = "<script>alert(1)</script>", "//evil.example", "x" * 10_000
IN_ADDRESSES = {"NUL": "%00", "half a character": "%ED%A0%80", "below 1": "-1", "a huge number": "9" * 10_000,
                "script": quote(f"%_\\'[{SCRIPT}"), "elsewhere": quote(AWAY)}
TYPED = {"NUL": "a\x00b", "invisible": "\u200b\u202e", "script": SCRIPT, "10 KB": LONG}
# Fields of forms that their rows need not fill in, and those that a person picks instead of typing.
FURTHER = {
    "model-rename": ("description",), "dataset-rename": ("description",), "portfolio-edit": ("description", "seen"),
    "pick": ("description", "portfolio", "variant"), "account": ("seen",),
    "device": ("name", "tier", "hardware", "location", "labels", "os", "cores", "memory_mb"),
    "bring-profile": ("file_name",),
    "new-device": ("hardware", "location", "labels", "os", "cores", "accelerators", "memory_mb"),
    "links": ("latency_back_ms", "bandwidth_back_mbps"), "measure-on-label": ("batch", "sustained"),
    "new-experiment": ("name", "tags", "repeat", "model", "dataset", "epochs"), "variant-derive": ("after",),
    "add-board": ("boards", "tier", "location", "labels"),
    "portfolio-decide": ("although",), "portfolio-criterion": ("device", "dataset", "seen"),
    "portfolio-comments": ("criterion", "variant"), "sign-in": ("login",), "forgotten": ("email",), "change-role": ("was",),
}
PICKED = {"source", "target", "origin",
          "role", "scope", "days", "metric", "comparison", "kind", "version", "verdict", "team", "new", "tag", "tier", "model",
          "dataset", "device", "portfolio", "variant", "criterion", "although", "seen", "was", "after"}
# Their forms stand where several runs, or a cell, are shown: tests/apps/experiments/test_experiment_page.py and
# tests/apps/portfolios/test_pages.py have them.
SHOWN_ELSEWHERE = {"experiment-more", "experiment-rename", "portfolio-note"}
RAISING = {"is_staff": "on", "is_superuser": "on", "role": "admin", "status": "finished", "state": "approved",
           "lease_owner": "me", "author": "1", "is_sample": "on", "team_id": "@others", "owner": "@mia"}
READ = [page for page in pages() if PAGES[page.name].get is not None]
WRITTEN = [page for page in pages() if PAGES[page.name].post is not None]


def signed_in(house: House, name: str = "alice") -> Client:
    client = Client(raise_request_exception=False)
    client.cookies = house.clients[name].cookies.copy()
    return client


def complaint(answer: HttpResponse) -> str:
    """What no answer may be. Without workers, /healthz says so, in words."""
    if answer.status_code >= 500 and answer.get("Content-Type") != "application/json":
        return f"broke with {answer.status_code}"
    if "evil.example" in answer.get("Location", ""):
        return "led away"
    is_page = answer.get("Content-Type", "").startswith("text/html") and not answer.streaming
    return "took text for markup" if is_page and SCRIPT in answer.content.decode() else ""


@pytest.mark.parametrize("page", READ, ids=[page.name for page in READ])
def test_no_address_breaks_a_page_or_leads_away(house: House, page: Address) -> None:
    path = fill(page.path, PAGES[page.name], house.things)
    path += "&" if "?" in path else "?"
    said = {}
    for kind, value in IN_ADDRESSES.items():
        with undone():
            said[kind] = complaint(signed_in(house).get(path + "&".join(f"{name}={value}" for name in ASKED)))
    assert not any(said.values()), said


@pytest.mark.parametrize("page", WRITTEN, ids=[page.name for page in WRITTEN])
def test_nothing_typed_breaks_a_form_or_is_lost(house: House, page: Address) -> None:
    row = PAGES[page.name]
    path, body = fill(page.path, row, house.things), sent(row, house.things)
    picked = PICKED | ({*body} if page.name in SHOWN_ELSEWHERE else set())
    said = {}
    for field in (*body, *FURTHER.get(page.name, ())):
        for kind, value in TYPED.items():
            with undone():
                answer = signed_in(house).post(path, {**body, field: value})
                lost = answer.status_code == 422 and field not in picked and escape(value[:90]) not in answer.content.decode()
                said[field, kind] = complaint(answer) or ("lost what was typed" if lost else "")
    assert not any(said.values()), {each: text for each, text in said.items() if text}


@pytest.mark.parametrize("page", WRITTEN, ids=[page.name for page in WRITTEN])
def test_a_field_that_no_form_has_changes_nothing(house: House, page: Address) -> None:
    others = Team.objects.get(name="Others")
    row, values = PAGES[page.name], {"@others": str(others.pk), "@mia": str(house.cast.mia.pk)}
    path = fill(page.path, row, house.things)
    with undone():
        before = rows_of(others)
        said: Any = signed_in(house, "mia").post(path, {**{name: values.get(each, each) for name, each in RAISING.items()},
                                                        **sent(row, house.things)})
        assert not complaint(said) and rows_of(others) == before
        assert not User.objects.filter(is_staff=True).exclude(email="olga@example.org").exists()
        assert not User.objects.filter(is_superuser=True).exists() and not Team.objects.filter(is_sample=True).exists()
        assert not Membership.objects.filter(user=house.cast.mia, team=house.cast.team).exclude(role=Role.MEMBER).exists()
        assert not Portfolio.objects.filter(state=State.APPROVED).exists()
        assert not Run.objects.filter(status=Status.FINISHED).exists()
