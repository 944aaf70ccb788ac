"""Who may listen to a stream: asked when a socket opens, and again every minute; all that wait are asked for together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from apps.accounts.models import User
from apps.live.desk import door_desk
from apps.live.models import Stream

SIGNED_OUT, GONE = 4401, 4404
# So many are asked for together: the first of a rush shall not wait for the last.
TOGETHER = 100


class Pass(NamedTuple):
    """A session that listens to a stream."""

    session_key: str
    stream_id: UUID


class Guest(Protocol):
    """A socket that was let in."""

    entry: Pass

    def show_out(self, code: int) -> None: ...


def heads_for(entries: Collection[Pass]) -> dict[Pass, int]:
    """The head of each stream that is there for its person; the others are missing."""
    return _heads(entries, _people({entry.session_key for entry in entries}))


def refusals(entries: Collection[Pass]) -> dict[Pass, int]:
    """Those that are welcome no longer, with the code to close them with."""
    people = _people({entry.session_key for entry in entries})
    seen = _heads(entries, people)
    return {entry: GONE if entry.session_key in people else SIGNED_OUT for entry in entries if entry not in seen}


def _heads(entries: Collection[Pass], people: dict[str, User]) -> dict[Pass, int]:
    """One question a person, however many streams and sessions they have."""
    wanted: dict[User, set[UUID]] = {}
    for entry in entries:
        if entry.session_key in people:
            wanted.setdefault(people[entry.session_key], set()).add(entry.stream_id)
    seen = {(person, pk): head for person, streams in wanted.items()
            for pk, head in Stream.objects.visible_to(person).filter(pk__in=streams).values_list("pk", "head")}
    found = {entry: seen.get((people[entry.session_key], entry.stream_id)) for entry in entries if entry.session_key in people}
    return {entry: head for entry, head in found.items() if head is not None}


def _people(session_keys: set[str]) -> dict[str, User]:
    """Whose sessions these are now; one that ended, or whose password was changed, is nobody's. Writes to no session."""
    # One cookie that is no key shall not spoil the question for all who wait with it.
    keys = [key for key in session_keys if key.isascii() and key.isalnum()]
    alive = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    said = {session.session_key: session.get_decoded() for session in alive}
    users = {str(user.pk): user for user in User.objects.filter(pk__in=_ids(said.values()))}
    found = {key: users[about[SESSION_KEY]] for key, about in said.items() if about.get(SESSION_KEY) in users}
    return {key: user for key, user in found.items() if _is_theirs(said[key], user)}


def _ids(sessions: Iterable[dict[str, str]]) -> set[str]:
    return {about[SESSION_KEY] for about in sessions if SESSION_KEY in about}


def _is_theirs(about: dict[str, str], user: User) -> bool:
    if about.get(BACKEND_SESSION_KEY, "") not in settings.AUTHENTICATION_BACKENDS or not user.is_active:
        return False
    known = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(about.get(HASH_SESSION_KEY, ""), one) for one in known)


class Door:
    """The guests by their pass, and when each pass is looked at again: not all at once, though they may have come at once."""

    def __init__(self) -> None:
        self._guests: dict[Pass, set[Guest]] = {}
        self._due: dict[Pass, float] = {}
        self._waiting: dict[Pass, asyncio.Future[int | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def head_for(self, entry: Pass) -> int | None:
        """The stream's head, or None when it is not there for this person. Who comes while a question is on its way waits
        for the next one, with all others who do."""
        answer = self._waiting.get(entry)
        if answer is None:
            answer = self._waiting[entry] = asyncio.get_running_loop().create_future()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(answer)

    async def _ask(self) -> None:
        while self._waiting:
            together = {entry: self._waiting.pop(entry) for entry in list(self._waiting)[:TOGETHER]}
            try:
                heads = await door_desk.ask(heads_for, list(together))
            except Exception as error:
                for answer in together.values():
                    answer.set_exception(error)
                continue
            for entry, answer in together.items():
                answer.set_result(heads.get(entry))

    def close(self) -> None:
        """For a loop that ends: nobody is answered any more."""
        if self._asking:
            self._asking.cancel()

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
    return asyncio.get_running_loop().time() + settings.REVALIDATE_S * random.uniform(0.75, 1)
