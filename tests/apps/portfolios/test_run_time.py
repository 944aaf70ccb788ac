"""At run time: a portfolio's page says who would serve when, what holding the set takes and what a change costs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Variant
from apps.experiments.models import Run, Status
from apps.portfolios.models import Portfolio
from apps.portfolios.run_time import run_time
from tests.apps.portfolios.conftest import Shop
from tests.apps.portfolios.switched_runs import BANDS, switched


@pytest.fixture
def nets(shop: Shop) -> dict[str, Variant]:
    return {name: shop.variant(name) for name in ("dense", "lean", "tiny")}


@pytest.fixture
def portfolio(shop: Shop, nets: dict[str, Variant]) -> Portfolio:
    return shop.portfolio(*nets.values())


def part(client: Client, portfolio: Portfolio, query: str = "") -> str:
    answer = client.get(f"/portfolios/{portfolio.pk}/parts/runtime/{query}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("&nbsp;", " ").replace("\u00a0", " ").split())


@pytest.fixture
def alice(shop: Shop, client: Client) -> Client:
    client.force_login(shop.cast.alice)
    return client


def test_a_finished_run_says_memory_and_cost_as_measured_and_bands_as_predicted(
        shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client) -> None:
    run = switched(shop.cast, nets)
    said = part(alice, portfolio)
    for words in ("On pi4", "57 MB", "81 MB", "45 MB", "12.5 ms, median", "at worst 40 ms", "3 changes", "97.9 %",
                  "Burst, 60 s, 1,204 requests", f"run {run.number}</a>", f"/runs/{run.pk}/", "(predicted)", "networks: all 3"):
        assert words in said, words
    assert "2.5 to 30 requests/s" in said and "30 to 160 requests/s" in said and "12.5 to 800 ms" in said
    assert "noisy timing" not in said


def test_a_disturbed_run_has_its_badge(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client) -> None:
    switched(shop.cast, nets, drive_noisy=True)
    assert "noisy timing" in part(alice, portfolio)


@pytest.mark.parametrize("noisy", [True, False, "yes"])
def test_of_a_disturbed_run_the_strips_say_that_it_may_be_otherwise(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                                   alice: Client, noisy: Any) -> None:
    switched(shop.cast, nets, drive_noisy=noisy)
    words = "Measured while something else was at work: who would serve may be another on a quiet device."
    assert (words in part(alice, portfolio)) is (noisy is True)


@pytest.mark.parametrize(("counts", "words"), [
    ({"lean": 190, "dense": 810}, "answered by dense 81 %, lean 19 %; tiny never<"),
    ({"dense": 3, "lean": 2, "tiny": 1}, "answered by dense 50 %, lean 33.3 %, tiny 16.7 %<"),
    ({"dense": 10, "lean": "many", "tiny": -1, "<b>": 5}, "answered by dense 100 %<"),
    ({"dense": 10, "lean": True, "tiny": 10**400}, "answered by dense 100 %<"),
    ({"dense": 0}, ""), ({}, ""), (None, ""), ([["dense", 3]], ""), ("dense", "")])
def test_which_networks_really_answered_is_said_where_it_was_told(
        shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client, counts: Any, words: str) -> None:
    switched(shop.cast, nets, way={"answered_by": counts})
    said = part(alice, portfolio)
    assert words in said if words else "answered by" not in said


def test_who_took_part_and_who_is_missing_is_said(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                  alice: Client) -> None:
    switched(shop.cast, {"dense": nets["dense"], "lean": nets["lean"], "guest": shop.variant("guest")})
    assert "networks: 2 of 3, without tiny; with guest, not of this portfolio" in part(alice, portfolio)


@pytest.mark.parametrize("which", ["one network", "failed", "another team's"])
def test_other_runs_say_nothing_of_it(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client,
                                      which: str) -> None:
    if which == "one network":
        switched(shop.cast, {"dense": nets["dense"], "guest": shop.variant("guest")})
    if which == "failed":
        switched(shop.cast, nets, status=Status.FAILED)
    if which == "another team's":
        Run.objects.filter(pk=switched(shop.cast, nets).pk).update(team=shop.cast.mallory.memberships.get().team)
    said = part(alice, portfolio)
    assert "Nobody has rehearsed this set yet" in said and "MB" not in said


def test_without_a_run_one_button_leads_to_the_form_filled_in(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                              alice: Client) -> None:
    said = part(alice, portfolio)
    way = said.partition("/experiments/new/portfolio.switching/")[2].partition('"')[0].replace("&amp;", "&")
    assert way == f"?model={nets['dense'].pk}&model_2={nets['lean'].pk}&model_3={nets['tiny'].pk}"
    form = alice.get(f"/experiments/new/portfolio.switching/{way}").content.decode()
    for variant in nets.values():
        assert re.search(rf'<option value="{variant.pk}"[^>]* selected', form)


def test_whoever_only_looks_on_is_offered_no_run(shop: Shop, portfolio: Portfolio, client: Client) -> None:
    client.force_login(shop.cast.victor)
    assert "/experiments/new/" not in part(client, portfolio)


def test_quantised_networks_are_said_to_be_left_out(shop: Shop, nets: dict[str, Variant], alice: Client) -> None:
    small = shop.variant("small", precision="int8")
    said = part(alice, shop.portfolio(nets["dense"], nets["lean"], small))
    assert "Without 1 that does not compute in fp32." in said and str(small.pk) not in said


def test_the_newest_run_of_a_device_and_residency_stands_there_until_another_is_chosen(
        shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client) -> None:
    first = switched(shop.cast, nets, way={"steady_bytes": 11_000_000})
    switched(shop.cast, nets, way={"steady_bytes": 22_000_000})
    said = part(alice, portfolio)
    assert ">22 MB" in said and ">11 MB" not in said and f'<option value="{first.pk}"' in said
    said = part(alice, portfolio, f"?run={first.pk}")
    assert ">11 MB" in said and ">22 MB" not in said


def test_a_network_has_the_colour_that_it_has_on_the_page_of_the_newest_run(
        shop: Shop, nets: dict[str, Variant], alice: Client) -> None:
    turned = shop.portfolio(nets["tiny"], nets["lean"], nets["dense"])
    switched(shop.cast, nets)
    swatches = re.findall(r'class="swatch (c\d)" aria-hidden="true"></span>(\w+)', part(alice, turned))
    assert dict((name, colour) for colour, name in swatches) == {"dense": "c0", "lean": "c1"}


def test_a_network_that_the_newest_run_lacks_has_a_colour_of_its_own(shop: Shop, nets: dict[str, Variant]) -> None:
    turned = shop.portfolio(nets["tiny"], nets["lean"], nets["dense"])
    switched(shop.cast, nets)
    switched(shop.cast, {name: nets[name] for name in ("dense", "lean")})
    entries = list(turned.entries.select_related("variant"))
    (place,) = run_time(shop.cast.alice, turned, entries).places
    assert {entries[at].variant.name: colour for at, colour in place.colours.items()} == {"dense": 0, "lean": 1, "tiny": 2}


def strips_of(said: str) -> list[str]:
    """Of each strip of loads who serves there; and the run that its caption names."""
    return re.findall(r'aria-label="Over the load: ([^"]*)"', said) + re.findall(r"in <a [^>]*>(run \d+)</a>\. Burst", said)


def test_who_would_serve_is_of_the_run_that_was_chosen(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                       alice: Client) -> None:
    first = switched(shop.cast, nets, arrivals_per_s=2.0)
    switched(shop.cast, nets)
    newest = switched(shop.cast, nets, residency="disk")
    assert strips_of(part(alice, portfolio))[-1] == f"run {newest.number}"
    # The form sends what stands in the other rows too.
    chosen = strips_of(part(alice, portfolio, f"?run={newest.pk}&run={first.pk}"))
    assert chosen == ["dense 0.25 to 3 requests/s; lean 3 to 16 requests/s", f"run {first.number}"]


def test_the_row_whose_button_was_pressed_says_who_would_serve(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                               alice: Client) -> None:
    switched(shop.cast, nets)
    packed = switched(shop.cast, nets)
    disk = [switched(shop.cast, nets, residency="disk") for _ in range(2)]
    # Pressed while another run of the row stood there.
    query = f"?run={packed.pk}&run={disk[0].pk}&show={packed.pk}"
    assert f'name="show" value="{packed.pk}"' in part(alice, portfolio)
    assert strips_of(part(alice, portfolio, query))[-1] == f"run {packed.number}"
    assert strips_of(part(alice, portfolio, "?show=x%00"))[-1] == f"run {disk[1].number}"


def test_residencies_stand_beside_each_other_and_devices_apart(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                               alice: Client) -> None:
    for residency, device in (("packed", "pi4"), ("resident", "pi4"), ("packed", "jetson")):
        switched(shop.cast, nets, residency=residency, device=device)
    said = part(alice, portfolio)
    assert said.count("<table") == 2 and "On jetson" in said and "On pi4" in said
    assert "Not like with like:" in said and "on different devices" in said and "different traces" not in said


def test_different_traces_are_said_to_be(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client) -> None:
    switched(shop.cast, nets)
    switched(shop.cast, nets, {"trace": "steady"}, residency="disk")
    assert "through different traces" in part(alice, portfolio)


@pytest.mark.parametrize("bands", [None, {}, "x", {"load": [{"low": 0, "high": 1, "name": "dense"}]}, {"load": [3, None]},
                                   {"load": [{"low": "1", "high": 2, "name": "x"}], "deadline": 7},
                                   {"load": [{"low": 1, "high": 2, "name": "a"}, {"low": 0.5, "high": 1, "name": "b"}]},
                                   {"load": [{"low": 2, "high": 3, "name": "a"}, {"low": 0.5, "high": 1, "name": "b"}]},
                                   {"load": [{"low": 1, "high": 10**400, "name": "a"}]}])
def test_bands_that_cannot_be_drawn_are_left_out(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client,
                                                 bands: Any) -> None:
    switched(shop.cast, nets, drive_bands=bands)
    said = part(alice, portfolio)
    assert "<svg" not in said and "stands on the page of" in said and "57 MB" in said


@pytest.mark.parametrize("way", [
    {"overhead_ms": 3.0}, {"overhead_ms": ["a", 1, None, True, {}]}, {"late": None}, {"arrived": "5", "late": "x"},
    {"arrived": 10**400}, {"swaps": "many"}, {"steady_bytes": "lots", "peak_bytes": [], "empty_bytes": -1e300},
    {"effective_accuracy": {}}])
def test_numbers_that_are_none_are_not_shown_and_no_page_breaks(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                                alice: Client, way: dict[str, Any]) -> None:
    run = switched(shop.cast, nets, way=way)
    assert f"run {run.number}" in part(alice, portfolio)
    assert alice.get(f"/portfolios/{portfolio.pk}/").status_code == 200
    assert alice.get(f"/experiments/{run.experiment_id}/", follow=True).status_code == 200


@pytest.mark.parametrize(("names", "is_waited_for"), [(("dense", "lean"), True), (("dense",), False), ((), False)])
def test_a_run_that_goes_on_is_waited_for_where_two_of_these_networks_are_in_it(
        shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client, names: tuple[str, ...],
        is_waited_for: bool) -> None:
    run = switched(shop.cast, {}, status=Status.RUNNING)
    run.inputs = {f"model_{place}": {"id": str(nets[name].pk), "name": name} for place, name in enumerate(names)}
    run.save()
    assert ("A rehearsal goes on" in part(alice, portfolio)) is is_waited_for


@pytest.mark.parametrize("query", ["?run=", "?run=x", "?run=%00", "?run=" + "9" * 500, "?run=1&run=2"])
def test_a_choice_that_is_none_is_no_error(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client,
                                           query: str) -> None:
    switched(shop.cast, nets)
    assert "57 MB" in part(alice, portfolio, query)


def roma(shop: Shop, line: str, **told: Any) -> Run:
    detectors = (f"tiny: {line}, h50 55 px, recall 0.9, false positives 0.3; "
                 "full: 126 ms, h50 20 px, recall 0.95, false positives 0.2")
    bands = [{"low": 0.25, "high": 1.1, "detector": "full"}, {"low": 1.1, "high": 4.0, "detector": "tiny"}]
    said = {"bands": bands, "origin": "emulated boxes, partly measured times", "changes": 5, "frames": 900, **told}
    return shop.cast.run(Status.FINISHED, recipe="detection.roma", params={"detectors": detectors}, summary=said)


def test_a_run_of_roma_that_rests_on_one_of_its_networks_shows_its_bands(shop: Shop, nets: dict[str, Variant],
                                                                        portfolio: Portfolio, alice: Client) -> None:
    Variant.objects.filter(pk=nets["lean"].pk).update(made_by=shop.cast.run().pk)
    run = roma(shop, "latency of VGG · lean on pi4")
    said = part(alice, portfolio)
    for words in ("VGG · lean on pi4", "emulated boxes, partly measured times", "1.1 to 4 times", f"/runs/{run.pk}/",
                  "the load is emulated", "5 times"):
        assert words in said, words


@pytest.mark.parametrize("line", ["27 ms", "latency of VGG · other on pi4", "latency of ResNet on pi4"])
def test_other_runs_of_roma_are_not_its(shop: Shop, portfolio: Portfolio, alice: Client, line: str) -> None:
    roma(shop, line)
    assert "<svg" not in part(alice, portfolio)


def test_many_runs_need_no_more_queries_than_one(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                 alice: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            part(alice, portfolio)
        return len(asked)

    switched(shop.cast, nets)
    roma(shop, "latency of VGG · lean on pi4")
    few = queries()
    for number in range(12):
        switched(shop.cast, nets, device=f"board {number}")
        roma(shop, f"latency of VGG · lean on board {number}")
    assert queries() == few


def test_no_curve_is_loaded_for_it(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio, alice: Client) -> None:
    switched(shop.cast, nets)
    with CaptureQueriesContext(connection) as asked:
        part(alice, portfolio)
    assert not any("live_event" in query["sql"] for query in asked.captured_queries)


def test_bands_keep_a_networks_colour_on_the_whole_page(shop: Shop, nets: dict[str, Variant], portfolio: Portfolio,
                                                        alice: Client) -> None:
    switched(shop.cast, nets)
    turned = {"load": [{**BANDS["load"][1], "low": 0.125, "high": 1.0}, {**BANDS["load"][0], "low": 1.0, "high": 8.0}]}
    switched(shop.cast, nets, device="jetson", drive_bands=turned)
    said = part(alice, portfolio)
    assert said.count('class="swatch c0" aria-hidden="true"></span>dense') == said.count("</span>dense") == 3
    assert said.count('class="swatch c1" aria-hidden="true"></span>lean') == said.count("</span>lean") == 2
