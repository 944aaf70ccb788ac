"""An approved portfolio: what was approved stands on its page, what was measured since beside it; a click does not void it."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.portfolios import actions
from apps.portfolios.models import Portfolio
from tests.apps.portfolios.conftest import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(shop: Shop, client: Client) -> Portfolio:
    """Approved by Ruth at 4 ms of at most 5; Alice looks at it."""
    net = shop.variant("net")
    portfolio = shop.portfolio(net)
    shop.measured(net, value=4.0)
    shop.asked(portfolio)
    shop.in_review(portfolio)
    actions.approve(shop.cast.ruth, portfolio, portfolio.version)
    portfolio.refresh_from_db()
    client.force_login(shop.cast.alice)
    return portfolio


def board(client: Client, portfolio: Portfolio) -> str:
    return client.get(f"/portfolios/{portfolio.pk}/parts/board/").content.decode().replace("&nbsp;", " ").replace("\n<", "<")


def test_the_number_that_was_approved_stands_and_the_newer_one_beside_it(shop: Shop, approved: Portfolio, client: Client) -> None:
    newer = shop.measured(shop.made["net"], value=4.5)
    page = board(client, approved)
    assert ">4 ms<" in page.split("newer:")[0] and "4.50 ms" not in page.split("newer:")[0]
    assert f'newer: <a href="/runs/{newer.run_id}/">4.50 ms</a>' in page
    assert "verdict-pass" in page and "newer measurements judge" not in page


def test_a_newer_measurement_that_fails_leaves_the_verdict_as_approved(shop: Shop, approved: Portfolio, client: Client) -> None:
    shop.measured(shop.made["net"], value=6.0)
    page = board(client, approved)
    assert "verdict-pass" in page and "the one cell passes" in page and "<b>fails</b>" in page


def test_nothing_is_newer_on_the_day_of_the_approval(approved: Portfolio, client: Client) -> None:
    page = board(client, approved)
    assert "newer:" not in page and f"Ruth approved version {approved.version}" in page


def test_a_portfolio_that_is_changed_shows_what_is_measured_now(shop: Shop, approved: Portfolio, client: Client) -> None:
    shop.measured(shop.made["net"], value=4.5)
    actions.rename(shop.cast.alice, approved, "Other")
    page = board(client, approved)
    assert "4.50 ms" in page and ">4 ms<" not in page and "newer:" not in page


def test_the_table_that_is_taken_away_says_what_the_page_says(shop: Shop, approved: Portfolio, client: Client) -> None:
    shop.measured(shop.made["net"], value=4.5)
    table = b"".join(client.get(f"/portfolios/{approved.pk}/cells.csv")).decode()  # type: ignore[arg-type]
    assert ",4.0," in table and ",4.5," not in table


@pytest.mark.parametrize("what", ["variant", "criterion"])
def test_removing_from_an_approved_portfolio_is_asked_first(shop: Shop, approved: Portfolio, client: Client, what: str) -> None:
    held = approved.criteria.get()
    place = f"variants/{shop.made['net'].pk}" if what == "variant" else f"criteria/{held.pk}"
    asked = client.post(f"/portfolios/{approved.pk}/{place}/remove/")
    approved.refresh_from_db()
    assert (asked.status_code, approved.state) == (200, "approved")
    assert "The approval of version" in asked.content.decode() and approved.entries.count() == approved.criteria.count() == 1
    done = client.post(f"/portfolios/{approved.pk}/{place}/remove/", {"sure": approved.version})
    approved.refresh_from_db()
    assert (done.status_code, approved.state) == (302, "draft")


def test_removing_from_a_draft_is_not_asked(shop: Shop, client: Client) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    client.force_login(shop.cast.alice)
    assert client.post(f"/portfolios/{portfolio.pk}/variants/{shop.made['net'].pk}/remove/").status_code == 302
    assert not portfolio.entries.exists()


def test_a_column_says_what_was_done_to_the_variant_and_offers_what_ships(shop: Shop, client: Client) -> None:
    root = shop.variant("root")
    pruning, bits = shop.cast.run(recipe="pruning.reconvene"), shop.cast.run(recipe="quantisation.int8")
    lean = shop.variant(f"reconvene 0.875 of run {pruning.number}", parent=root, made_by=pruning.pk)
    small = shop.variant(f"int8 of run {bits.number}", parent=lean, made_by=bits.pk, precision="int8", onnx=root.file)
    portfolio = shop.portfolio(small, root)
    shop.asked(portfolio, metric="size_bytes", bound="100")
    client.force_login(shop.cast.alice)
    page = board(client, portfolio)
    assert "VGG: pruned by reconvene 0.875, int8<" in page and "VGG: as it came<" in page
    assert f'href="/models/variants/{small.pk}/"' in page and "file.onnx" not in page
    shop.in_review(portfolio)
    actions.approve(shop.cast.ruth, portfolio, portfolio.version)
    page = board(client, portfolio)
    assert f"/models/variants/{small.pk}/file.onnx" in page and f"/models/variants/{small.pk}/file.safetensors" not in page
    assert f"/models/variants/{root.pk}/file.safetensors" in page


def test_a_description_is_read_as_comments_are(shop: Shop, client: Client) -> None:
    portfolio = actions.create(shop.cast.alice, shop.cast.team, "Doorbell", "**Small** first. <script>", [shop.variant("net").pk])
    client.force_login(shop.cast.victor)
    page = client.get(f"/portfolios/{portfolio.pk}/").content.decode()
    assert "<strong>Small</strong> first." in page and "first. <script>" not in page
