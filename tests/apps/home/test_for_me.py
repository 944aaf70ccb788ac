"""What waits for somebody is told on the start page and in the rail: a review, or changes that a reviewer asked for."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.experiments.models import Status
from apps.portfolios import actions
from apps.portfolios.models import Portfolio
from tests.apps.portfolios.conftest import Shop, shop

__all__ = ["shop"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def doorbell(shop: Shop) -> Portfolio:
    portfolio = shop.portfolio(shop.variant("net"))
    shop.asked(portfolio)
    return shop.in_review(portfolio)


def start(client: Client, who: object) -> str:
    client.force_login(who)  # type: ignore[arg-type]
    return client.get("/").content.decode()


def test_a_reviewer_is_told_of_the_review_and_the_author_of_nothing(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    said = start(client, shop.cast.ruth)
    assert "Waiting for my review" in said and "1 for you" in said
    assert "for you" not in start(client, shop.cast.alice)


def test_the_author_is_told_that_changes_are_requested(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    actions.request_changes(shop.cast.ruth, doorbell, doorbell.version, "Smaller, please.")
    said = start(client, shop.cast.alice)
    assert "Changes requested of me" in said and f'href="/portfolios/{doorbell.pk}/#review"' in said and "1 for you" in said
    assert "Doorbell" in client.get("/portfolios/?show=returned").content.decode()
    assert "for you" not in start(client, shop.cast.ruth)


def test_an_author_without_anybody_to_review_is_shown_the_way_to_invite(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    client.force_login(shop.cast.alice)
    place = f"/portfolios/{doorbell.pk}/"
    assert "Invite a reviewer" not in client.get(place).content.decode(), "Ruth could decide"
    shop.cast.ruth.delete()
    assert 'href="/team/#invite">Invite a reviewer</a>' in client.get(place).content.decode()


def test_what_was_cancelled_is_no_result(shop: Shop, client: Client) -> None:
    shop.cast.run(Status.CANCELLED)
    assert "No run has ended yet" in start(client, shop.cast.alice)


@pytest.mark.parametrize(("host", "is_said"), [("127.0.0.1:8000", True), ("localhost", True), ("portal.example.org", False)])
def test_a_link_that_opens_on_this_computer_only_says_so(shop: Shop, client: Client, settings: object, host: str,
                                                        is_said: bool) -> None:
    settings.ALLOWED_HOSTS = ["*"]  # type: ignore[attr-defined]
    client.force_login(shop.cast.alice)
    asked = {"email": "new@example.org", "role": "reviewer"}
    made = client.post(f"/team/{shop.cast.team.pk}/invite/", asked, headers={"host": host})
    assert made.status_code == 200 and ("on this computer only" in made.content.decode()) == is_said
