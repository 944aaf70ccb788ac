"""The review: submit, withdraw, approve, request changes. Two people stand behind every approval."""

from __future__ import annotations

from apps.accounts import teams
from apps.accounts.models import User
from apps.accounts.refusal import Refused
from apps.portfolios.board import Board, Cell, board_of, facts_of
from apps.portfolios.desk import LONGEST_TEXT, Forbidden, Overtaken, held, overtaken, prose, say
from apps.portfolios.models import Decision, Portfolio, State, Verdict


def submit(user: User, portfolio: Portfolio) -> None:
    """Ask for a review. From here on it stands still."""
    with held(user, portfolio) as found:
        if found.state not in (State.DRAFT, State.CHANGES):
            raise Overtaken({"": f"It is {found.get_state_display()} already."})
        if not found.entries.exists() or not found.criteria.exists():
            raise Refused({"": "A review needs at least one variant and one criterion."})
        found.state, found.submitted_by = State.IN_REVIEW, user
        found.save(update_fields=["state", "submitted_by"])
        say(user, found, "submitted", f"submitted version {found.version} for review")


def withdraw(user: User, portfolio: Portfolio) -> None:
    """Take it back out of review, to change it."""
    with held(user, portfolio) as found:
        if found.state != State.IN_REVIEW:
            raise Overtaken({"": f"It is {found.get_state_display()}; only what is in review can be withdrawn."})
        found.state = State.DRAFT
        found.save(update_fields=["state"])
        say(user, found, "withdrawn", f"withdrew version {found.version} from review")


def approve(user: User, portfolio: Portfolio, version: int, text: str = "", although: int | None = None) -> Decision:
    """Approve this version. `although` is the number of cells that do not pass, said with a reason in `text`."""
    errors: dict[str, str] = {}
    reason = prose("text", text, errors, needed=False, longest=LONGEST_TEXT)
    if errors:
        raise Refused(errors)
    with held(user, portfolio) as found:
        board = _judged(user, found, version)
        unmet = [cell for cell in board.cells if not cell.judged.passes]
        _admitted(unmet, although, reason)
        return _decided(user, found, board, Verdict.APPROVED, reason, len(unmet))


def request_changes(user: User, portfolio: Portfolio, version: int, text: str) -> Decision:
    """Send this version back, saying what is to be mended."""
    errors: dict[str, str] = {}
    wish = prose("text", text, errors, longest=LONGEST_TEXT)
    if errors:
        raise Refused({"text": f"Say what is to be changed. {errors['text']}"})
    with held(user, portfolio) as found:
        board = _judged(user, found, version)
        return _decided(user, found, board, Verdict.CHANGES, wish, 0)


def why_not(user: User, portfolio: Portfolio) -> str:
    """Why this person does not decide on it; nothing when they may."""
    if not teams.may_review(user, portfolio.team):
        return "Reviewers and admins of the team decide."
    if portfolio.is_work_of(user):
        return "You made it, changed it last or submitted it: somebody else decides, so that two people stand behind it."
    return ""


def _judged(user: User, found: Portfolio, version: int) -> Board:
    """The board as it stands, for somebody who may decide on this version of it."""
    if reason := why_not(user, found):
        raise Forbidden({"": reason})
    if version != found.version:
        raise Overtaken({"": overtaken(found, version)})
    if found.state != State.IN_REVIEW:
        last = found.decisions.last()
        raise Overtaken({"": f"It is {found.get_state_display()}{f' by {last.by_name}' if last else ''}, not in review any more. "
                             "What you typed is kept."})
    return board_of(found)


def _admitted(unmet: list[Cell], although: int | None, reason: str) -> None:
    """Whoever approves what does not pass says so, knows how many cells, and gives a reason."""
    cells = f"{len(unmet)} cell{'s do' if len(unmet) != 1 else ' does'} not pass"
    named = "; ".join(f"{cell.row.told}: {cell.entry.variant} {cell.words}" for cell in unmet[:5])
    if although is not None and although != len(unmet):
        raise Overtaken({"although": f"You saw {although}; by the newest measurements {cells} now. {named}".strip()})
    if unmet and although is None:
        raise Refused({"although": f"{cells}: {named}. To approve all the same, say so and give a reason."})
    if unmet and not reason:
        raise Refused({"text": f"{cells}: give the reason for which it is approved all the same."})


def _decided(user: User, found: Portfolio, board: Board, verdict: Verdict, text: str, although: int) -> Decision:
    made = Decision(portfolio=found, by=user, by_name=str(user), verdict=verdict, version=found.version, text=text,
                    although=although, board=facts_of(board))
    made.save()
    found.state = State.APPROVED if verdict == Verdict.APPROVED else State.CHANGES
    found.save(update_fields=["state"])
    excused = f", although {although} cell{'s do' if although != 1 else ' does'} not pass" if although else ""
    said = "approved" if verdict == Verdict.APPROVED else "requested changes of"
    say(user, found, "decided", f"{said} version {found.version}{excused}", verdict=str(verdict.value))
    return made
