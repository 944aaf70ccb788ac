"""Which weights are sent: exactly as many as may be, those that count most, whatever the order of the layers."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from worker.updating.choosing import best, by_lot, combined, count_of, global_contribution


def drawn(*shapes: tuple[int, ...], seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {f"layer{place}": torch.randn(shape, generator=generator) for place, shape in enumerate(shapes)}


@pytest.mark.parametrize("ratio, count", [(0.29, 29), (0.1, 10), (0.005, 0), (0.015, 1), (0.999, 99), (0, 0), (1, 100)])
def test_the_count_is_the_floor_of_the_number_as_it_was_written(ratio: float, count: int) -> None:
    assert count_of(ratio, {"a": torch.zeros(10, 10)}) == count


def test_both_contributions_count_by_their_share_of_the_sum() -> None:
    global_, local = drawn((3, 4), (5, 2)), drawn((3, 4), (5, 2), seed=1)
    global_ = {name: each**2 for name, each in global_.items()}
    local = {name: each + 1 for name, each in local.items()}
    for balance in (0.0, 0.3, 0.5, 1.0):
        metric = combined(global_, local, balance=balance)
        assert sum(float(each.sum()) for each in metric.values()) == pytest.approx(1)
    only = combined(global_, local, mode="gcpu")
    assert all(bool((each >= 0).all()) for each in only.values())
    assert sum(float(each.sum()) for each in only.values()) == pytest.approx(1)


@pytest.mark.parametrize("sum_of_local", [0.0, -3.0, float("nan"), float("-inf")])
def test_where_the_loss_rose_the_moves_decide_alone(sum_of_local: float) -> None:
    global_ = {"a": torch.tensor([[1.0, 4.0, 9.0]])}
    local = {"a": torch.tensor([[5.0, -5.0, sum_of_local]])}
    for mode in ("dpu", "lcpu"):
        assert torch.equal(combined(global_, local, mode=mode)["a"], combined(global_, local, mode="gcpu")["a"])  # type: ignore[arg-type]


def test_where_nothing_moved_nothing_is_divided_by_nothing() -> None:
    nothing = {"a": torch.zeros(2, 3)}
    assert int(best(combined(nothing, nothing), 2)["a"].sum()) == 2


def test_the_order_of_the_layers_changes_nothing() -> None:
    metric = {name: each.round(decimals=1) for name, each in drawn((6, 7), (8, 3), (2, 50)).items()}  # many equal ones
    turned = dict(reversed(list(metric.items())))
    for count in (0, 1, 17, 60, 166):
        kept, again = best(metric, count), best(turned, count)
        assert sum(int(mask.sum()) for mask in kept.values()) == count
        assert all(torch.equal(kept[name], again[name]) for name in metric)


def test_equal_ones_go_by_layer_then_by_position() -> None:
    kept = best({"b": torch.ones(2, 2), "a": torch.ones(1, 3)}, 4)
    assert kept["a"].tolist() == [[True, True, True]]
    assert kept["b"].tolist() == [[True, False], [False, False]]


def test_no_layer_is_capped() -> None:
    kept = best({"a": torch.full((10, 10), 2.0), "b": torch.ones(10, 10)}, 100)
    assert bool(kept["a"].all())
    assert not bool(kept["b"].any())


def test_positions_beyond_float32_are_told_apart() -> None:
    metric = torch.zeros(2**24 + 4)
    metric[2**24 + 1], metric[2**24 + 3] = 1.0, 2.0
    assert torch.nonzero(best({"a": metric}, 2)["a"]).flatten().tolist() == [2**24 + 1, 2**24 + 3]


@pytest.mark.parametrize("seed", range(5))
def test_of_a_round_bowl_the_largest_moves_are_the_best_of_all_choices(seed: int) -> None:
    start, end = drawn((2, 3), (4,), seed=seed), drawn((2, 3), (4,), seed=seed + 100)
    ways = global_contribution(start, end)
    flat = torch.cat([ways[name].flatten() for name in sorted(ways)])
    for count in range(11):
        kept = torch.cat([mask.flatten() for _, mask in sorted(best(ways, count).items())])
        every = [float(flat.sum() - flat[list(chosen)].sum()) for chosen in combinations(range(10), count)]
        assert float(flat[~kept].sum()) == pytest.approx(min(every))  # beta / 2 times it is the loss of the partly updated one


@pytest.mark.parametrize("seed", range(5))
def test_of_a_stretched_bowl_what_the_steps_gained_ranks_like_the_optimum(seed: int) -> None:
    """loss = sum(H (w - w*)^2) / 2: putting back weight i costs H_i (w*_i - w0_i)^2 / 2, which small steps down add up to."""
    generator = torch.Generator().manual_seed(seed)
    stretch = torch.rand(12, generator=generator, dtype=torch.float64) * 9 + 1
    start, end = torch.randn(2, 12, generator=generator, dtype=torch.float64)
    weight, local = start.clone(), torch.zeros(12, dtype=torch.float64)
    for _ in range(20_000):
        gradient = stretch * (weight - end)
        local += gradient * (0.001 * gradient)
        weight -= 0.001 * gradient
    cost = stretch * (end - start) ** 2 / 2
    assert torch.equal(local.argsort(), cost.argsort())
    assert float((local / cost - 1).abs().max()) < 0.01
    metric = combined({"a": (weight - start) ** 2}, {"a": local}, mode="lcpu")
    for count in range(1, 12):
        kept = best(metric, count)["a"]
        least = min(float(cost.sum() - cost[list(chosen)].sum()) for chosen in combinations(range(12), count))
        assert float(cost[~kept].sum()) == pytest.approx(least)


def test_by_lot_each_layer_gives_its_share_and_the_seed_decides() -> None:
    weights = drawn((10, 10), (30, 5))
    masks = by_lot(weights, 0.1, seed=1)
    assert [int(mask.sum()) for mask in masks.values()] == [10, 15]
    assert all(torch.equal(mask, by_lot(weights, 0.1, seed=1)[name]) for name, mask in masks.items())
    assert not all(torch.equal(mask, by_lot(weights, 0.1, seed=2)[name]) for name, mask in masks.items())
