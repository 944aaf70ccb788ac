"""One network of many: averages by hand, whoever has more images counts more, and what the servers that learn do with it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from worker.federated.averaging import FedAdam, Update, fedavg, trimmed
from worker.federated.states import State, faults, same


def state(weight: float, seen: int = 0) -> State:
    return {"fc.weight": torch.full((2, 3), weight), "bn.num_batches_tracked": torch.tensor(seen)}


def test_a_client_with_three_times_the_images_counts_three_times() -> None:
    found = fedavg(state(0.0), [Update("a", state(1.0, 4), 30), Update("b", state(5.0, 9), 10)])
    assert torch.equal(found["fc.weight"], torch.full((2, 3), 2.0))
    assert found["bn.num_batches_tracked"] == 4  # of the client with most images


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=7))
def test_alike_networks_average_to_themselves_whatever_their_images(images: list[int]) -> None:
    mine = {"w": torch.linspace(-3, 3, 11)}
    found = fedavg(mine, [Update(str(place), mine, count) for place, count in enumerate(images)])
    assert torch.allclose(found["w"], mine["w"], rtol=0, atol=2e-7)


def test_one_client_alone_is_the_average() -> None:
    assert same(fedavg(state(9.0), [Update("a", state(1.5, 2), 7)]), state(1.5, 2))


def test_the_order_in_which_updates_come_changes_nothing_much() -> None:
    updates = [Update(str(place), {"w": torch.randn(50, generator=torch.Generator().manual_seed(place))}, place + 1)
               for place in range(5)]
    assert torch.allclose(fedavg({}, updates)["w"], fedavg({}, updates[::-1])["w"], atol=1e-7)


def test_a_trimmed_mean_leaves_the_extremes_out_whatever_their_images() -> None:
    updates = [Update(str(value), {"w": torch.tensor([value])}, 1000 if value == 1e6 else 1)
               for value in (-1e6, 1.0, 2.0, 3.0, 1e6)]
    assert trimmed(0.2)({}, updates)["w"].item() == pytest.approx(2.0)
    assert trimmed(0.01)({}, updates)["w"].item() == pytest.approx(2.0)  # one at each end at least
    assert trimmed(0.0)({}, updates)["w"].item() == pytest.approx(6 / 5)


def test_fedadams_first_step_is_its_rate_along_the_sign_of_the_mean_difference() -> None:
    before = {"w": torch.tensor([1.0, 1.0, 1.0]), "mean": torch.tensor([0.0])}
    after = {"w": torch.tensor([3.0, 0.5, 1.0]), "mean": torch.tensor([4.0])}
    found = FedAdam(["w"], rate=0.1, tau=1e-12)(before, [Update("a", after, 5)])
    assert torch.allclose(found["w"], torch.tensor([1.1, 0.9, 1.0]), atol=1e-6)
    assert found["mean"].item() == 4.0  # no weight that is learnt: averaged


def test_fedadam_goes_on_from_what_it_kept() -> None:
    before, after = {"w": torch.tensor([1.0, 2.0])}, [Update("a", {"w": torch.tensor([2.0, 1.9])}, 3)]
    whole, first, again = FedAdam(["w"], 0.1), FedAdam(["w"], 0.1), FedAdam(["w"], 0.1)
    middle = whole(before, after)
    assert same(first(before, after), middle)
    again.restore(middle, first.tensors())
    assert same(again(middle, after), whole(middle, after))


@pytest.mark.parametrize(("broken", "why"), [
    ({}, "the tensor bn.num_batches_tracked is missing"),
    (state(1.0) | {"more": torch.zeros(1)}, "the tensor more is none of this network's"),
    (state(1.0) | {"fc.weight": torch.zeros(3, 2)}, "the tensor fc.weight is 3x2 of float32; 2x3 of float32 is expected"),
    (state(1.0) | {"fc.weight": torch.zeros(2, 3).double()},
     "the tensor fc.weight is 2x3 of float64; 2x3 of float32 is expected"),
    (state(torch.inf), "the tensor fc.weight has numbers that are not finite"), (state(1.0), "")])
def test_a_state_that_cannot_be_averaged_is_told_why(broken: State, why: str) -> None:
    assert faults(broken, state(0.0)) == why
