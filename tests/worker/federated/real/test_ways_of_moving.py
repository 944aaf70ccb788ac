"""What a move costs in batches: none where the state goes along, all done so far where the round begins anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.federated.real.by_hand import stage
from tests.worker.federated.real.three import BATCHES
from worker.federated.real.words import UPDATE, Going, state_in
from worker.federated.states import same

AFTER = 6


@pytest.mark.parametrize(("on_move", "batches"), [("migrates", BATCHES), ("restarts", AFTER + 1 + BATCHES), ("waits", BATCHES)])
def test_the_weights_are_the_same_and_the_batches_are_counted(tmp_path: Path, on_move: str, batches: int) -> None:
    with stage(tmp_path, "a", "b") as two:
        two.round(two.work(goings=[Going(AFTER, "b", on_move, away_s=0.05)]), peers={"b": two.address("b")})
        two.device({name: two.address(name) for name in "ab"})
        edge, update = two.next(UPDATE)
    assert edge == ("a" if on_move == "waits" else "b")
    assert update.facts["batches"] == batches
    assert same(state_in(update), two.unmoved)


def test_there_and_back_again_in_one_round(tmp_path: Path) -> None:
    with stage(tmp_path, "a", "b") as two:
        goings = [Going(0, "b", "migrates"), Going(AFTER, "a", "migrates"), Going(BATCHES - 1, "b", "migrates")]
        two.round(two.work(goings=goings), peers={name: two.address(name) for name in "ab"})
        two.device({name: two.address(name) for name in "ab"})
        edge, update = two.next(UPDATE)
    assert edge == "b"
    assert same(state_in(update), two.unmoved)
