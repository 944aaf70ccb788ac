"""Submit, withdraw, approve, request changes: who may, of which version, and what stands in a decision."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.accounts.models import Membership, Role
from apps.accounts.refusal import Refused
from apps.portfolios import actions
from apps.portfolios.actions import Forbidden, Overtaken
from apps.portfolios.models import Decision, Portfolio, State
from tests.apps.portfolios.conftest import LATENCY, Shop

Submitted = Callable[..., Portfolio]


def state(portfolio: Portfolio) -> str:
    portfolio.refresh_from_db()
    return portfolio.state


def test_a_reviewer_approves_what_passes(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    decision = actions.approve(shop.cast.ruth, portfolio, portfolio.version, "ship it")
    assert state(portfolio) == State.APPROVED
    assert (decision.version, decision.although, decision.by_name) == (portfolio.version, 0, "Ruth")
    cell, = decision.board["cells"]
    assert cell["verdict"] == "pass" and cell["value"] == 4.0 and cell["measurement"] and cell["run"]


def test_the_author_does_not_approve_although_an_admin(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    with pytest.raises(Forbidden, match="somebody else decides"):
        actions.approve(shop.cast.alice, portfolio, portfolio.version)
    assert state(portfolio) == State.IN_REVIEW and not Decision.objects.exists()


def test_a_reviewer_who_changed_it_last_does_not_approve(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    actions.withdraw(shop.cast.alice, portfolio)
    actions.change_criterion(shop.cast.ruth, portfolio, portfolio.criteria.get().pk, {**LATENCY, "bound": "50"})
    shop.in_review(portfolio)
    with pytest.raises(Forbidden):
        actions.approve(shop.cast.ruth, portfolio, portfolio.version)


def test_a_reviewer_who_submitted_it_does_not_approve(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    actions.withdraw(shop.cast.alice, portfolio)
    shop.in_review(portfolio, by=shop.cast.ruth)
    with pytest.raises(Forbidden):
        actions.approve(shop.cast.ruth, portfolio, portfolio.version)


@pytest.mark.parametrize("who", ["carol", "victor", "mallory"])
def test_members_viewers_and_strangers_do_not_decide(shop: Shop, submitted: Submitted, who: str) -> None:
    portfolio = submitted()
    person = shop.carol if who == "carol" else getattr(shop.cast, who)
    for decide in (actions.approve, actions.request_changes):
        with pytest.raises(Forbidden):
            decide(person, portfolio, portfolio.version, "no")
    assert state(portfolio) == State.IN_REVIEW


def test_somebody_who_lost_the_role_does_not_decide(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    Membership.objects.filter(user=shop.cast.ruth).update(role=Role.MEMBER)
    with pytest.raises(Forbidden):
        actions.approve(shop.cast.ruth, portfolio, portfolio.version)


def test_what_fails_is_approved_only_with_its_number_and_a_reason(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted(9.0)
    with pytest.raises(Refused, match="1 cell does not pass") as refused:
        actions.approve(shop.cast.ruth, portfolio, portfolio.version, "fine")
    assert "although" in refused.value.errors
    with pytest.raises(Refused, match="give the reason"):
        actions.approve(shop.cast.ruth, portfolio, portfolio.version, "", although=1)
    decision = actions.approve(shop.cast.ruth, portfolio, portfolio.version, "the new board is faster", although=1)
    assert decision.although == 1 and state(portfolio) == State.APPROVED


def test_an_excuse_for_other_cells_than_there_are_is_overtaken(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted(9.0)
    with pytest.raises(Overtaken, match="You saw 2"):
        actions.approve(shop.cast.ruth, portfolio, portfolio.version, "fine", although=2)


def test_a_decision_on_an_older_version_says_what_changed(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    seen = portfolio.version
    actions.withdraw(shop.cast.alice, portfolio)
    actions.rename(shop.cast.alice, portfolio, "Gate")
    shop.in_review(portfolio)
    with pytest.raises(Overtaken, match="renamed it from “Doorbell” to “Gate”"):
        actions.approve(shop.cast.ruth, portfolio, seen)
    assert state(portfolio) == State.IN_REVIEW


def test_a_second_decision_finds_the_first(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    actions.request_changes(shop.cast.ruth, portfolio, portfolio.version, "too slow")
    with pytest.raises(Overtaken, match="changes requested by Ruth"):
        actions.approve(shop.cast.ruth, portfolio, portfolio.version)
    assert Decision.objects.count() == 1


def test_asking_for_changes_needs_words(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    with pytest.raises(Refused, match="Say what is to be changed"):
        actions.request_changes(shop.cast.ruth, portfolio, portfolio.version, "  ")


def test_a_change_after_approval_makes_a_draft_and_keeps_the_decision(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    approved = portfolio.version
    actions.approve(shop.cast.ruth, portfolio, approved)
    actions.add_variants(shop.cast.alice, portfolio, [shop.variant("late").pk])
    assert state(portfolio) == State.DRAFT and portfolio.version == approved + 1
    assert portfolio.decisions.get().version == approved
    said = portfolio.stream.events.last()
    assert said and f"approval of version {approved} no longer holds" in said.body["text"]


def test_nothing_is_changed_while_it_is_in_review(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    with pytest.raises(Refused, match="Withdraw it first"):
        actions.remove_criterion(shop.cast.alice, portfolio, portfolio.criteria.get().pk)
    with pytest.raises(Refused, match="Withdraw it first"):
        actions.rename(shop.cast.ruth, portfolio, "Mine")


def test_a_decision_is_never_changed(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    decision = actions.approve(shop.cast.ruth, portfolio, portfolio.version)
    decision.text = "I never said that"
    with pytest.raises(ValueError, match="never changed"):
        decision.save()
    with pytest.raises(ValueError, match="never deleted"):
        decision.delete()


def test_an_empty_portfolio_is_not_submitted(shop: Shop) -> None:
    portfolio = actions.create(shop.cast.alice, shop.cast.team, "Empty")
    with pytest.raises(Refused, match="at least one variant and one criterion"):
        actions.submit(shop.cast.alice, portfolio)


def test_every_step_is_told_in_order(shop: Shop, submitted: Submitted) -> None:
    portfolio = submitted()
    actions.request_changes(shop.cast.ruth, portfolio, portfolio.version, "smaller, please")
    told = [row.type for row in portfolio.stream.events.all()]
    assert told == ["changed", "changed", "submitted", "decided"]
    assert portfolio.stream.events.first().body["text"].startswith("made it with the variant")
    assert [row.seq for row in portfolio.stream.events.all()] == list(range(1, 5))
