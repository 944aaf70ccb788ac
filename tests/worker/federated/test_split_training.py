"""Split training is training: the same bits as in one place, with batch-norm, momentum, dropout, a pull and moves."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest
import torch

from worker.datasets import Data, Part
from worker.dnn import architectures
from worker.federated.flight import Ticket, Unfit, carried, laid, landed, size, unlaid
from worker.federated.learning import Learner, Learnt, Pace, Share, sizes
from worker.federated.places import halves, places
from worker.federated.sides import EdgeSide, Terms
from worker.federated.states import same, state_of

IMAGES = 20
TERMS, PACE = Terms(rate=0.05, momentum=0.9, weight_decay=5e-4), Pace(epochs=1, batch=8, seed=3)
SHARE = Share("pi", np.arange(IMAGES))
NETWORKS = {"lenet5": (1, 8, 8), "vgg5": (1, 8, 8)}


def drawn(shape: tuple[int, ...]) -> Data:
    draw = torch.Generator().manual_seed(1)
    part = Part(torch.randint(0, 256, (IMAGES, *shape), dtype=torch.uint8, generator=draw),
                torch.randint(0, 10, (IMAGES,), generator=draw))
    return Data("drawn", shape, 10, tuple(map(str, range(10))), (0.5,) * shape[0], (0.25,) * shape[0], "", {"train": part})


def learner(name: str) -> Learner:
    network = architectures.build(name, 10, NETWORKS[name], seed=5)
    return Learner(network, drawn(NETWORKS[name]), PACE)


def learnt(course: Generator[float, None, Learnt]) -> Learnt:
    try:
        while True:
            next(course)
    except StopIteration as end:
        found: Learnt = end.value
        return found


@pytest.mark.parametrize("moves", [[0], [1], [2], [0, 1, 2], [1, 1]], ids=["first", "middle", "last", "each", "there and back"])
def test_a_client_that_moves_ends_with_the_bits_of_one_that_stays(moves: list[int]) -> None:
    course = learner("vgg5")
    before, cut = state_of(course.network), places(course.network, NETWORKS["vgg5"])[1]
    stayed = learnt(course.learn(SHARE, 1, cut, TERMS, before))
    moved = learnt(course.learn(SHARE, 1, cut, TERMS, before, moves))
    assert same(moved.state, stayed.state) and len(moved.moved_bytes) == len(moves) and not stayed.moved_bytes


def test_a_client_that_moves_is_pulled_to_where_the_round_began() -> None:
    course, pulled = learner("vgg5"), Terms(0.05, 0.9, 0.0, proximal=0.5)
    before, cut = state_of(course.network), places(course.network, NETWORKS["vgg5"])[1]
    stayed = learnt(course.learn(SHARE, 1, cut, pulled, before)).state
    assert same(learnt(course.learn(SHARE, 1, cut, pulled, before, [0, 1])).state, stayed)


@pytest.mark.parametrize(("batch", "differs"), [(0, True), (1, True), (2, False)])
def test_without_the_optimisers_state_only_a_move_at_the_last_batch_would_do_no_harm(
    batch: int, differs: bool, monkeypatch: pytest.MonkeyPatch,
) -> None:
    course = learner("vgg5")
    before, cut = state_of(course.network), places(course.network, NETWORKS["vgg5"])[1]
    stayed = learnt(course.learn(SHARE, 1, cut, TERMS, before)).state

    def forgetful(*args: object) -> object:
        side, gradient = landed(*args)  # type: ignore[arg-type]
        side.optimiser.state.clear()
        return side, gradient

    monkeypatch.setattr("worker.federated.learning.landed", forgetful)
    assert same(learnt(course.learn(SHARE, 1, cut, TERMS, before, [batch])).state, stayed) != differs


def test_the_pull_of_fedprox_is_the_same_on_both_sides_of_a_cut() -> None:
    course, pulled = learner("lenet5"), Terms(0.05, 0.9, 0.0, proximal=0.5)
    before, found = state_of(course.network), places(course.network, NETWORKS["lenet5"])
    whole = learnt(course.learn(SHARE, 1, found[-1], pulled, before)).state
    free = learnt(course.learn(SHARE, 1, found[-1], Terms(0.05, 0.9), before)).state
    assert same(learnt(course.learn(SHARE, 1, found[1], pulled, before)).state, whole) and not same(whole, free)
    assert away(whole, before) < away(free, before)


def away(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return sum(float((one[name] - other[name]).square().sum()) for name in one if one[name].is_floating_point())


def test_the_offloading_points_of_vgg5_are_the_published_ones() -> None:
    found = places(architectures.outline("vgg5", 10, (3, 32, 32)), (3, 32, 32))
    assert [round(each.share, 4) for each in found] == [0.1042, 0.6601, 0.9381, 0.9998, 1.0]
    assert [each.sent_bytes * 100 for each in found[:3]] == [3_276_800, 1_638_400, 1_638_400]
    assert found[-1].is_whole and {each.macs for each in found} == {8_488_192}


def test_both_sides_need_something_to_learn() -> None:
    network = architectures.outline("squeezenet", 10, (3, 32, 32))
    with pytest.raises(ValueError, match="without weights"):
        halves(network, (3, 32, 32), "classifier.1")  # only a rectifier and a pool come behind it


def test_what_goes_to_another_server_are_weights_momentum_and_the_gradient() -> None:
    side, gradient = served()
    frame = carried(side, TICKET, gradient)
    weights = sum(4 * weight.numel() for weight in side.network.parameters())
    buffers = sum(each.numel() * each.element_size() for each in side.network.buffers())
    assert 0 <= size(frame) - (2 * weights + buffers + 4 * gradient.numel()) < 4096


def test_a_state_of_another_round_or_shape_is_not_gone_on_with() -> None:
    side, gradient = served()
    frame = carried(side, TICKET, gradient)
    other = Ticket(**{**frame.facts["ticket"], "round": 2})
    with pytest.raises(Unfit, match="expected"):
        landed(frame, side.network, other)
    frame.tensors["weight/fc1.weight"][0, 0] = np.nan
    again, _ = landed(frame, side.network, TICKET)  # it is the average that leaves such a client out
    assert again.network.state_dict()["fc1.weight"].isnan().any()
    frame.tensors["momentum/fc1.weight"] = frame.tensors["momentum/fc1.weight"][:1]
    with pytest.raises(Unfit, match=r"momentum/fc1\.weight is not of the weight's shape"):
        landed(frame, side.network, TICKET)


@pytest.mark.parametrize("turned", [
    torch.arange(24.0).reshape(2, 3, 4), torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
    torch.arange(6.0).reshape(2, 3, 1).expand(2, 3, 5), torch.ones(1, 1).expand(4, 7)])
def test_a_tensor_comes_back_with_its_numbers_and_its_order_in_memory(turned: torch.Tensor) -> None:
    how, sent = laid(turned)
    back = unlaid(sent, how)
    assert sent.is_contiguous() and torch.equal(back, turned) and back.stride() == turned.stride()
    assert sent.numel() <= turned.numel()


@pytest.mark.parametrize("how", [
    {"axes": [0, 0], "shape": [2, 3]}, {"axes": [0, 1], "shape": [2, 4]}, {}, {"axes": [0], "shape": [2]}])
def test_a_tensor_that_cannot_be_read_so_is_refused(how: dict[str, list[int]]) -> None:
    with pytest.raises(Unfit):
        unlaid(torch.zeros(2, 3), how)


@pytest.mark.parametrize(("count", "expected"), [(20, [8, 8, 4]), (16, [8, 8]), (17, [8, 9]), (2, [2])])
def test_a_rounds_batches_are_known_before_it(count: int, expected: list[int]) -> None:
    assert sizes(count, PACE) == expected


TICKET = Ticket("pi", 1, "features.7", 0, IMAGES, "3/pi/1")


def served() -> tuple[EdgeSide, torch.Tensor]:
    """An edge server's side that has seen a batch, and the gradient of it."""
    network = architectures.build("vgg5", 10, (1, 8, 8), seed=1)
    parts = halves(network, (1, 8, 8), "features.7")
    assert parts.edge is not None
    side = EdgeSide(parts.edge, TERMS, TICKET.draw)
    with torch.no_grad():
        sent = parts.device.train()(torch.rand(8, 1, 8, 8))
    return side, side.serve(sent, torch.arange(8))


def test_a_client_whose_loss_is_no_number_moves_like_any_other() -> None:
    side, gradient = served()
    side.loss = float("nan")
    again, _ = landed(carried(side, TICKET, gradient), side.network, TICKET)
    assert again.loss != again.loss and again.batch == side.batch
