"""The board: which measurement stands in which cell, and at what cost it is found."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Variant
from apps.experiments.models import Run, Status
from apps.portfolios import actions
from apps.portfolios.board import board_of, facts_of
from apps.portfolios.models import Portfolio
from tests.apps.portfolios.conftest import Shop


def verdicts(portfolio: Portfolio) -> list[str]:
    return [cell.judged.verdict for cell in board_of(portfolio).cells]


def benchmark(shop: Shop, of: Variant) -> Run:
    given = {"model": {"kind": "model", "id": str(of.pk), "name": str(of.model), "variant": of.name}}
    return shop.cast.run(Status.FINISHED, recipe="benchmarking.latency", inputs=given)


def test_every_variant_is_judged_by_every_criterion(shop: Shop) -> None:
    fast, slow = shop.variant("fast"), shop.variant("slow", size_bytes=9_000_000)
    shop.measured(fast, value=3.0)
    shop.measured(slow, value=7.0)
    portfolio = shop.portfolio()
    shop.asked(portfolio)
    shop.asked(portfolio, metric="size_bytes", bound="2.5")
    assert verdicts(portfolio) == ["pass", "fail", "pass", "fail"]


def test_accuracy_is_asked_in_percent_and_kept_as_a_fraction(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    shop.measured(shop.made["net"], "accuracy", 0.951, unit="fraction", device="", engine="", dataset="digits32",
                  split="test", n=360)
    criterion = shop.asked(portfolio, metric="accuracy", comparison="at_least", bound="95", dataset="digits32")
    assert (criterion.bound, criterion.unit) == (0.95, "fraction")
    assert verdicts(portfolio) == ["pass"]


def test_a_benchmark_that_gave_its_copy_a_row_speaks_of_what_it_was_given(shop: Shop) -> None:
    pruned = shop.variant("pruned")
    run = benchmark(shop, pruned)
    copy = shop.variant("VGG of run 2", parent=pruned, made_by=run.pk)
    shop.measured(copy, value=3.0, run=run, device="jetson")
    portfolio = shop.portfolio(pruned)
    shop.asked(portfolio, device="jetson")
    assert verdicts(portfolio) == ["pass"]


def test_a_benchmark_of_a_benchmarks_copy_speaks_of_it_too(shop: Shop) -> None:
    pruned = shop.variant("pruned")
    first = benchmark(shop, pruned)
    copy = shop.variant("copy", parent=pruned, made_by=first.pk)
    second = benchmark(shop, copy)
    shop.measured(shop.variant("copy of the copy", parent=copy, made_by=second.pk), value=3.0, run=second, device="jetson")
    portfolio = shop.portfolio(pruned)
    shop.asked(portfolio, device="jetson")
    assert verdicts(portfolio) == ["pass"]


def test_a_benchmark_that_goes_on_speaks_already(shop: Shop) -> None:
    pruned = shop.variant("pruned")
    shop.measured(None, value=3.0, run=benchmark(shop, pruned), variant_name="VGG")
    portfolio = shop.portfolio(pruned)
    shop.asked(portfolio)
    assert verdicts(portfolio) == ["pass"]


def test_a_run_that_changes_what_it_was_given_does_not_speak_of_it(shop: Shop) -> None:
    dense = shop.variant("dense")
    given = {"model": {"kind": "model", "id": str(dense.pk), "name": "VGG", "variant": "dense"}}
    run = shop.cast.run(Status.FINISHED, recipe="pruning.magnitude", inputs=given)
    shop.measured(shop.variant("pruned", parent=dense, made_by=run.pk), value=1.0, run=run)
    shop.measured(None, value=1.0, run=run, variant_name="something")
    portfolio = shop.portfolio(dense)
    shop.asked(portfolio)
    assert verdicts(portfolio) == ["unmeasured"]


def test_picking_a_benchmarks_copy_picks_what_it_measured(shop: Shop) -> None:
    pruned = shop.variant("pruned")
    copy = shop.variant("copy", parent=pruned, made_by=benchmark(shop, pruned).pk)
    portfolio = shop.portfolio(copy)
    assert [entry.variant for entry in portfolio.entries.all()] == [pruned]
    assert actions.add_variants(shop.cast.alice, portfolio, [pruned.pk, copy.pk]) == 0


def test_measurements_of_another_team_say_nothing(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    shop.asked(portfolio)
    measured = shop.measured(shop.made["net"], value=1.0)
    type(measured).objects.filter(pk=measured.pk).update(team=shop.cast.mallory.memberships.get().team)
    assert verdicts(portfolio) == ["unmeasured"]


@pytest.mark.parametrize("count", [1, 25])
def test_the_queries_do_not_grow_with_the_cells(shop: Shop, count: int) -> None:
    for number in range(count):
        shop.measured(shop.variant(f"v{number}"), value=float(number))
    portfolio = shop.portfolio()
    for metric in ("latency_ms_p50", "latency_ms_p95", "size_bytes", "params"):
        shop.asked(portfolio, metric=metric)
    with CaptureQueriesContext(connection) as captured:
        assert len(board_of(portfolio).cells) == 4 * count
    assert len(captured) <= 5


def test_the_facts_name_the_measurement_and_the_files(shop: Shop) -> None:
    net = shop.variant("net")
    measured = shop.measured(net, value=3.0, low=2.9, high=3.1, n=100)
    portfolio = shop.portfolio(net)
    shop.asked(portfolio)
    told = facts_of(board_of(portfolio))
    assert told["variants"][0]["sha256"] == net.file_id
    cell, = told["cells"]
    assert cell["measurement"] == str(measured.pk) and cell["run"] == str(measured.run_id)
    assert (cell["low"], cell["value"], cell["high"], cell["n"]) == (2.9, 3.0, 3.1, 100)


def test_a_number_that_looks_like_its_bound_is_written_out(shop: Shop) -> None:
    shop.measured(shop.variant("just over"), value=5.004)
    shop.measured(shop.variant("well over"), value=5.1)
    shop.measured(shop.variant("on it"), value=5.0)
    portfolio = shop.portfolio()
    shop.asked(portfolio)
    assert [(cell.judged.verdict, cell.exact) for cell in board_of(portfolio).cells] == [
        ("fail", "5.004"), ("fail", ""), ("pass", "")]


def test_an_accuracy_that_rounds_up_to_its_bound_is_written_out(shop: Shop) -> None:
    shop.measured(shop.variant("net"), "accuracy", 0.9496, unit="fraction", dataset="digits", split="test")
    portfolio = shop.portfolio()
    shop.asked(portfolio, metric="accuracy", comparison="at_least", bound="95")
    assert [(cell.judged.verdict, cell.exact) for cell in board_of(portfolio).cells] == [("fail", "94.96")]


def test_a_cell_that_rests_on_a_disturbed_timing_says_so(shop: Shop) -> None:
    shop.measured(shop.variant("net"), value=4.5, noisy=True)
    portfolio = shop.portfolio()
    shop.asked(portfolio)
    [cell] = facts_of(board_of(portfolio))["cells"]
    assert (cell["verdict"], cell["within_noise"], cell["noisy"]) == ("pass", True, True)
