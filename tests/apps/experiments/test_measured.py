"""Everything that was measured of one network, and on one device."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.catalog.models import Blob, RegisteredModel, Variant
from apps.devices.models import Device
from apps.experiments.models import Measurement, Run, Status
from tests.apps.cast import Cast

FACTS = {"size_bytes": 1, "params": 100, "macs": 1, "activation_bytes": 1}


@pytest.fixture
def net(cast: Cast) -> Variant:
    blob = Blob.objects.create(sha256="7" * 64, size_bytes=5)
    model = RegisteredModel.objects.create(team=cast.team, name="Net", in_shape=[1, 8, 8], classes=10)
    return Variant.objects.create(team=cast.team, model=model, name="root", file=blob, **FACTS)


def measure(run: Run, **more: object) -> Measurement:
    facts = {"variant_name": "root", "metric": "latency_ms_p50", "value": 1.25, "unit": "ms", "origin": "measured"} | more
    return Measurement.objects.create(team=run.team, run=run, **facts)


def test_a_variant_tells_every_measurement_of_its_file_with_what_it_depends_on(cast: Cast, net: Variant, client: Client) -> None:
    run = cast.run(Status.FINISHED, recipe="benchmarking.accuracy", inputs={"model": {"kind": "model", "id": str(net.pk)}})
    copy = Variant.objects.create(team=cast.team, model=net.model, name="copy", parent=net, file=net.file, **FACTS)
    measure(run, variant=copy, device="pi4", engine="ONNX Runtime", threads=2, batch=8, low=1.125, high=1.5, noisy=True)
    measure(run, metric="accuracy", unit="fraction", value=0.987, dataset="digits", split="test", n=360)
    measure(run, variant=net, metric="params", unit="count", value=100)
    client.force_login(cast.victor)
    said = client.get(f"/experiments/measured/of-variant/{net.pk}/").content.decode()
    assert all(word in said for word in ("1.25 ms", "1.12 to 1.50 ms", "pi4", "ONNX Runtime", ">2</td>", ">8</td>", "noisy"))
    assert "98.7" in said and "digits, test" in said and "n = 360" in said and said.count(f"run {run.number}<") == 2


def test_the_newest_stand_first_by_page(cast: Cast, net: Variant, client: Client) -> None:
    run = cast.run(Status.FINISHED)
    for number in range(21):
        measure(run, variant=net, value=1000.0 + number)
    client.force_login(cast.victor)
    said = client.get(f"/experiments/measured/of-variant/{net.pk}/").content.decode()
    assert "1,020 ms" in said and "1,000 ms" not in said and "page 1 of 2" in said
    assert "1,000 ms" in client.get(f"/experiments/measured/of-variant/{net.pk}/?page=2").content.decode()


def test_a_device_tells_what_was_measured_on_it(cast: Cast, net: Variant, client: Client) -> None:
    device = Device.objects.create(team=cast.team, name="desk", host="edge-7")
    run = cast.run(Status.FINISHED)
    measure(run, variant=net, device="desk", value=3.25)
    measure(run, variant=net, device="another", value=4.25)
    client.force_login(cast.victor)
    said = client.get(f"/experiments/measured/on-device/{device.pk}/").content.decode()
    assert "3.25 ms" in said and "4.25 ms" not in said


def test_two_variants_of_one_name_in_their_runs_are_told_apart(cast: Cast, net: Variant, client: Client) -> None:
    device = Device.objects.create(team=cast.team, name="desk")
    narrow = Variant.objects.create(team=cast.team, model=net.model, name="narrow", parent=net, file=net.file, **FACTS)
    for variant in (net, narrow):
        measure(cast.run(Status.FINISHED), variant=variant, device="desk", variant_name="Net")
    client.force_login(cast.victor)
    said = client.get(f"/experiments/measured/on-device/{device.pk}/").content.decode()
    assert ">Net · root</a>" in said and ">Net · narrow</a>" in said


def test_strangers_learn_nothing(cast: Cast, net: Variant, client: Client) -> None:
    client.force_login(cast.mallory)
    assert client.get(f"/experiments/measured/of-variant/{net.pk}/").status_code == 404
