"""Everybody at every door: each page, route and socket is called as each kind of person, and only what its row allows happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import Scope, User
from tests.apps.addresses import Address, pages, routes_of_the_api, sockets
from tests.apps.cast import Cast
from tests.apps.permissions import API, MESSAGES, PAGES, SOCKETS, Row, Who
from tests.apps.things import WORD, gather_things

Things = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody at the door: what they are in the team, and in a team of their own where they have one."""

    name: str
    level: Who
    scope: Scope | None = None

    @property
    def at_home(self) -> Who:
        """Mallory leads a team of her own; everybody else has only Alice's."""
        return Who.ADMIN if self.name == "mallory" else self.level


PEOPLE = (
    Person("anonymous", Who.ANYBODY), Person("suspended", Who.ANYBODY), Person("mallory", Who.SIGNED_IN),
    Person("victor", Who.VIEWER), Person("mia", Who.MEMBER), Person("ruth", Who.REVIEWER), Person("alice", Who.ADMIN),
    Person("a token to read", Who.VIEWER, Scope.READ), Person("a token to write", Who.MEMBER, Scope.WRITE),
)


@pytest.fixture
def things(cast: Cast, tmp_path: Path, settings: Any) -> Things:
    settings.BLOBS = tmp_path / "blobs"
    return gather_things(cast, tmp_path)


# What a row expects.


def expected(row: Row, method: str, person: Person, *, is_api: bool) -> str:
    """`open`, `sign in`, `hidden` (404), `refused` (403 or 404), `no such method`; `public` has the same for everybody."""
    needed = row.get if method == "GET" else row.post
    if needed is None:
        return "no such method"
    if needed == Who.ANYBODY:
        return "public"
    if person.level == Who.ANYBODY or (person.scope and (row.by_session_only or not is_api)):
        return "sign in"
    has = person.at_home if row.own else person.level
    if has >= needed:
        return "open"
    return "hidden" if has == Who.SIGNED_IN else "refused"


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

    query = f"?{urlencode(row.query)}" if row.query else ""
    return "/" + re.sub(r"<(?:\w+:)?(?P<name>\w+)>", one, path) + query


def sent(row: Row, things: Things) -> dict[str, Any]:
    return {name: _sent(value, things) for name, value in row.body.items()}


def _sent(value: Any, things: Things) -> Any:
    if isinstance(value, dict):
        return {name: _sent(each, things) for name, each in value.items()}
    if isinstance(value, list):
        return [_sent(each, things) for each in value]
    return str(things[value[1:]].pk) if isinstance(value, str) and value.startswith("@") else value


def call(person: Person, cast: Cast, method: str, path: str, body: dict[str, Any], *, is_api: bool) -> HttpResponse:
    client, headers = Client(), {}
    if person.scope:
        headers["Authorization"] = f"Bearer {cast.token(person.scope)}"
    elif person.name != "anonymous":
        client.force_login(cast.alice if person.name == "suspended" else getattr(cast, person.name))
    if person.name == "suspended":
        User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    how: dict[str, Any] = {"headers": headers}
    if method != "GET":
        how |= {"data": body, "content_type": "application/json"} if is_api else {"data": body}
    answer: HttpResponse = getattr(client, method.lower())(path, **how)
    return answer


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


Rows = dict[tuple[str, Any], tuple[Any, ...]]
# What a mere visit writes: who was seen last.
UNTOLD = {"last_login", "last_used"}


def all_rows() -> Rows:
    """Every row of the house, so that whatever a refused call changes is seen."""
    found: Rows = {}
    for model in apps.get_models():
        if model.__module__.startswith("apps."):
            fields = [field.attname for field in model._meta.concrete_fields if field.attname not in UNTOLD]
            found |= {(model.__name__, row[0]): row for row in _values(model, fields)}
    return found


def _values(model: type[models.Model], fields: list[str]) -> Any:
    return model._default_manager.values_list("pk", *fields)


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
def test_a_page_does_for_each_what_its_row_allows(cast: Cast, things: Things, page: Address, method: str) -> None:
    row = PAGES.get(page.name)
    assert row, f"{page.name} has no row in tests/apps/permissions.py"
    everybody(cast, things, row, method, fill(page.path, row, things), is_api=False)


ROUTES = routes_of_the_api()


@pytest.mark.parametrize("route", ROUTES, ids=[route.name for route in ROUTES])
def test_a_route_does_for_each_what_its_row_allows(cast: Cast, things: Things, route: Address) -> None:
    row = API.get(route.name)
    assert row, f"{route.name} has no row in tests/apps/permissions.py"
    method = route.name.partition(" ")[0]
    everybody(cast, things, row, method, fill(route.path, row, things), is_api=True)


def everybody(cast: Cast, things: Things, row: Row, method: str, path: str, *, is_api: bool) -> None:
    """Call it as each person, every time on untouched rows; say all that went wrong at once."""
    wrong, before = [], all_rows()
    for person in PEOPLE:
        with undone():
            wrong += judged(cast, things, row, method, path, person, before, is_api=is_api)
    assert not wrong, "\n".join(wrong)


def judged(cast: Cast, things: Things, row: Row, method: str, path: str, person: Person, before: Rows, *,
           is_api: bool) -> Iterator[str]:
    answer = call(person, cast, method, path, sent(row, things), is_api=is_api)
    wanted, got = expected(row, method, person, is_api=is_api), was(answer)
    where = f"{method} {path} as {person.name}: {answer.status_code}"
    if answer.status_code in (500, 501, 502) or got not in FITS[wanted] | (UNSET if row.if_set_up else set()):
        yield f"{where}, not {wanted}"
    if person.level <= Who.SIGNED_IN and WORD in text_of(answer):
        yield f"{where}, and it tells something of the team"
    if method == "GET" or got != "open" or (person.name == "mallory" and not row.own):
        yield from (f"{where}, and {each}" for each in changes(before, person))
    elif person.name == "mallory":
        yield from (f"{where}, and {each}" for each in changes(before, person, of=cast.mallory))


def changes(before: Rows, person: Person, of: User | None = None) -> Iterator[str]:
    """Rows that are not what they were. `of`: what is this person's may have changed, and rows may have come."""
    after = all_rows()
    for key in before.keys() | after.keys():
        # The call's own: a token that speaks, an account that was switched off for it.
        made_for_it = (person.scope and key[0] == "ApiToken") or (person.name == "suspended" and key[0] == "User")
        their_own = of and (key not in before or _of(key, before, of))
        if before.get(key) != after.get(key) and not made_for_it and not their_own:
            yield f"changed {key[0]} {key[1]}"


def _of(key: tuple[str, Any], rows: Rows, person: User) -> bool:
    mine = {person.pk, *person.memberships.values_list("team_id", flat=True)}
    return bool(mine & {value for value in rows[key] if isinstance(value, type(person.pk))})


# Sockets.


@pytest.mark.parametrize("path", sockets())
@pytest.mark.parametrize("person", PEOPLE, ids=[person.name for person in PEOPLE])
def test_a_socket_opens_for_those_whom_its_row_allows(crowd: Cast, path: str, person: Person, tmp_path: Path,
                                                      settings: Any) -> None:
    settings.BLOBS = tmp_path / "blobs"
    row = SOCKETS[path]
    whole = fill(path, row, gather_things(crowd, tmp_path))
    with socket_headers(person, crowd) as headers:
        opened = async_to_sync(knock_at)(whole, headers, None)
    assert opened == (expected(row, "GET", person, is_api=False) == "open")


@pytest.mark.parametrize("message", ["{}", '{"type": "websocket.disconnect"}', '{"type": "knock"}', '{"type": "say"}', "x"])
def test_what_a_socket_does_not_know_it_refuses_and_lives(crowd: Cast, message: str, tmp_path: Path, settings: Any) -> None:
    settings.BLOBS = tmp_path / "blobs"
    path = next(iter(SOCKETS))
    whole = fill(path, SOCKETS[path], gather_things(crowd, tmp_path))
    with socket_headers(PEOPLE[-3], crowd) as headers:
        assert async_to_sync(knock_at)(whole, headers, message)
    assert not MESSAGES, "a socket that hears something needs a test of who may say it"


@contextmanager
def socket_headers(person: Person, crowd: Cast) -> Iterator[list[tuple[bytes, bytes]]]:
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    if person.scope:
        yield [*headers, (b"authorization", f"Bearer {crowd.token(person.scope)}".encode())]
        return
    client = Client()
    if person.name != "anonymous":
        client.force_login(crowd.alice if person.name == "suspended" else getattr(crowd, person.name))
    if person.name == "suspended":
        User.objects.filter(pk=crowd.alice.pk).update(is_active=False)
    cookies = "; ".join(f"{name}={each.value}" for name, each in client.cookies.items())
    yield [*headers, (b"cookie", cookies.encode())]


async def knock_at(path: str, headers: list[tuple[bytes, bytes]], message: str | None) -> bool:
    """Whether the socket opened and, when something was said, answered it with an error and went on living."""
    from edgeportal.asgi import application

    address, _, query = path.partition("?")
    scope = {"type": "websocket", "path": address, "query_string": query.encode(), "headers": headers, "subprotocols": [],
             "extensions": {"websocket.http.response": {}}}
    socket = ApplicationCommunicator(application, scope)
    await socket.send_input({"type": "websocket.connect"})
    opened = (await socket.receive_output(5))["type"] == "websocket.accept"
    if opened and message is not None:
        await socket.send_input({"type": "websocket.receive", "text": message})
        while '"error"' not in (await socket.receive_output(5)).get("text", ""):
            pass
        opened = not await hears_a_close(socket)
    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    socket.future.cancel()
    return bool(opened)


async def hears_a_close(socket: ApplicationCommunicator) -> bool:
    while not await socket.receive_nothing(0.2):
        if (await socket.receive_output(1))["type"] == "websocket.close":
            return True
    return False
