"""Asking the planner: what a person wants goes to the process that plans, and comes back as its answer."""

from __future__ import annotations

from collections.abc import Sequence

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.live import asking
from apps.plans.choosing import Candidate, of_person
from apps.plans.questions import Prepared, as_wanted, prepared
from apps.plans.wanted import Wanted
from worker.planning import Answer, Question

STRANGER = "You are not of this team."
WAIT_S = 2.0


def question(user: User, team: Team, wanted: Wanted) -> Question:
    """What the planner is asked; Refused where it cannot be, field by field."""
    return of(user, team, wanted).question


def of(user: User, team: Team, wanted: Wanted, known: Sequence[Candidate] | None = None) -> Prepared:
    """The question with the devices and links that it was made of."""
    if not teams.role(user, team):
        raise Refused({"": STRANGER})
    return prepared(of_person(user, team), wanted, known)


def ask(user: User, team: Team, wanted: Wanted, *, topic: str = "", known: Sequence[Candidate] | None = None) -> Answer:
    """The plans. Raises `Refused`, and `apps.live.asking.Silent` when nobody answers in time.

    `topic`: whose slider it is, so that a question that is no longer looked for gives way to the next. `known`: the
    network's candidates, where they were found already.
    """
    return answered(of(user, team, wanted, known), topic=topic)


def answered(asked: Prepared, *, topic: str = "", wait_s: float = WAIT_S) -> Answer:
    """The answer to a question that is ready, with what the reader must know of how it was put together."""
    said = answer_to(asked.question, topic=topic, wait_s=wait_s)
    return said.model_copy(update={"warnings": (*asked.left_out, *said.warnings)}) if asked.left_out else said


def answer_to(asked: Question, *, topic: str = "", wait_s: float = WAIT_S) -> Answer:
    try:
        return Answer.model_validate(
            asking.ask("plan", {"question": asked.model_dump(mode="json")}, wait_s=wait_s, topic=topic))
    except Refused as refused:
        raise Refused(as_wanted(refused.errors)) from None
