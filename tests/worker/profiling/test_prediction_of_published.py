"""Scission's published profiles, of devices that were really measured: what is left out lies within the error that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.evidence import Evidence
from worker.measured_files import evidence_of
from worker.profiling.prediction import predict

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "data" / "scission" / "scission"
FEW = ("mobilenet", "resnet50", "resnet101", "vgg16", "vgg19")


@pytest.fixture(scope="module")
def published() -> Evidence:
    if not PUBLISHED.is_dir():
        pytest.skip("Scission's published profiles are not beside this checkout")
    found = evidence_of(PUBLISHED)
    return found.model_copy(update={"profiles": tuple(each for each in found.profiles if each.profile.network in FEW)})


def test_all_devices_are_read_and_the_table_of_links_is_none(published: Evidence) -> None:
    assert {(each.tier, each.name) for each in published.devices} == {
        ("device", "raspi4"), ("edge", "2500"), ("edge", "vm2Core"), ("cloud", "6700k(GPU)"), ("cloud", "6700k(NoGPU)")}
    assert len(published.profiles) == 25


@pytest.mark.parametrize("device", ["raspi4", "2500", "6700k(NoGPU)"])
def test_a_network_of_other_devices_is_scaled_by_the_device_s_own(published: Evidence, device: str) -> None:
    truth = next(each.profile for each in published.profiles if (each.device, each.profile.network) == (device, "resnet50"))
    found = predict(published, truth, device)  # What is asked is left out by itself.
    low, high = found.total.around(found.total_s)
    assert (found.chosen, found.question.device_known, found.question.network_known) == ("elsewhere", True, True)
    assert low <= truth.total_s <= high
    assert 0.5 < found.total_s / truth.total_s < 2
    assert found.caveats == ("No measured profile tells how many MACs its blocks have: what blocks compute could not be used.",)
