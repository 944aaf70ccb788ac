"""The profiles that Scission and ScissionTL published come in, and leave again byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.profile.faults import Unfit
from worker.profile.reading import read
from worker.profile.writing import Written, write

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "scission"
RESOURCES = {
    "scission/device-raspi4.csv": ("device", "raspi4"), "scission/edge-2500.csv": ("edge", "2500"),
    "scission/edge-vm2Core.csv": ("edge", "vm2Core"), "scission/cloud-6700k(GPU).csv": ("cloud", "6700k(GPU)"),
    "scission/cloud-6700k(NoGPU).csv": ("cloud", "6700k(NoGPU)"),
}
WITH_TRANSFER = {
    "scissiontl-tensorflow/device-tx2_gpu.csv": ("device", "tx2_gpu"),
    "scissiontl-tensorflow/edge-ampere.csv": ("edge", "ampere"),
    "scissiontl-tensorflow/edge-titan_cpu.csv": ("edge", "titan_cpu"),
    "scissiontl-triton/device-tx2_cpu-densenet169.csv": ("device", "tx2_cpu"),
    "scissiontl-triton/device-tx2_gpu-densenet169.csv": ("device", "tx2_gpu"),
}
SUFFIXES = "scissiontl-triton/edge-ampere-densenet169.csv"
ALL = RESOURCES | WITH_TRANSFER
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the published measurements are not here: ../shared/data/scission")


@pytest.mark.parametrize("name", ALL)
def test_a_published_file_leaves_byte_for_byte_as_it_came(name: str) -> None:
    sent = (DATA / name).read_bytes()
    found = read(sent, Path(name).name)
    assert found.device and (found.device.tier, found.device.name) == ALL[name]
    assert found.form == ("scission" if name in RESOURCES else "scissiontl")
    assert len(found.profiles) == (1 if "triton" in name else 18)
    assert write(found.form, [Written(each.profile) for each in found.profiles]) == sent  # From the numbers alone.
    assert write(found.form, found.profiles) == sent


@pytest.mark.parametrize("form", ["json", "yaml", "csv"])
@pytest.mark.parametrize("name", ["scission/edge-vm2Core.csv", "scissiontl-tensorflow/edge-ampere.csv"])
def test_through_every_other_form_the_numbers_are_the_same(name: str, form: str) -> None:
    found = read((DATA / name).read_bytes(), Path(name).name)
    other = read(write(form, found.profiles, found.device), f"x.{form}")
    assert [each.profile for each in other.profiles] == [each.profile for each in found.profiles]
    assert write(found.form, other.profiles) == (DATA / name).read_bytes()


def test_the_sums_are_those_that_scission_has() -> None:
    """partition.md 1d (iii): whole-model seconds."""
    files = [DATA / f"scission/{name}.csv" for name in ("device-raspi4", "edge-vm2Core", "cloud-6700k(GPU)")]
    told = [{each.profile.network: each.profile.total_s for each in read(file.read_bytes()).profiles} for file in files]
    for network, sums in {"vgg19": (2.7347, 0.3047, 0.0086), "resnet50": (0.9614, 0.1672, 0.0345),
                          "mobilenet": (0.3444, 0.0702, 0.0257), "nasnetlarge": (7.3088, 1.3953, 0.1900)}.items():
        assert tuple(round(each[network], 4) for each in told) == sums


def test_times_of_all_that_is_left_are_refused_and_it_is_said_why() -> None:
    with pytest.raises(Unfit) as refused:
        read((DATA / SUFFIXES).read_bytes(), Path(SUFFIXES).name)
    assert "596 in all 20 lines of densenet169" in str(refused.value) and "all that is left of the network" in str(refused.value)


def test_a_clock_that_was_too_coarse_is_told() -> None:
    found = read((DATA / "scission/edge-vm2Core.csv").read_bytes())
    assert "130 blocks" in found.notes[0] and "took 0 s" in found.notes[0]


def test_a_halved_transfer_layer_keeps_the_half_that_was_measured() -> None:
    found = read((DATA / "scissiontl-triton/device-tx2_cpu-densenet169.csv").read_bytes())
    first, last = found.profiles[0].profile.blocks[0].transfer, found.profiles[0].profile.blocks[-1].transfer
    assert first and first.upsample_s is None and first.downsample_s and first.output_bytes == 158828
    assert last is None


def test_a_network_file_is_no_profile_and_says_where_it_belongs() -> None:
    with pytest.raises(Unfit, match="links between devices"):
        read((DATA / "scission/network_stats.csv").read_bytes())
