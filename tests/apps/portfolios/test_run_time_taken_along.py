"""The evidence of a portfolio has what stands under At run time, each number with its run; the API tells the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Scope
from apps.catalog.models import Variant
from apps.experiments.models import Run, Status
from apps.portfolios import actions
from apps.portfolios.models import Portfolio
from tests.apps.portfolios.conftest import Shop
from tests.apps.portfolios.switched_runs import BANDS, switched


@pytest.fixture
def nets(shop: Shop) -> dict[str, Variant]:
    return {name: shop.variant(name) for name in ("dense", "lean")}


@pytest.fixture
def portfolio(shop: Shop, nets: dict[str, Variant]) -> Portfolio:
    return shop.portfolio(*nets.values())


@pytest.fixture
def victor(shop: Shop, client: Client) -> Client:
    client.force_login(shop.cast.victor)
    return client


def taken(client: Client, portfolio: Portfolio) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/portfolios/{portfolio.pk}/evidence.json").json()["at_run_time"]
    return found


def test_bands_are_there_as_predicted_in_the_unit_of_the_page_with_their_run(
        shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, victor: Client) -> None:
    run = switched(shop.cast, nets)
    row, = taken(victor, portfolio)["switching"]
    assert (row["run"], row["run_number"], row["device"], row["residency"]) == (str(run.pk), run.number, "pi4", "packed")
    load, deadline = row["targets"]
    assert (load["over"], load["origin"], load["unit"], load["now"]) == ("load", "predicted", "requests/s", 20.0)
    assert load["bands"] == [{"low": 2.5, "high": 30.0, "name": "dense", "variant": str(nets["dense"].pk)},
                             {"low": 30.0, "high": 160.0, "name": "lean", "variant": str(nets["lean"].pk)}]
    assert (deadline["over"], deadline["unit"]) == ("deadline", "ms")
    assert [(band["low"], band["high"]) for band in deadline["bands"]] == [(12.5, 800.0)]


def test_what_was_measured_of_switching_stands_beside_them(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                           victor: Client) -> None:
    switched(shop.cast, nets, drive_noisy=True)
    row, = taken(victor, portfolio)["switching"]
    told = row["measured"]
    assert (told["held_bytes"], told["peak_held_bytes"], told["swap_ms"], told["swaps"]) == (57_000_000, 81_000_000, 12.5, 3)
    assert row["noisy"] is True


def test_every_run_that_can_be_chosen_there_is_among_them_the_newest_first(
        shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, victor: Client) -> None:
    runs = [switched(shop.cast, nets), switched(shop.cast, nets), switched(shop.cast, nets, residency="disk")]
    switched(shop.cast, nets, status=Status.FAILED)
    assert [row["run_number"] for row in taken(victor, portfolio)["switching"]] == [run.number for run in reversed(runs)]


def test_a_network_that_the_portfolio_does_not_hold_has_no_id(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                             victor: Client) -> None:
    bands = {"load": [{"low": 0.5, "high": 2.0, "name": "guest"}]}
    switched(shop.cast, {**nets, "guest": shop.variant("guest")}, drive_bands=bands)
    row, = taken(victor, portfolio)["switching"]
    assert {"name": "guest", "variant": None} in row["networks"]
    assert [band["variant"] for each in row["targets"] for band in each["bands"]] == [None]


@pytest.mark.parametrize("now", [None, "20", -1.0, 10**400])
def test_where_a_run_did_not_say_what_is_now_bands_are_in_times_of_it(
        shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, victor: Client, now: Any) -> None:
    switched(shop.cast, nets, arrivals_per_s=now)
    load = taken(victor, portfolio)["switching"][0]["targets"][0]
    assert (load["unit"], load["now"], load["bands"][0]["high"]) == ("times", None, BANDS["load"][0]["high"])


@pytest.mark.parametrize("bands", [None, "x", {"load": [3, None]}, {"load": [{"low": 1, "high": 10**400, "name": "a"}]}])
def test_bands_that_are_none_are_left_out_and_nothing_breaks(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                             victor: Client, bands: Any) -> None:
    switched(shop.cast, nets, drive_bands=bands, way={"swaps": "many", "steady_bytes": 10**400})
    row, = taken(victor, portfolio)["switching"]
    assert row["targets"] == [] and row["measured"]["held_bytes"] is None


def test_bands_of_detectors_are_there_with_their_run_and_what_their_numbers_are(
        shop: Shop, portfolio: Portfolio, victor: Client) -> None:
    Variant.objects.filter(name="lean").update(made_by=shop.cast.run().pk)
    lines = ("tiny: latency of VGG · lean on pi4, h50 55 px, recall 0.9, false positives 0.3; "
             "full: 126 ms, h50 20 px, recall 0.95, false positives 0.2")
    told = {"bands": [{"low": 0.25, "high": 4.0, "detector": "full"}], "origin": "emulated boxes, partly measured times"}
    run = shop.cast.run(Status.FINISHED, recipe="detection.roma", params={"detectors": lines}, summary=told)
    row, = taken(victor, portfolio)["detectors"]
    assert (row["run"], row["named"]) == (str(run.pk), ["VGG · lean on pi4"])
    assert row["targets"] == [{"over": "load", "origin": told["origin"], "unit": "times", "now": None,
                               "bands": [{"low": 0.25, "high": 4.0, "name": "full", "variant": None}]}]


def test_what_a_decision_keeps_has_none_of_it(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, victor: Client) -> None:
    switched(shop.cast, nets)
    shop.asked(portfolio)
    shop.in_review(portfolio)
    actions.approve(shop.cast.ruth, portfolio, portfolio.version, "as a trial", although=2)
    decision, = victor.get(f"/portfolios/{portfolio.pk}/evidence.json").json()["decisions"]
    assert decision["board"]["cells"] and "at_run_time" not in decision["board"]


def test_a_team_that_is_not_its_own_keeps_its_runs(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                   victor: Client) -> None:
    Run.objects.filter(pk=switched(shop.cast, nets).pk).update(team=shop.cast.mallory.memberships.get().team)
    assert taken(victor, portfolio) == {"switching": [], "detectors": []}


def test_the_api_tells_what_the_file_says(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, victor: Client) -> None:
    switched(shop.cast, nets)
    token = shop.cast.token(Scope.READ)
    answer = Client().get(f"/api/portfolios/{portfolio.pk}/run-time", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200 and json.loads(answer.content) == taken(victor, portfolio)
