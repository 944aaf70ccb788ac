"""Reconvene as a whole: what gets narrow, what stays, and how the weights are drawn."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch

from worker.dnn import architectures
from worker.dnn.cost import cost
from worker.events import Event
from worker.pruning.pruned import Pruned
from worker.pruning.reconvene import Rules, evaluate, prune, width
from worker.sparsity.masks import prunable
from worker.sparsity.scores import magnitude
from worker.sparsity.selection import select


def pruned(name: str = "vgg11", seed: int = 7, *, scale: float = 0.25, **rules: Any) -> tuple[Any, Pruned, list[Event]]:
    dense = architectures.build(name, width=scale, seed=seed)
    events, running = [], prune(copy.deepcopy(dense), Rules(**({"density": 0.125, "seed": seed} | rules)))
    while True:
        try:
            events.append(next(running))
        except StopIteration as end:
            return dense, end.value, events


def outputs(network: Any) -> dict[str, int]:
    return {name: weight.shape[0] for name, weight in prunable(network, linear=False).items()}


def test_vgg16_at_seven_eighths_has_sixteen_times_fewer_parameters() -> None:
    dense, small, _ = pruned("vgg16", scale=1.0)
    ratio = cost(dense, (3, 32, 32)).params / cost(small.network, (3, 32, 32)).params
    assert 16.0 <= ratio <= 16.4


def test_insensitive_layers_have_the_asked_width_and_the_others_their_own() -> None:
    dense, small, _ = pruned()
    masks = select(magnitude(prunable(dense, linear=False)), density=0.125)
    narrow = evaluate(masks).insensitive
    asked = {name: width(masks[name]) if name in narrow else channels for name, channels in outputs(dense).items()}
    assert outputs(small.network) == asked
    assert narrow and len(narrow) < len(asked)


def test_the_result_is_dense_and_takes_the_same_images() -> None:
    _, small, _ = pruned()
    assert small.zeros is None and small.hold() is None
    assert small.network.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_redrawn_weights_have_the_spread_of_the_new_fan_in() -> None:
    _, small, _ = pruned("vgg16", scale=0.5)
    for weight in prunable(small.network, linear=False).values():
        if weight.numel() > 5_000:
            assert float(weight.detach().std()) == pytest.approx(math.sqrt(2 / weight.shape[1:].numel()), rel=0.05)


def test_only_what_changed_shape_is_redrawn_when_asked() -> None:
    dense, small, _ = pruned(redraw="affected")
    before, after = prunable(dense), prunable(small.network)
    same = [name for name in before if before[name].shape == after[name].shape]
    assert same and all(torch.equal(before[name], after[name]) for name in same)


def test_a_residual_stream_keeps_its_width() -> None:
    dense, small, _ = pruned("resnet20", scale=1.0)
    narrowed = {name for name, channels in outputs(small.network).items() if channels < outputs(dense)[name]}
    assert narrowed
    assert small.network.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 10)


def test_the_same_seed_gives_the_same_network() -> None:
    one, two = (pruned()[1].network.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_it_says_the_line_that_layers_are_held_against() -> None:
    _, small, events = pruned()
    line = next(event for event in events if event.type == "metric" and event.name == "sensitivity")
    assert line.value == pytest.approx(sum(small.density.values()) / len(small.density))


def test_it_needs_no_data() -> None:
    import inspect

    assert "data" not in inspect.signature(prune).parameters


@pytest.mark.parametrize(("rules", "reason"), [
    ({"density": 1e-9}, "no weight is left to tell the layers apart"),
    ({"density": 1.0}, "no convolution was sparser than the average"),
    ({"min_channels": 1024}, "the widths asked for, rounded up and held to the minimum"),
])
def test_when_nothing_is_narrowed_it_says_why(rules: dict[str, Any], reason: str) -> None:
    dense, small, events = pruned(**rules)
    assert outputs(small.network) == outputs(dense)
    assert reason in small.untouched and ";" not in small.untouched
    assert any(event.type == "log" and reason in event.message for event in events)


def test_when_something_is_narrowed_there_is_nothing_to_explain() -> None:
    assert pruned()[1].untouched == ""
