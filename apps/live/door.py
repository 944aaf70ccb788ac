"""Who may listen to a stream: asked when a socket opens, and again every minute, once for all sockets of a session."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from importlib import import_module
from typing import NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.contrib.auth.models import AnonymousUser
from django.utils.crypto import constant_time_compare

from apps.accounts.models import User
from apps.live.desk import door_desk
from apps.live.models import Stream

SIGNED_OUT, GONE = 4401, 4404
REVALIDATE_S = 60.0


class Pass(NamedTuple):
    """A session that listens to a stream."""

    session_key: str
    stream_id: UUID


class Guest(Protocol):
    """A socket that was let in."""

    entry: Pass

    def show_out(self, code: int) -> None: ...


def head_for(entry: Pass) -> int | None:
    """The stream's head, or None when it is not there for this person."""
    seen = Stream.objects.visible_to(_person(entry.session_key)).filter(pk=entry.stream_id)
    head: int | None = seen.values_list("head", flat=True).first()
    return head


def refusals(entries: Iterable[Pass]) -> dict[Pass, int]:
    """Those that are welcome no longer, with the code to close them with."""
    found = {}
    for entry in entries:
        person = _person(entry.session_key)
        if not person.is_authenticated:
            found[entry] = SIGNED_OUT
        elif not Stream.objects.visible_to(person).filter(pk=entry.stream_id).exists():
            found[entry] = GONE
    return found


def _person(session_key: str) -> User | AnonymousUser:
    """Whose session this is now; nobody's when it ended or its password was changed. Never writes to the session."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    backend = session.get(BACKEND_SESSION_KEY, "")
    if backend not in settings.AUTHENTICATION_BACKENDS:
        return AnonymousUser()
    person = load_backend(backend).get_user(session.get(SESSION_KEY))
    if not isinstance(person, User):
        return AnonymousUser()
    known = [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]
    said = session.get(HASH_SESSION_KEY, "")
    return person if any(constant_time_compare(said, one) for one in known) else AnonymousUser()


class Door:
    """The guests by their pass, and when each pass is looked at again: not all at once, though they may have come at once."""

    def __init__(self) -> None:
        self._guests: dict[Pass, set[Guest]] = {}
        self._due: dict[Pass, float] = {}

    def let_in(self, guest: Guest) -> None:
        if guest.entry not in self._due:
            self._due[guest.entry] = _next_look()
        self._guests.setdefault(guest.entry, set()).add(guest)

    def let_out(self, guest: Guest) -> None:
        guests = self._guests.get(guest.entry, set())
        guests.discard(guest)
        if not guests:
            self._guests.pop(guest.entry, None)
            self._due.pop(guest.entry, None)

    async def look(self) -> None:
        """Ask again for those whose minute is over."""
        now = asyncio.get_running_loop().time()
        due = [entry for entry, when in self._due.items() if when <= now]
        if not due:
            return
        refused = await door_desk.ask(refusals, due)
        for entry in due:
            if entry in self._due:
                self._due[entry] = _next_look()
            for guest in list(self._guests.get(entry, ())) if entry in refused else ():
                guest.show_out(refused[entry])


def _next_look() -> float:
    return asyncio.get_running_loop().time() + REVALIDATE_S * random.uniform(0.75, 1)
