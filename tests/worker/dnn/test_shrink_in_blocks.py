"""A large weight behind a flattened image is cut block by block, to the same numbers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.dnn.surgery import slimming


@given(channels=st.integers(1, 9), places=st.integers(1, 8), chosen=st.data(), seed=st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_blocks_are_cut_like_single_columns(channels: int, places: int, chosen: st.DataObject, seed: int) -> None:
    weight = torch.randn(6, channels * places, generator=torch.Generator().manual_seed(seed))
    kept = torch.tensor(chosen.draw(st.lists(st.integers(0, channels - 1), min_size=1, unique=True)))
    rows = chosen.draw(st.one_of(st.none(), st.lists(st.integers(0, 5), min_size=1, unique=True).map(torch.tensor)))
    columns = (kept[:, None] * places + torch.arange(places)).flatten()
    block = slimming._block(columns, weight.shape[1])
    assert block % places == 0
    wanted = (weight if rows is None else weight[rows])[:, columns]
    assert torch.equal(slimming._gathered_in_blocks(weight, rows, columns, block), wanted)


@pytest.mark.parametrize(("columns", "width", "block"), [
    ([0, 1, 2, 3], 8, 4), ([4, 5, 6, 7], 8, 4), ([0, 1, 4, 5], 8, 2), ([0, 2, 4], 8, 1), ([1, 2], 8, 1), ([0, 1, 2], 8, 1),
    ([5], 8, 1),
])
def test_a_block_is_found_by_hand(columns: list[int], width: int, block: int) -> None:
    assert slimming._block(torch.tensor(columns), width) == block


def test_a_layer_large_enough_takes_that_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slimming, "MANY", 10)
    weight, columns = torch.randn(5, 12), torch.tensor([0, 1, 2, 6, 7, 8])
    assert torch.equal(slimming._gathered(weight, None, columns), weight[:, columns])
    assert torch.equal(slimming._gathered(weight, torch.tensor([4, 1]), columns), weight[[4, 1]][:, columns])
