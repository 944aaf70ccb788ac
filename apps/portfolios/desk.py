"""How a portfolio is changed: fetched by right, locked, written and told on its stream in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.refusal import Conflict, Refused
from apps.accounts.words import is_kept, seen
from apps.live.knock import knock
from apps.live.models import Event, Saying
from apps.portfolios.models import Portfolio, State

LONGEST_TEXT = 10_000


class Overtaken(Conflict):
    """Somebody was faster: what was asked speaks of a version that is no longer there. A page says 409, with both."""


class Forbidden(Refused):
    """This person's role, or part in the work, does not allow it. A page says 403."""


@contextmanager
def held(user: User, portfolio: Portfolio) -> Iterator[Portfolio]:
    """The portfolio, locked until the transaction ends, for whoever may edit it; what is said in it is told at its end."""
    with transaction.atomic():
        rows = Portfolio.objects.editable_by(user).select_for_update(of=("self",))
        found = rows.select_related("stream").filter(pk=portfolio.pk).first()
        if found is None:
            raise Forbidden({"": "Your role in this team does not allow to change portfolios."})
        yield found
        transaction.on_commit(lambda: knock(found.stream_id))


@contextmanager
def changing(user: User, portfolio: Portfolio) -> Iterator[Portfolio]:
    """`held`, for a change of what is in it: refused while it is in review."""
    with held(user, portfolio) as found:
        if not found.is_open:
            raise Refused({"": "It is in review and stands still. Withdraw it first, then change it."})
        yield found


def changed(user: User, found: Portfolio, text: str) -> None:
    """A new version; an approval of the one before no longer speaks of it."""
    if found.state == State.APPROVED:
        text += f". The approval of version {found.version} no longer holds"
        found.state = State.DRAFT
    found.version += 1
    found.changed_by, found.changed_at = user, timezone.now()
    found.save(update_fields=["state", "version", "changed_by", "changed_at", "name", "description", "named_in"])
    say(user, found, "changed", text)


def say(user: User, found: Portfolio, kind: str, text: str, **more: Any) -> None:
    """Tell everybody who looks at it; the sentence is kept as its history."""
    body = {"by": str(user), "text": text, "version": found.version, "state": found.state, **more}
    found.stream.append([Saying(kind, body)])


def since(portfolio: Portfolio, version: int) -> list[str]:
    """What was changed after that version, one sentence each, the newest last."""
    rows = Event.objects.filter(stream_id=portfolio.stream_id, type="changed", body__version__gt=version).order_by("seq")
    return [f"{row.body['by']} {row.body['text']}" for row in rows[:20]]


def overtaken(portfolio: Portfolio, seen: int) -> str:
    """`You saw version 3, it is version 5 now: Alice added the variant x; ...`"""
    told = "; ".join(since(portfolio, seen))
    return f"You saw version {seen}; it is version {portfolio.version} now{f': {told}' if told else ''}. What you typed is kept."


def prose(field: str, text: object, errors: dict[str, str], *, longest: int = LONGEST_TEXT, needed: bool = True) -> str:
    """A text of several lines, or what is wrong with it in `errors`: no control characters, no lone surrogates."""
    words = seen(text.replace("\r\n", "\n")) if isinstance(text, str) else ""
    if not isinstance(text, str):
        errors[field] = "This must be text."
    elif not words and needed:
        errors[field] = "Write something."
    elif len(words) > longest:
        errors[field] = f"At most {longest:,} characters; this has {len(words):,}."
    elif not is_kept(words, among="\n\t"):
        errors[field] = "This has characters that cannot be shown."
    return words
