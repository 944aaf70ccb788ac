"""A predicted number says so, with its error, wherever it stands, and is never taken for a measured one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import Blob, RegisteredModel, Variant
from apps.experiments.models import Measurement, Run, Status
from apps.experiments.reading import Result, kind_of_number, latency_doubt, verdict
from apps.portfolios import actions as portfolios
from tests.apps.cast import Cast

MARK = "predicted ±18"


@pytest.mark.parametrize(("given", "said"), [
    (("measured", 10.0, 9.0, 11.0), ""), (("", 10.0, 9.0, 11.0), ""), (("emulated", 10.0, 9.0, 11.0), "emulated"),
    (("predicted", 10.0, 8.2, 11.8), "predicted ±18 %"), (("predicted", 10.0, 0.0, 40.0), "predicted ±300 %"),
    (("predicted", 10.0, None, None), "predicted"), (("predicted", None, 8.2, 11.8), ""),
    (("predicted", 0.0, 0.0, 0.0), "predicted"), (("predicted", 10.0, 9.0, 30.0), "predicted, 9 to 30"),
])
def test_what_kind_a_number_is(given: tuple[Any, ...], said: str) -> None:
    assert kind_of_number(*given) == said


def test_a_predicted_latency_beside_a_measured_one_is_a_doubt() -> None:
    dense = Result(name="dense", params=10, latency_ms=4.0, origin="measured", accuracy=0.9)
    small = Result(name="small", params=5, latency_ms=2.0, origin="predicted", accuracy=0.9)
    assert latency_doubt(small, dense) == "one predicted, the other measured"
    assert "2.0× faster (one predicted, the other measured)" in verdict([dense, small])


@pytest.fixture
def variant(cast: Cast) -> Variant:
    blob = Blob.objects.create(sha256="1" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    return Variant.objects.create(team=cast.team, model=model, name="root", file=blob, size_bytes=1, params=1, macs=1,
                                  activation_bytes=1)


def latency(run: Run, variant: Variant, origin: str, value: float = 10.0) -> Measurement:
    return Measurement.objects.create(
        team=run.team, run=run, variant_name="net", variant=variant, metric="latency_ms_p50", value=value, low=0.82 * value,
        high=1.18 * value, unit="ms", origin=origin, device="pi", engine="onnxruntime", threads=1, batch=1)


def page(cast: Cast, address: str) -> str:
    client = Client()
    client.force_login(cast.alice)
    return client.get(address).content.decode()


@pytest.mark.parametrize("address", ["/runs/{run}/", "/runs/{run}/variants/", "/experiments/measured/of-variant/{variant}/"])
def test_a_predicted_number_carries_the_mark_and_a_measured_one_does_not(cast: Cast, variant: Variant, address: str) -> None:
    run = cast.run(Status.FINISHED, recipe="benchmarking.prediction")
    number = latency(run, variant, "predicted")
    there = address.format(run=run.pk, variant=variant.pk)
    shown = page(cast, there)
    assert MARK in shown and 'class="predicted"' in shown
    Measurement.objects.filter(pk=number.pk).update(origin="measured")
    shown = page(cast, there)
    assert MARK not in shown and 'class="predicted"' not in shown


def test_a_portfolios_cell_shows_the_error_and_does_not_pass(cast: Cast, variant: Variant) -> None:
    latency(cast.run(Status.FINISHED), variant, "predicted")
    portfolio = portfolios.create(cast.alice, cast.team, "choice", "", [variant.pk])
    portfolios.add_criterion(cast.alice, portfolio, {"metric": "latency_ms_p50", "comparison": "at_most", "bound": 100})
    shown = page(cast, f"/portfolios/{portfolio.pk}/")
    assert MARK in shown and "1 of 1 cell does not pass" in shown
    latency(cast.run(Status.FINISHED), variant, "measured", 50.0)
    assert MARK not in page(cast, f"/portfolios/{portfolio.pk}/")


def test_runs_side_by_side_warn_that_one_is_predicted(cast: Cast, variant: Variant) -> None:
    runs = [cast.run(Status.FINISHED) for _ in range(2)]
    for run, origin in zip(runs, ("predicted", "measured"), strict=True):
        latency(run, variant, origin)
    shown = page(cast, f"/compare/?run={runs[0].pk}&run={runs[1].pk}")
    assert MARK in shown and "measured in different ways: measured, predicted" in shown
    for address in (f"/experiments/{runs[0].experiment_id}/table.csv", f"/compare/table.csv?run={runs[0].pk}&run={runs[1].pk}"):
        assert "predicted" in table(cast, address), address


def test_every_table_to_take_away_says_the_kind(cast: Cast, variant: Variant) -> None:
    run = cast.run(Status.FINISHED)
    latency(run, variant, "predicted")
    for part in ("variants", "measurements"):
        assert "predicted" in table(cast, f"/runs/{run.pk}/{part}.csv")


def table(cast: Cast, address: str) -> str:
    client = Client()
    client.force_login(cast.alice)
    answer: Any = client.get(address)
    return b"".join(answer.streaming_content).decode()
