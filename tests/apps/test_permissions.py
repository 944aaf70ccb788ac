"""Everybody at every door: each page and route is called as each kind of person, and only what its row allows happens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import Scope, Team, User
from tests.apps.addresses import Address, pages, routes_of_the_api, sockets
from tests.apps.house import House, undone
from tests.apps.permissions import API, PAGES, SOCKETS, Row, Who
from tests.apps.things import WORD

pytestmark = pytest.mark.django_db
Things = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody at the door: what they are in the team, and in a team of their own where they have one."""

    name: str
    level: Who
    scope: Scope | None = None

    @property
    def at_home(self) -> Who:
        """Mallory leads a team of her own; Olga, of the staff, has none; everybody else has only Alice's."""
        return Who.ADMIN if self.name == "mallory" else self.level


PEOPLE = (
    Person("anonymous", Who.ANYBODY), Person("suspended", Who.ANYBODY), Person("mallory", Who.SIGNED_IN),
    Person("olga", Who.SIGNED_IN),
    Person("victor", Who.VIEWER), Person("mia", Who.MEMBER), Person("ruth", Who.REVIEWER), Person("alice", Who.ADMIN),
    Person("a token to read", Who.VIEWER, Scope.READ), Person("a token to write", Who.MEMBER, Scope.WRITE),
    Person("a token to review", Who.REVIEWER, Scope.REVIEW), Person("a token to lead", Who.ADMIN, Scope.ADMIN),
)


# What a row expects.


def expected(row: Row, method: str, person: Person, *, is_api: bool) -> str:
    """`open`, `sign in`, `hidden` (404), `refused` (403 or 404), `no such method`; `public` has the same for everybody."""
    needed = row.get if method == "GET" else row.post
    if needed is None:
        return "no such method"
    if needed == Who.ANYBODY:
        return "public"
    if row.agents_only or person.level == Who.ANYBODY or (person.scope and (row.by_session_only or not is_api)):
        return "sign in"
    has = person.at_home if row.own else person.level
    if has >= needed and row.whose in ("", "alice" if person.scope else person.name):
        return "open"
    return "hidden" if has == Who.SIGNED_IN and not row.own else "refused"


def was(answer: HttpResponse) -> str:
    """Which of these an answer is."""
    if answer.status_code == 401 or (answer.status_code == 302 and answer["Location"].startswith(f"{settings.LOGIN_URL}?next=")):
        return "sign in"
    return {404: "hidden", 403: "refused", 405: "no such method"}.get(answer.status_code, "open")


# Who takes what for the same.
FITS = {
    "open": {"open"}, "sign in": {"sign in"}, "hidden": {"hidden"}, "refused": {"refused", "hidden"},
    "public": {"open", "hidden", "no such method"}, "no such method": {"no such method", "sign in", "hidden", "refused"},
}
UNSET = {"hidden", "refused", "no such method"}


# Calling.


def fill(path: str, row: Row, things: Things) -> str:
    """The path with every placeholder filled: by the row, by a thing of its name, or with the row's own text."""
    def one(match: re.Match[str]) -> str:
        return str(_sent(row.placeholders.get(match["name"], f"@{match['name']}"), things))

    query = f"?{urlencode({name: _sent(value, things) for name, value in row.query.items()}, doseq=True)}" if row.query else ""
    return "/" + re.sub(r"<(?:\w+:)?(?P<name>\w+)>", one, path) + query


def sent(row: Row, things: Things) -> dict[str, Any]:
    return {name: _sent(value, things) for name, value in row.body.items()}


def _sent(value: Any, things: Things) -> Any:
    if isinstance(value, dict):
        return {name: _sent(each, things) for name, each in value.items()}
    if isinstance(value, list):
        return [_sent(each, things) for each in value]
    return str(things[value[1:]].pk) if isinstance(value, str) and value.startswith("@") else value


def call(person: Person, house: House, method: str, path: str, body: dict[str, Any], *, is_api: bool) -> HttpResponse:
    client, how = Client(), {}
    if person.scope:
        how["headers"] = {"Authorization": f"Bearer {house.tokens[person.scope]}"}
    elif person.name != "anonymous":
        client.cookies = house.clients["alice" if person.name == "suspended" else person.name].cookies.copy()
    if method != "GET":
        how |= {"data": body, "content_type": "application/json"} if is_api else {"data": body}
    answer: HttpResponse = getattr(client, method.lower())(path, **how)
    return answer


class Writes:
    """The tables that were written to while it watched."""

    # What a mere visit writes: when a token was used last, the session that a signed-out visitor may get, and that somebody
    # waits to see what a variant is made of, or what training it takes of memory.
    UNTOLD = ("accounts_apitoken", "django_session", "catalog_description", "catalog_rehearsal")
    STATEMENT = re.compile(r'^(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')

    def __init__(self) -> None:
        self.tables: set[str] = set()

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result, found = execute(sql, params, many, context), self.STATEMENT.match(sql)
        if found and found[1] not in self.UNTOLD and context["cursor"].rowcount:
            self.tables.add(found[1])
        return result


Rows = dict[tuple[str, Any], tuple[Any, ...]]


def rows_of(team: Team) -> Rows:
    """Every row that names the team, so that whatever somebody of another team changes is seen."""
    found: Rows = {}
    for model in apps.get_models():
        if model.__module__.startswith("apps.") and any(field.name == "team" for field in model._meta.concrete_fields):
            found |= {(model.__name__, row[0]): row for row in model._default_manager.filter(team=team).values_list()}
    return found


def text_of(answer: Any) -> str:
    """What it says: its headers and its body, but for the path that was asked for."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode("utf-8", "replace")


# The table and the house agree.


def test_every_page_has_a_row_and_every_row_a_page() -> None:
    names = [page.name for page in pages()]
    assert all(names), [page.path for page in pages() if not page.name]
    assert set(names) - set(PAGES) == set(), "these pages have no row in tests/apps/permissions.py"
    assert set(PAGES) - set(names) == set(), "these rows have no page any more"


def test_every_route_of_the_api_has_a_row_and_every_row_a_route() -> None:
    names = {route.name for route in routes_of_the_api()}
    assert names - set(API) == set(), "these routes have no row in tests/apps/permissions.py"
    assert set(API) - names == set(), "these rows have no route any more"


def test_every_socket_has_a_row_and_every_row_a_socket() -> None:
    assert set(sockets()) == set(SOCKETS)


# Everybody at every door.

DOORS = [(page, method) for page in pages() for method in ("GET", "POST")]


@pytest.mark.parametrize(("page", "method"), DOORS, ids=[f"{method} {page.name}" for page, method in DOORS])
def test_a_page_does_for_each_what_its_row_allows(house: House, page: Address, method: str) -> None:
    row = PAGES.get(page.name)
    assert row, f"{page.name} has no row in tests/apps/permissions.py"
    everybody(house, row, method, fill(page.path, row, house.things), is_api=False)


ROUTES = routes_of_the_api()


@pytest.mark.parametrize("route", ROUTES, ids=[route.name for route in ROUTES])
def test_a_route_does_for_each_what_its_row_allows(house: House, route: Address) -> None:
    row = API.get(route.name)
    assert row, f"{route.name} has no row in tests/apps/permissions.py"
    method = route.name.partition(" ")[0]
    everybody(house, row, method, fill(route.path, row, house.things), is_api=True)


def everybody(house: House, row: Row, method: str, path: str, *, is_api: bool) -> None:
    """Call it as each person, every time on untouched rows; say all that went wrong at once."""
    wrong = []
    for person in PEOPLE:
        with undone():
            if person.name == "suspended":
                User.objects.filter(pk=house.cast.alice.pk).update(is_active=False)
            wrong += judged(house, row, method, path, person, is_api=is_api)
    assert not wrong, "\n".join(wrong)


def judged(house: House, row: Row, method: str, path: str, person: Person, *, is_api: bool) -> Iterator[str]:
    """What is wrong with what this person got."""
    acts_at_home = person.name == "mallory" and method != "GET" and row.own
    before = rows_of(house.cast.team) if acts_at_home else {}
    with connection.execute_wrapper(writes := Writes()):
        answer = call(person, house, method, path, sent(row, house.things), is_api=is_api)
    wanted, got = expected(row, method, person, is_api=is_api), was(answer)
    where = f"{method} {path} as {person.name}: {answer.status_code}"
    if answer.status_code in (500, 501, 502) or got not in FITS[wanted] | (UNSET if row.if_set_up else set()):
        yield f"{where}, not {wanted}"
    if person.level <= Who.SIGNED_IN and WORD in text_of(answer):
        yield f"{where}, and it tells something of the team"
    if writes.tables and (method == "GET" or got != "open"):
        yield f"{where}, and it wrote to {', '.join(sorted(writes.tables))}"
    if acts_at_home and rows_of(house.cast.team) != before:
        yield f"{where}, and it changed something of the team"
