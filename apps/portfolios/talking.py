"""Comments: on the portfolio, or on one cell of its board."""

from __future__ import annotations

from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.refusal import Refused
from apps.portfolios.asking import told
from apps.portfolios.desk import Forbidden, held, prose, say
from apps.portfolios.markdown import is_too_deep
from apps.portfolios.models import Comment, Entry, Portfolio

MOST_COMMENTS = 1000


def comment(user: User, portfolio: Portfolio, text: str, criterion: object = None, variant: object = None) -> Comment:
    """Say something; with a criterion and a variant, of that cell."""
    words = _worded(text)
    with held(user, portfolio) as found:
        if found.comments.count() >= MOST_COMMENTS:
            raise Refused({"text": f"A portfolio has at most {MOST_COMMENTS:,} comments."})
        made = Comment(portfolio=found, author=user, text=words, version=found.version)
        if criterion or variant:
            _anchor(found, made, str(criterion or ""), str(variant or ""))
        made.save()
        say(user, found, "said", f"commented{f' on {made.about}' if made.about else ''}", comment=made.pk)
    return made


def edit_comment(user: User, portfolio: Portfolio, comment: int, text: str) -> None:
    words = _worded(text)
    with held(user, portfolio) as found:
        mine = _own(user, found, comment)
        mine.text, mine.edited = words, timezone.now()
        mine.save(update_fields=["text", "edited"])
        say(user, found, "said", "edited a comment", comment=mine.pk)


def delete_comment(user: User, portfolio: Portfolio, comment: int) -> None:
    with held(user, portfolio) as found:
        mine = _own(user, found, comment)
        mine.delete()
        say(user, found, "said", "deleted a comment", comment=comment)


def resolve(user: User, portfolio: Portfolio, comment: int, done: bool = True) -> None:
    """Mark a comment as settled, or open it again; everybody who may comment may."""
    with held(user, portfolio) as found:
        each = _comment(found, comment)
        if (each.resolved is not None) == done:
            return
        each.resolved, each.resolved_by = (timezone.now(), user) if done else (None, None)
        each.save(update_fields=["resolved", "resolved_by"])
        say(user, found, "said", f"{'resolved' if done else 'reopened'} a comment", comment=each.pk)


def _worded(text: str) -> str:
    errors: dict[str, str] = {}
    words = prose("text", text, errors)
    if not errors and is_too_deep(words):
        errors["text"] = "Quotes and lists nest too deep here: at most nine levels."
    if errors:
        raise Refused(errors)
    return words


def _anchor(found: Portfolio, made: Comment, criterion: str, variant: str) -> None:
    """Tie it to the cell; its name is kept, so that it still tells what it was about when the cell is gone."""
    gone = Refused({"text": "The cell that this is about is gone; say it of the whole portfolio. What you typed is kept."})
    asked = found.criteria.filter(pk=int(criterion)).first() if criterion.isascii() and criterion.isdigit() \
        and len(criterion) < 18 else None
    entry = next((each for each in Entry.objects.filter(portfolio=found).select_related("variant")
                  if str(each.variant_id) == variant), None)
    if asked is None or entry is None:
        raise gone
    made.criterion, made.variant = asked, entry.variant
    made.about = f"{told(asked)} · {entry.variant}"[:300]


def _comment(found: Portfolio, number: int) -> Comment:
    each = found.comments.filter(pk=number).first()
    if each is None:
        raise Refused({"": "This comment is not there any more."})
    return each


def _own(user: User, found: Portfolio, number: int) -> Comment:
    each = _comment(found, number)
    if each.author_id != user.pk:
        raise Forbidden({"": "Only who wrote a comment may change it."})
    return each
