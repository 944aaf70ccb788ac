"""Which levels are offered."""

from __future__ import annotations

import pytest

from worker.portfolio.grid import nearest
from worker.sparsity.lottery import fixed


@pytest.mark.parametrize(("fraction", "levels", "offered"), [
    (0.2, 25, [0, 3, 6, 9, 12, 16, 19, 22, 25]),  # the levels of DNNShifter's own portfolio
    (0.5, 8, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
    (0.35, 13, [0, 2, 3, 5, 6, 8, 10, 11, 13]),
    (0.75, 3, [0, 1, 2, 3]),
    (0.2, 8, [0, 3, 6, 8]),
    (0.2, 1, [0, 1]),
])
def test_the_levels_nearest_to_powers_of_two_and_the_last(fraction: float, levels: int, offered: list[int]) -> None:
    assert nearest(fixed(fraction, levels)) == offered
