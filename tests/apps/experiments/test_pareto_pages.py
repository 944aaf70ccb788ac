"""The fragment of a model's page, and of an experiment's: what was timed of its networks, on which device, how good they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import Variant
from apps.experiments.models import Measurement, Run, Status
from tests.apps.cast import Cast
from tests.apps.networks import drawn


@pytest.fixture
def net(cast: Cast, tmp_path: Path, settings: Any) -> Variant:
    settings.BLOBS = tmp_path / "blobs"
    return drawn(cast.team, tmp_path)


def benchmark(cast: Cast, variant: Variant, recipe: str = "benchmarking.latency", **more: Any) -> Run:
    return cast.run(Status.FINISHED, recipe=recipe, inputs={"model": {"kind": "model", "id": str(variant.pk)}}, **more)


def timed(run: Run, device: str, ms: float, variant: Variant | None = None, **more: Any) -> Measurement:
    facts: dict[str, Any] = {"engine": "onnxruntime", "threads": 1, "batch": 1, "low": ms * 0.9, "high": ms * 1.1,
                             "origin": "measured"}
    return Measurement.objects.create(
        team=run.team, run=run, variant=variant, variant_name="dense", metric="latency_ms_p50", value=ms, unit="ms",
        device=device, **facts | more)


def judged(run: Run, value: float, variant: Variant | None = None) -> Measurement:
    return Measurement.objects.create(
        team=run.team, run=run, variant=variant, variant_name="dense", metric="accuracy", value=value, low=value - 0.1,
        high=value + 0.1, n=100, unit="fraction", origin="measured", dataset="digits", split="test")


def fragment(client: Client, cast: Cast, path: str) -> str:
    client.force_login(cast.victor)
    return client.get(path).content.decode()


def test_a_latency_run_and_an_accuracy_run_of_one_file_make_one_point(cast: Cast, net: Variant, client: Client) -> None:
    timed(benchmark(cast, net), "pi4", 12.5)
    judged(benchmark(cast, net, "benchmarking.accuracy"), 0.9)
    said = fragment(client, cast, f"/experiments/pareto/of-model/{net.model_id}/")
    assert "12.5 ms" in said and "11.2 to 13.8" in said and "90.0\u00a0%" in said and '<td class="left">yes</td>' in said
    assert '"low": 0.8' in said, "the chart knows the accuracy's interval"


def test_the_newest_timing_of_a_file_counts_and_copies_are_the_same_network(cast: Cast, net: Variant, client: Client) -> None:
    copy = Variant.objects.create(team=net.team, model=net.model, name="copy", file=net.file, params=net.params, macs=1,
                                  size_bytes=12, activation_bytes=1)
    timed(benchmark(cast, net), "pi4", 50.5)
    timed(cast.run(Status.FINISHED), "pi4", 20.5, copy)
    judged(cast.run(Status.FINISHED), 0.7, net)
    said = fragment(client, cast, f"/experiments/pareto/of-model/{net.model_id}/")
    assert "20.5 ms" in said and "50.5 ms" not in said and "70.0\u00a0%" in said


def test_a_calm_timing_is_not_displaced_by_a_newer_noisy_one(cast: Cast, net: Variant, client: Client) -> None:
    timed(benchmark(cast, net), "pi4", 10.5)
    calm = benchmark(cast, net)
    timed(calm, "pi4", 20.5)
    timed(benchmark(cast, net, "benchmarking.layers"), "pi4", 30.5, net, noisy=True)
    said = fragment(client, cast, f"/experiments/pareto/of-model/{net.model_id}/")
    assert "20.5 ms" in said and "10.5 ms" not in said and "30.5 ms" not in said
    assert f">run {calm.number}</a>" in said and "noisy" not in said.split("<tbody>")[1]


def test_what_was_timed_otherwise_stands_behind_a_link(cast: Cast, net: Variant, client: Client) -> None:
    run = benchmark(cast, net)
    for device in ("pi4", "nano"):
        timed(run, device, 5.0)
    timed(run, "pi4", 77.5, engine="torch")
    path = f"/experiments/pareto/of-model/{net.model_id}/"
    said = fragment(client, cast, path)
    assert "77.5 ms" not in said and "as=torch.1.1" in said
    assert "77.5 ms" in fragment(client, cast, f"{path}?as=torch.1.1")
    assert "5 ms" in fragment(client, cast, f"{path}?as=nonsense")


def test_without_any_accuracy_size_can_be_asked_for(cast: Cast, net: Variant, client: Client) -> None:
    timed(benchmark(cast, net), "pi4", 5.0)
    path = f"/experiments/pareto/of-model/{net.model_id}/"
    assert "The test accuracy of none of them was measured yet." in fragment(client, cast, path)
    said = fragment(client, cast, f"{path}?against=size")
    assert '<td class="left">yes</td>' in said and "size_mb" in said


def test_noise_and_what_was_not_measured_are_said(cast: Cast, net: Variant, client: Client) -> None:
    run = benchmark(cast, net)
    timed(run, "pi4", 5.0, noisy=True)
    timed(run, "vm", 6.0, origin="predicted")
    said = fragment(client, cast, f"/experiments/pareto/of-model/{net.model_id}/?against=size")
    assert "1 of 2 points is of noisy timing" in said and "vm (predicted)" in said and 'class="predicted"' in said


def test_an_experiment_shows_it_where_it_timed_on_several_devices(cast: Cast, net: Variant, client: Client) -> None:
    run = benchmark(cast, net)
    timed(run, "pi4", 5.0)
    path = f"/experiments/{run.experiment_id}/pareto/"
    assert "id=\"pareto\"" not in fragment(client, cast, path)
    timed(run, "nano", 2.0)
    said = fragment(client, cast, path)
    assert "pi4" in said and "nano" in said and f"/experiments/{run.experiment_id}/?" in said


def test_nothing_is_drawn_of_what_others_timed(cast: Cast, net: Variant, client: Client) -> None:
    timed(benchmark(cast, net), "pi4", 5.0)
    client.force_login(cast.mallory)
    assert client.get(f"/experiments/pareto/of-model/{net.model_id}/").status_code == 404


def test_timings_by_another_version_of_the_engine_are_warned_of(cast: Cast, net: Variant, client: Client) -> None:
    for device, version in (("pi4", "1.23.2"), ("nano", "1.20.0")):
        summary = {"latency_protocol": 1, "latency_runtimes": {"onnxruntime": f"onnxruntime {version}"}}
        timed(benchmark(cast, net, summary=summary), device, 5.0)
    said = fragment(client, cast, f"/experiments/pareto/of-model/{net.model_id}/?against=size")
    assert "These times were taken by different versions of the engine: onnxruntime 1.20.0, onnxruntime 1.23.2." in said
