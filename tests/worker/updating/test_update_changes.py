"""A change turns one version of a network's file into the other, bit for bit, and is refused for any other file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import fx

from tests.worker.updating.versions_made import moved
from worker.dnn import export, files
from worker.firstlook.sentences import Unfit
from worker.updating.change import MAGIC, Unusable, applied, make, read
from worker.updating.places import places, put
from worker.updating.versions import version


@pytest.fixture(params=["onnx", "safetensors"])
def base(request: pytest.FixtureRequest, exported: bytes, fresh: Callable[[], fx.GraphModule], tmp_path: Path) -> bytes:
    if request.param == "onnx":
        return exported
    files.save(fresh(), tmp_path / "a.safetensors", in_shape=(1, 8, 8), classes=10, name="first")
    return (tmp_path / "a.safetensors").read_bytes()


@pytest.mark.parametrize("part", [0, 0.01, 0.1, 0.6, 1])
def test_the_edges_file_becomes_the_servers_bit_for_bit(base: bytes, part: float) -> None:
    result = moved(base, part)
    assert applied(base, read(make(base, result))) == result


def test_numbers_that_are_none_and_minus_zero_come_over_too(exported: bytes) -> None:
    place = next(place for place in places(exported) if place.is_weight)
    odd = place.of(exported).view(np.float32).copy()
    odd[:3] = np.nan, -0.0, np.inf
    result = put(exported, {place.name: odd})
    change = read(make(exported, result))
    assert applied(exported, change) == result
    assert change.account.count == 3


def test_a_tenth_of_the_weights_takes_about_a_tenth_of_the_bytes(exported: bytes) -> None:
    account = read(make(exported, moved(exported, 0.1))).account
    weights = sum(place.size for place in places(exported) if place.is_weight)
    assert account.value_bytes == 4 * account.count
    assert 0.05 < account.count / weights < 0.15
    assert account.other_bytes == 4 * sum(place.size for place in places(exported) if not place.is_weight and place.type == "F32")
    assert account.total == len(make(exported, moved(exported, 0.1)))


def test_against_zero_only_what_is_not_zero_is_sent(exported: bytes) -> None:
    state = {}
    for place in places(exported):
        if place.is_weight:
            state[place.name] = place.of(exported).view(np.float32) * (np.arange(place.size) % 10 == 0).astype(np.float32)
    result = put(exported, state)
    change = read(make(exported, result, blank=True))
    assert applied(exported, change) == result
    assert change.account.count == sum(np.count_nonzero(values.view(np.uint32)) for values in state.values())


def test_everything_is_sent_when_asked(exported: bytes) -> None:
    account = read(make(exported, exported, whole=True)).account
    assert (account.coding, account.position_bytes) == ("all", 0)
    assert account.value_bytes + account.other_bytes == sum(place.of(exported).nbytes for place in places(exported))


def test_another_base_is_refused_with_both_hashes(exported: bytes) -> None:
    change = read(make(exported, moved(exported, 0.1)))
    with pytest.raises(Unusable, match=f"begins with {change.base[:12]}, and this one's begins with"):
        applied(moved(exported, 0.1, seed=1), change)


def test_two_different_networks_have_no_change(exported: bytes, fresh: Callable[[], fx.GraphModule], tmp_path: Path) -> None:
    files.save(fresh(), tmp_path / "b.safetensors", in_shape=(1, 8, 8), classes=10, name="first")
    with pytest.raises(Unusable, match="not versions of one network"):
        make(exported, (tmp_path / "b.safetensors").read_bytes())
    with pytest.raises(Unusable, match="in more than the numbers"):
        make(exported, exported.replace(b"EdgePortal", b"EdgeP0rtal", 1))


def test_a_folded_network_is_refused_with_that_reason(fresh: Callable[[], fx.GraphModule], tmp_path: Path) -> None:
    network = fresh()
    export.to_onnx(network, (1, 8, 8), tmp_path / "folded.onnx", fold=True)
    with pytest.raises(Unfit, match="has batch-norm folded into its convolutions"):
        version((tmp_path / "folded.onnx").read_bytes(), network.state_dict())


def test_the_file_of_another_network_is_refused_by_what_it_lacks(exported: bytes) -> None:
    with pytest.raises(Unfit, match=r"no place for elsewhere\.weight"):
        version(exported, {"elsewhere.weight": torch.zeros(2, 2)})


def test_a_change_cut_anywhere_is_refused(exported: bytes) -> None:
    whole = make(exported, moved(exported, 0.1))
    for end in range(len(whole)):
        with pytest.raises(Unusable):
            applied(exported, read(whole[:end]))


def test_a_change_with_one_byte_turned_is_never_applied(exported: bytes) -> None:
    whole, chance = make(exported, moved(exported, 0.1)), np.random.default_rng(4)
    for _ in range(400):
        turned = bytearray(whole)
        turned[chance.integers(len(turned))] ^= 1 << chance.integers(8)
        try:
            assert applied(exported, read(bytes(turned))) == moved(exported, 0.1)  # a bit that means nothing
        except Unusable:
            pass


@pytest.mark.parametrize("field, value", [
    ("count", -1), ("count", 10**18), ("count", 1.5), ("count", True), ("positions", 2**39), ("coding", "pickle"), ("bits", 99),
    ("whole", "ff" * 1000), ("whole", "no digits"), ("whole", 7), ("base", "short"), ("result", None), ("coding", ["all"]),
])
def test_a_header_that_claims_what_is_not_there_is_refused(exported: bytes, field: str, value: object) -> None:
    whole = make(exported, moved(exported, 0.1))
    begin = len(MAGIC) + 4
    length = int.from_bytes(whole[len(MAGIC):begin], "little")
    header = json.loads(whole[begin : begin + length]) | {field: value}
    said = json.dumps(header).encode()
    with pytest.raises(Unusable, match=r"\.$"):
        applied(exported, read(MAGIC + len(said).to_bytes(4, "little") + said + whole[begin + length :]))
