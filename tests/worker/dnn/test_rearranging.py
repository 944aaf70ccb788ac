"""Shapes are spread over each other as torch spreads them."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.dnn.rearranging import together


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 3), max_size=4), min_size=1, max_size=3))
def test_shapes_go_together_as_torch_says(shapes: list[list[int]]) -> None:
    try:
        expected = tuple(torch.broadcast_shapes(*map(tuple, shapes)))
    except RuntimeError:
        expected = None
    assert together([tuple(shape) for shape in shapes]) == expected
