"""A row that is like for like: from a portfolio's page the form opens with the trace of the run there, as it came out."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.test import Client

from apps.catalog.models import Variant
from apps.experiments.models import Run
from apps.portfolios.models import Portfolio
from tests.apps.portfolios.conftest import Shop
from tests.apps.portfolios.switched_runs import switched
from worker.switching.traces import GENERATORS, Shape

FITTED = {"seconds": 60, "burst": 4.0, "slower": 3.0, "seed": 11, "arrivals_per_s": 0.0, "deadline_ms": 0.0}


@pytest.fixture
def nets(shop: Shop) -> dict[str, Variant]:
    return {name: shop.variant(name) for name in ("dense", "lean")}


@pytest.fixture
def portfolio(shop: Shop, nets: dict[str, Variant]) -> Portfolio:
    return shop.portfolio(*nets.values())


@pytest.fixture
def alice(shop: Shop, client: Client) -> Client:
    client.force_login(shop.cast.alice)
    return client


def way(client: Client, portfolio: Portfolio) -> str:
    """The link's address; nothing where there is none."""
    said = client.get(f"/portfolios/{portfolio.pk}/parts/runtime/").content.decode()
    found = re.search(r'href="([^"]*)"[^>]*>rehearse again through this trace<', said)
    return html.unescape(found.group(1)) if found else ""


def filled(client: Client, portfolio: Portfolio) -> dict[str, str]:
    return dict(parse_qsl(way(client, portfolio).partition("?")[2]))


def form(client: Client, portfolio: Portfolio) -> dict[str, Any]:
    """What the opened form begins with."""
    shown = client.get(way(client, portfolio)).context["form"]
    return {name: shown[name].value() for name in shown.fields}


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_load_and_deadline_that_were_fitted_are_typed_as_they_came_out(
        shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client, kind: str) -> None:
    rows = GENERATORS[kind](Shape(60, 17.0, 84.0, 4.0, 3.0), 11)
    mean = sum(row.arrivals_per_s for row in rows) / len(rows)
    switched(shop.cast, nets, {**FITTED, "trace": kind}, arrivals_per_s=mean, deadline_ms=84.0)
    found = form(alice, portfolio)
    assert (float(found["arrivals_per_s"]), float(found["deadline_ms"])) == (17.0, 84.0)
    assert (found["trace"], int(found["seconds"]), int(found["seed"]), float(found["burst"])) == (kind, 60, 11, 4.0)
    assert (found["model"], found["model_2"]) == (str(nets["dense"].pk), str(nets["lean"].pk))


def test_what_was_typed_stays_as_it_was_typed(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client) -> None:
    switched(shop.cast, nets, {**FITTED, "arrivals_per_s": 12.3, "deadline_ms": 55.0}, arrivals_per_s=19.0)
    found = filled(alice, portfolio)
    assert (found["arrivals_per_s"], found["deadline_ms"]) == ("12.3", "55.0")


def test_a_load_at_the_most_stays_within_it(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client) -> None:
    base = 5000 / 3
    rows = GENERATORS["burst"](Shape(60, base, 20.0, 3.0), 11)
    mean = sum(row.arrivals_per_s for row in rows) / len(rows)
    switched(shop.cast, nets, {**FITTED, "burst": 3.0}, arrivals_per_s=mean)
    assert 3.0 * float(filled(alice, portfolio)["arrivals_per_s"]) <= 5000


def test_lines_of_any_length_come_along(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client) -> None:
    lines = "; ".join(["arrivals_per_s,deadline_ms", *["20,100"] * 600])
    switched(shop.cast, nets, {**FITTED, "trace": "lines", "lines": lines})
    found = form(alice, portfolio)
    assert found["trace"] == "lines" and found["lines"].count("20,100") == 600
    assert "arrivals_per_s" not in filled(alice, portfolio)


def test_device_and_data_are_those_of_the_run(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client) -> None:
    run = switched(shop.cast, nets, FITTED)
    ids = {name: str(nets["dense"].pk) for name in ("device", "dataset")}
    Run.objects.filter(pk=run.pk).update(inputs={name: {"kind": name, "id": pk, "name": name} for name, pk in ids.items()})
    assert ids.items() <= filled(alice, portfolio).items()


def test_a_network_that_the_portfolio_does_not_hold_does_not_stay_in_the_form(
        shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client) -> None:
    guest = shop.variant("guest")
    asked = {**FITTED, "model": str(guest.pk), "model_2": str(nets["dense"].pk), "model_3": str(nets["lean"].pk)}
    switched(shop.cast, {**nets, "guest": guest}, asked)
    found = form(alice, portfolio)
    assert (found["trace"], int(found["seed"])) == ("burst", 11)
    assert (found["model"], found["model_2"], found["model_3"] or "") == (str(nets["dense"].pk), str(nets["lean"].pk), "")


@pytest.mark.parametrize("told", [None, "20", True, -3.0, 0, 10**400, {}])
def test_numbers_that_are_none_are_left_to_what_fits(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client,
                                                     told: Any) -> None:
    switched(shop.cast, nets, FITTED, arrivals_per_s=told, deadline_ms=told)
    found = filled(alice, portfolio)
    assert "arrivals_per_s" not in found and "deadline_ms" not in found and found["model"]


def test_whoever_only_looks_on_is_not_led_to_a_run(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                  client: Client) -> None:
    switched(shop.cast, nets, FITTED)
    client.force_login(shop.cast.victor)
    assert way(client, portfolio) == ""
