"""What is in a portfolio: variants, criteria, its name; what cannot be put there; who may."""

from __future__ import annotations

import pytest
from django.db.models import ProtectedError

from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.catalog.models import Blob, RegisteredModel, Variant
from apps.portfolios import actions
from apps.portfolios.actions import Forbidden, Overtaken
from apps.portfolios.models import Portfolio
from tests.apps.portfolios.conftest import LATENCY, Shop


def test_what_is_in_a_portfolio_cannot_be_deleted(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    with pytest.raises(ProtectedError):
        shop.model.delete()
    actions.remove_variant(shop.cast.alice, portfolio, shop.made["net"].pk)
    shop.model.delete()


def test_a_portfolio_holds_fifty_variants_and_says_so(shop: Shop) -> None:
    variants = [shop.variant(f"v{number}") for number in range(51)]
    portfolio = shop.portfolio(*variants[:50])
    with pytest.raises(Refused, match="at most 50 variants; this would make 51"):
        actions.add_variants(shop.cast.alice, portfolio, [variants[50].pk])
    assert portfolio.entries.count() == 50


def test_a_variant_of_another_team_is_not_there(shop: Shop) -> None:
    other = Team.objects.get(name="Others")
    model = RegisteredModel.objects.create(team=other, name="Theirs", in_shape=[1], classes=2)
    theirs = Variant.objects.create(team=other, model=model, name="x", file=Blob.objects.create(sha256="9" * 64, size_bytes=1),
                                    size_bytes=1, params=1, macs=1, activation_bytes=1)
    with pytest.raises(Refused, match="not in this team"):
        shop.portfolio(theirs)
    assert not Portfolio.objects.exists()


def test_a_variant_is_picked_once(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    version = portfolio.version
    assert actions.add_variants(shop.cast.alice, portfolio, [shop.made["net"].pk]) == 0
    portfolio.refresh_from_db()
    assert portfolio.version == version


@pytest.mark.parametrize("who", ["victor", "mallory"])
def test_viewers_and_strangers_change_nothing(shop: Shop, who: str) -> None:
    portfolio, person = shop.portfolio(shop.variant("net")), getattr(shop.cast, who)
    criterion = shop.asked(portfolio)
    for act in (lambda: actions.create(person, shop.cast.team, "Mine"), lambda: actions.rename(person, portfolio, "Mine"),
                lambda: actions.add_criterion(person, portfolio, LATENCY), lambda: actions.submit(person, portfolio),
                lambda: actions.remove_criterion(person, portfolio, criterion.pk),
                lambda: actions.comment(person, portfolio, "hm"),
                lambda: actions.remove_variant(person, portfolio, shop.made["net"].pk)):
        with pytest.raises(Forbidden):
            act()


@pytest.mark.parametrize("bound", ["", "fast", "nan", "inf", "-1", "1e400", "1e30", "\x00", "1_0", "\uff11\uff12", "1,00,000",
                                   "1,2,3", None, [], {}])
def test_a_bound_is_a_number(shop: Shop, bound: object) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    with pytest.raises(Refused) as refused:
        actions.add_criterion(shop.cast.alice, portfolio, {**LATENCY, "bound": bound})
    assert list(refused.value.errors) == ["bound"]


@pytest.mark.parametrize(("bound", "number"), [("2.5", 2.5), ("2,5", 2.5), ("1,000", 1000), ("1,500,000", 1_500_000),
                                               ("1,000.25", 1000.25), (" 12 ", 12), ("1e3", 1000), (".5", 0.5), (7, 7)])
def test_a_bound_is_read_as_our_pages_write_it(shop: Shop, bound: object, number: float) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    assert actions.add_criterion(shop.cast.alice, portfolio, {**LATENCY, "bound": bound}).bound == number


def test_a_note_that_somebody_wrote_meanwhile_is_not_overwritten(shop: Shop) -> None:
    net = shop.variant("net")
    portfolio = shop.portfolio(net)
    actions.note_variant(shop.carol, portfolio, net.pk, "hers", "")
    with pytest.raises(Overtaken, match="hers"):
        actions.note_variant(shop.cast.alice, portfolio, net.pk, "mine", "")
    actions.note_variant(shop.cast.alice, portfolio, net.pk, "mine", "hers")
    assert portfolio.entries.get().note == "mine"


def test_an_accuracy_is_at_most_a_hundred_percent(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    with pytest.raises(Refused, match="at most 100 %"):
        shop.asked(portfolio, metric="accuracy", bound="950")


@pytest.mark.parametrize(("field", "value"), [("metric", "password"), ("metric", "\x00"), ("comparison", "about"),
                                              ("device", "x" * 200), ("device", "a\x00b"), ("device", "\ud800")])
def test_other_fields_are_refused_by_name(shop: Shop, field: str, value: str) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    with pytest.raises(Refused) as refused:
        actions.add_criterion(shop.cast.alice, portfolio, {**LATENCY, field: value})
    assert list(refused.value.errors) == [field]


def test_the_same_is_not_asked_twice(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    shop.asked(portfolio)
    with pytest.raises(Refused, match="asked for already"):
        shop.asked(portfolio, bound="9")


def test_whatever_was_measured_may_be_asked_for(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    with pytest.raises(Refused):
        shop.asked(portfolio, metric="energy_mj")
    shop.measured(shop.made["net"], "energy_mj", 3.0, unit="mJ")
    assert shop.asked(portfolio, metric="energy_mj", bound="4").unit == "mJ"


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "a\x00b", "\ud800", None, 7])
def test_a_name_is_refused_at_its_field(shop: Shop, name: object) -> None:
    with pytest.raises(Refused) as refused:
        actions.create(shop.cast.alice, shop.cast.team, name)  # type: ignore[arg-type]
    assert list(refused.value.errors) == ["name"]


def test_a_stale_change_of_a_criterion_says_what_it_is_now(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    criterion = shop.asked(portfolio)
    portfolio.refresh_from_db()
    seen = portfolio.version
    actions.change_criterion(shop.carol, portfolio, criterion.pk, {**LATENCY, "bound": "6"}, seen)
    with pytest.raises(Overtaken, match=f"6 ms now. You saw version {seen}; it is version {seen + 1} now: Carol asked for"):
        actions.change_criterion(shop.cast.alice, portfolio, criterion.pk, {**LATENCY, "bound": "7"}, seen)
    criterion.refresh_from_db()
    assert criterion.bound == 6


def test_a_change_elsewhere_does_not_make_an_edit_stale(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    criterion = shop.asked(portfolio)
    portfolio.refresh_from_db()
    seen = portfolio.version
    actions.rename(shop.carol, portfolio, "Gate")
    assert actions.change_criterion(shop.cast.alice, portfolio, criterion.pk, {**LATENCY, "bound": "7"}, seen).bound == 7


@pytest.mark.parametrize("number", [0, -1, 10**30, "abc", "", None, "١"])
def test_a_criterion_that_is_not_there_is_said_so(shop: Shop, number: object) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    with pytest.raises(Refused, match="not in the portfolio"):
        actions.remove_criterion(shop.cast.alice, portfolio, number)
