"""What the server takes: each client once a round, of this round, with numbers that can be averaged."""

from __future__ import annotations

import torch

from worker.federated.averaging import fedavg
from worker.federated.gathering import Gathering
from worker.federated.states import State, same

BEFORE: State = {"w": torch.zeros(2)}


def gathering() -> Gathering:
    return Gathering(5, {"a": 10, "b": 30}, BEFORE)


def test_what_is_good_is_averaged() -> None:
    found = gathering()
    assert found.take("a", 5, {"w": torch.tensor([4.0, 4.0])}, 10) == "" == found.take("b", 5, {"w": torch.zeros(2)}, 30)
    assert torch.equal(found.averaged(fedavg)["w"], torch.ones(2)) and not found.refused and not found.missing


def test_what_comes_twice_counts_once_as_it_came_first() -> None:
    found = gathering()
    found.take("a", 5, {"w": torch.ones(2)}, 10)
    assert found.take("a", 5, {"w": torch.full((2,), 9.0)}, 10) == "it came a second time"
    assert torch.equal(found.averaged(fedavg)["w"], torch.ones(2))


def test_an_old_round_broken_numbers_wrong_shapes_strangers_and_false_counts_are_left_out() -> None:
    found = gathering()
    assert found.take("a", 4, {"w": torch.ones(2)}, 10) == "it was of round 4, and this is round 5"
    assert found.take("a", 5, {"w": torch.full((2,), torch.nan)}, 10) == "the tensor w has numbers that are not finite"
    assert "2 of float32 is expected" in found.take("a", 5, {"w": torch.ones(3)}, 10)
    assert found.take("c", 5, {"w": torch.ones(2)}, 10) == "nobody of that name takes part in this round"
    why = found.take("b", 5, {"w": torch.ones(2)}, 10**9)
    assert why == "it says that it rests on 1,000,000,000 images, and 30 were dealt to it"
    assert len(found.refused) == 5 and not found.updates


def test_after_a_bad_message_a_good_one_of_the_same_client_still_counts() -> None:
    found = gathering()
    found.take("a", 4, {"w": torch.ones(2)}, 10)
    assert found.take("a", 5, {"w": torch.ones(2)}, 10) == "" and found.missing == ["b"]


def test_where_nothing_counts_the_network_stays_as_it_was() -> None:
    assert same(gathering().averaged(fedavg), BEFORE)
