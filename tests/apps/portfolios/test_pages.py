"""The pages: what they show, what they keep, what they refuse, and what they cost."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Dataset
from apps.portfolios import actions
from apps.portfolios.models import Portfolio, State
from tests.apps.portfolios.conftest import LATENCY, Shop

NASTY = '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>'


@pytest.fixture
def doorbell(shop: Shop) -> Portfolio:
    net = shop.variant("net")
    shop.measured(net, value=4.9, low=4.5, high=5.3, n=100)
    portfolio = shop.portfolio(net)
    shop.asked(portfolio)
    portfolio.refresh_from_db()
    return portfolio


def text(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


def test_a_cell_says_its_number_and_what_is_behind_it(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    client.force_login(shop.cast.victor)
    criterion, variant = doorbell.criteria.get(), shop.made["net"]
    said = text(client.get(f"/portfolios/{doorbell.pk}/?cell={criterion.pk}-{variant.pk}"))
    for part in ("4.90&nbsp;ms", "within the noise", "this computer", "onnxruntime", "1 of 1 cell", "/runs/"):
        assert part in said or part == "1 of 1 cell", part
    assert 'action="/portfolios' not in said, "a viewer only looks"


def test_a_cell_nobody_measured_leads_to_the_benchmark_of_this_variant(shop: Shop, client: Client) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    criterion = shop.asked(portfolio)
    client.force_login(shop.cast.alice)
    said = text(client.get(f"/portfolios/{portfolio.pk}/?cell={criterion.pk}-{shop.made['net'].pk}"))
    assert f"/experiments/new/benchmarking.latency/?model={shop.made['net'].pk}" in said and "not measured" in said


def test_a_missing_accuracy_leads_to_its_benchmark_on_the_data_set_asked_for(shop: Shop, client: Client) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    digits = Dataset.objects.get_or_create(team=shop.cast.team, name="digits", defaults={
        "in_shape": [1, 8, 8], "classes": 10, "file": shop.made["net"].file})[0]
    criterion = shop.asked(portfolio, metric="accuracy", comparison="at_least", bound="90", dataset="digits")
    client.force_login(shop.cast.alice)
    said = text(client.get(f"/portfolios/{portfolio.pk}/?cell={criterion.pk}-{shop.made['net'].pk}"))
    way = f"/experiments/new/benchmarking.accuracy/?model={shop.made['net'].pk}&amp;dataset={digits.pk}"
    assert way in said and client.get(way.replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize("refused", ["too long", "overtaken", "in review"])
def test_a_note_that_is_refused_stands_there_beside_the_reason(shop: Shop, doorbell: Portfolio, client: Client,
                                                               refused: str) -> None:
    client.force_login(shop.cast.alice)
    net, typed = shop.made["net"], "long words " * (40 if refused == "too long" else 1)
    if refused == "overtaken":
        actions.note_variant(shop.carol, doorbell, net.pk, "hers")
    if refused == "in review":
        shop.in_review(doorbell)
    answer = client.post(f"/portfolios/{doorbell.pk}/variants/{net.pk}/note/?cell={doorbell.criteria.get().pk}-{net.pk}",
                         {"note": typed, "was": ""})
    assert answer.status_code == (422 if refused == "too long" else 409) and f'value="{typed}"' in answer.content.decode()


def test_a_note_that_is_kept_leaves_its_cell_open(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    client.force_login(shop.cast.alice)
    cell = f"{doorbell.criteria.get().pk}-{shop.made['net'].pk}"
    answer = client.post(f"/portfolios/{doorbell.pk}/variants/{shop.made['net'].pk}/note/?cell={cell}", {"note": "n", "was": ""})
    assert answer["Location"] == f"/portfolios/{doorbell.pk}/?cell={cell}#cell"


@pytest.mark.parametrize("cell", ["", "x", "1-", "-", "9" * 400, "%00", "1-00000000-0000-0000-0000-000000000000"])
def test_a_cell_that_is_not_there_is_no_error(shop: Shop, doorbell: Portfolio, client: Client, cell: str) -> None:
    client.force_login(shop.cast.alice)
    for path in ("", "parts/cell/", "parts/board/"):
        assert client.get(f"/portfolios/{doorbell.pk}/{path}?cell={cell}").status_code == 200


def test_names_and_comments_are_text_on_every_page(shop: Shop, client: Client) -> None:
    net = shop.variant(NASTY[:100])
    portfolio = shop.portfolio(net, name=NASTY)
    criterion = shop.asked(portfolio, device=NASTY)
    actions.comment(shop.cast.alice, portfolio, NASTY, criterion.pk, net.pk)
    actions.note_variant(shop.cast.alice, portfolio, net.pk, NASTY)
    shop.in_review(portfolio)
    for person in (shop.cast.alice, shop.cast.ruth):
        client.force_login(person)
        for path in (f"/portfolios/{portfolio.pk}/?cell={criterion.pk}-{net.pk}", "/portfolios/", "/", "/search/?q=script",
                     f"/portfolios/pick/?variant={net.pk}"):
            said = client.get(path).content.decode()
            assert "<script>alert" not in said and "<img" not in said, path
            assert "alert(1)" in said or path in ("/", f"/portfolios/pick/?variant={net.pk}"), path


@pytest.mark.parametrize(("path", "fields", "kept"), [
    ("comments/", {"text": "a\x00 word"}, "word"), ("comments/", {"text": "x" * 10_001}, "xxx"),
    ("comments/", {"text": ">" * 5000}, "&gt;&gt;"),
    ("criteria/", {**LATENCY, "bound": "very fast"}, "very fast"), ("criteria/", {**LATENCY, "metric": "passw0rd"}, "passw0rd"),
    ("edit/", {"name": "", "description": "my words"}, "my words"), ("edit/", {"name": "x\x00y"}, "x"),
    ("edit/", {"name": "n" * 121}, "nnn")])
def test_what_is_refused_comes_back_as_it_was_typed(shop: Shop, doorbell: Portfolio, client: Client, path: str,
                                                    fields: dict[str, str], kept: str) -> None:
    client.force_login(shop.cast.alice)
    answer = client.post(f"/portfolios/{doorbell.pk}/{path}", fields)
    assert answer.status_code == 422 and kept in answer.content.decode()


def test_a_stale_edit_is_a_409_with_both_and_the_typed(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    client.force_login(shop.cast.alice)
    seen = doorbell.version
    actions.rename(shop.carol, doorbell, "Gate")
    answer = client.post(f"/portfolios/{doorbell.pk}/edit/", {"name": "Bell", "seen": seen})
    said = answer.content.decode()
    assert answer.status_code == 409 and "Gate" in said and 'value="Bell"' in said
    # Having seen what it is called now, the same again is meant.
    assert client.post(f"/portfolios/{doorbell.pk}/edit/", {"name": "Bell", "seen": seen + 1}).status_code == 302


def test_a_decision_on_an_older_version_is_a_409_that_keeps_the_words(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    shop.in_review(doorbell)
    seen = doorbell.version
    actions.withdraw(shop.cast.alice, doorbell)
    actions.remove_variant(shop.cast.alice, doorbell, shop.made["net"].pk)
    actions.add_variants(shop.cast.alice, doorbell, [shop.variant("other").pk])
    shop.in_review(doorbell)
    client.force_login(shop.cast.ruth)
    answer = client.post(f"/portfolios/{doorbell.pk}/decide/", {"version": seen, "verdict": "approve", "text": "long thought"})
    said = text(answer)
    assert answer.status_code == 409 and "long thought" in said and "added the variant other" in said
    assert f'name="version" value="{seen + 2}"' in said


def test_who_may_not_decide_is_told_so(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    shop.in_review(doorbell)
    fields = {"version": doorbell.version, "verdict": "approve"}
    for person, status in ((shop.cast.alice, 403), (shop.carol, 403), (shop.cast.victor, 403), (shop.cast.mallory, 404)):
        client.force_login(person)
        assert client.post(f"/portfolios/{doorbell.pk}/decide/", fields).status_code == status
    doorbell.refresh_from_db()
    assert doorbell.state == State.IN_REVIEW


@pytest.mark.parametrize("fields", [{}, {"version": "x"}, {"version": "9" * 30}, {"version": "1", "although": "many"},
                                    {"version": "\x00"}, {"verdict": "\x00"}])
def test_a_decision_that_makes_no_sense_is_no_crash(shop: Shop, doorbell: Portfolio, client: Client,
                                                     fields: dict[str, str]) -> None:
    shop.in_review(doorbell)
    client.force_login(shop.cast.ruth)
    assert client.post(f"/portfolios/{doorbell.pk}/decide/", fields).status_code in (409, 422)


def test_the_list_says_what_waits_for_whom(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    shop.in_review(doorbell)
    for person, waits in ((shop.cast.ruth, True), (shop.cast.alice, False), (shop.carol, False), (shop.cast.victor, False)):
        client.force_login(person)
        assert ("Doorbell" in text(client.get("/portfolios/?show=waiting"))) is waits
        assert ("Waiting for my review" in text(client.get("/"))) is waits


@pytest.mark.parametrize(("query", "found"), [("?q=DOOR", True), ("?q=zebra", False), ("?state=draft", True),
                                              ("?state=approved", False), ("?state=nonsense", False), ("?show=mine", True),
                                              ("?show=nonsense", False),
                                              ("?page=999999", True), ("?page=x", True), ("?q=%00Door", True)])
def test_the_list_narrows_by_its_address(shop: Shop, doorbell: Portfolio, client: Client, query: str, found: bool) -> None:
    client.force_login(shop.cast.alice)
    answer = client.get(f"/portfolios/{query}")
    assert answer.status_code == 200 and (f"/portfolios/{doorbell.pk}/" in text(answer)) is found


def test_the_evidence_holds_numbers_hashes_and_decisions(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    shop.in_review(doorbell)
    actions.approve(shop.cast.ruth, doorbell, doorbell.version, "ship it")
    client.force_login(shop.cast.victor)
    told = client.get(f"/portfolios/{doorbell.pk}/evidence.json").json()
    assert told["variants"][0]["sha256"] == shop.made["net"].file_id and told["cells"][0]["value"] == 4.9
    assert told["decisions"][0]["by"] == "Ruth" and told["decisions"][0]["board"]["cells"] == told["cells"]
    table = b"".join(client.get(f"/portfolios/{doorbell.pk}/cells.csv").streaming_content).decode()  # type: ignore[attr-defined]
    row, = csv.DictReader(io.StringIO(table))
    assert (row["criterion"], row["variant"], row["verdict"], row["value"]) == ("latency p50 at most 5 ms", "net", "pass", "4.9")


def test_picked_variants_go_into_a_new_portfolio_or_one_that_is_there(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    client.force_login(shop.carol)
    one, two = shop.variant("one"), shop.variant("two")
    assert "Doorbell" in text(client.get(f"/portfolios/pick/?variant={one.pk}&variant={two.pk}"))
    client.post("/portfolios/pick/", {"variant": [str(one.pk), str(two.pk)], "portfolio": str(doorbell.pk)})
    assert doorbell.entries.count() == 3
    client.post("/portfolios/pick/", {"variant": [str(one.pk)], "new": "1", "name": "Gate"})
    assert Portfolio.objects.get(name="Gate").author == shop.carol


@pytest.mark.parametrize("fields", [{}, {"portfolio": "x"}, {"new": "1", "name": ""}, {"new": "1", "name": "a\x00"},
                                    {"variant": ["x", "\x00"], "portfolio": ""}])
def test_a_pick_that_goes_nowhere_is_asked_again(shop: Shop, doorbell: Portfolio, client: Client, fields: dict[str, str]) -> None:
    client.force_login(shop.cast.alice)
    assert client.post("/portfolios/pick/", fields).status_code == 422


def test_a_viewer_is_offered_no_boxes(shop: Shop, client: Client) -> None:
    client.force_login(shop.cast.victor)
    assert 'id="pick"' not in text(client.get("/portfolios/pick/bar/"))


def test_newer_measurements_are_said_beside_an_approval(shop: Shop, doorbell: Portfolio, client: Client) -> None:
    shop.in_review(doorbell)
    actions.approve(shop.cast.ruth, doorbell, doorbell.version)
    shop.measured(shop.made["net"], value=6.0)
    client.force_login(shop.cast.alice)
    assert "newer measurements judge 1 cell otherwise" in text(client.get(f"/portfolios/{doorbell.pk}/"))


def test_each_cell_says_how_many_open_comments_it_has(shop: Shop, client: Client) -> None:
    portfolio = shop.portfolio(shop.variant("one"), shop.variant("two"))
    criterion = shop.asked(portfolio)
    for settled in (False, False, True):
        said = actions.comment(shop.cast.ruth, portfolio, "hm", criterion.pk, shop.made["two"].pk)
        if settled:
            actions.resolve(shop.cast.ruth, portfolio, said.pk)
    client.force_login(shop.cast.victor)
    cells = text(client.get(f"/portfolios/{portfolio.pk}/parts/board/")).split('<td class="left verdict-')[1:]
    assert ["2 open comments" in cell for cell in cells] == [False, True] and "open comment" not in cells[0]


def test_the_page_asks_no_more_of_the_database_for_more_cells_and_words(shop: Shop, client: Client) -> None:
    def queries(portfolio: Portfolio) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/portfolios/{portfolio.pk}/").status_code == 200
        return len(captured)

    def filled(count: int, make: Callable[[int], None]) -> None:
        for number in range(count):
            make(number)

    client.force_login(shop.cast.ruth)
    small = shop.portfolio(shop.variant("only"), shop.variant("other"), name="Small")
    criterion = shop.asked(small)
    actions.comment(shop.cast.ruth, small, "hm", criterion.pk, shop.made["only"].pk)
    large = shop.portfolio(*(shop.variant(f"v{number}") for number in range(30)), name="Large")
    criterion = shop.asked(large)
    filled(30, lambda number: shop.measured(shop.made[f"v{number}"], value=float(number)))
    filled(30, lambda number: actions.comment(shop.cast.ruth, large, "hm", criterion.pk, shop.made[f"v{number}"].pk) and None)
    few = queries(small)
    assert queries(large) <= few and few < 45


def test_the_list_asks_no_more_for_more_rows(shop: Shop, client: Client) -> None:
    client.force_login(shop.cast.alice)
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/portfolios/")
        return len(captured)

    shop.portfolio(shop.variant("net"))
    one = queries()
    for number in range(30):
        shop.portfolio(shop.made["net"], name=f"p{number}")
    assert queries() <= one


def test_measuring_again_begins_with_the_data_set_of_the_measurement_where_the_criterion_names_none(
    shop: Shop, client: Client,
) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    digits = Dataset.objects.get_or_create(team=shop.cast.team, name="digits", defaults={
        "in_shape": [1, 8, 8], "classes": 10, "file": shop.made["net"].file})[0]
    shop.measured(shop.made["net"], "accuracy", 0.95, unit="fraction", device="", engine="", dataset="digits", split="test")
    criterion = shop.asked(portfolio, metric="accuracy", comparison="at_least", bound="90")
    client.force_login(shop.cast.alice)
    said = client.get(f"/portfolios/{portfolio.pk}/?cell={criterion.pk}-{shop.made['net'].pk}").content.decode()
    assert f"&amp;dataset={digits.pk}" in said and "Measure it again" in said
