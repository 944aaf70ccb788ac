"""Reconvene as a whole: what gets narrow, what stays, and how the weights are drawn."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import fx, nn
from torch.nn.functional import cross_entropy

from worker import datasets
from worker.context import DatasetInput
from worker.dnn import architectures, files
from worker.dnn.cost import cost
from worker.dnn.form import trace
from worker.dnn.initialisation import ALIKE, reinitialise
from worker.events import Event
from worker.pruning import criteria
from worker.pruning.narrowing import width
from worker.pruning.pruned import Pruned, Subject
from worker.pruning.reconvene import Rules, prune
from worker.pruning.sensitivity import evaluate
from worker.pruning.unstructured import Search
from worker.sparsity.masks import prunable
from worker.sparsity.scores import magnitude
from worker.sparsity.selection import select
from worker.training.settings import Settings

SHAPE = (3, 32, 32)


class Sealed:
    """What nobody may look at: data without images or labels, a run without a folder."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


class Shaped(Sealed):
    """Data of which only the shape is known."""

    in_shape = SHAPE


def pruned(
    name: str = "vgg11", seed: int = 7, *, scale: float = 0.25, search: Search | None = None, data: Any = None,
    dense: fx.GraphModule | None = None, **rules: Any,
) -> tuple[Any, Pruned, list[Event]]:
    dense = dense or architectures.build(name, width=scale, seed=seed)
    subject = Subject(copy.deepcopy(dense), data or Sealed(), Settings(1), cast("Any", Sealed()))
    events, running = [], prune(subject, search or criteria.magnitude(), Rules(**({"density": 0.125, "seed": seed} | rules)))
    while True:
        try:
            events.append(next(running))
        except StopIteration as end:
            return dense, end.value, events


def outputs(network: Any) -> dict[str, int]:
    return {name: weight.shape[0] for name, weight in prunable(network, linear=False).items()}


def test_vgg16_at_seven_eighths_has_sixteen_times_fewer_parameters() -> None:
    dense, small, _ = pruned("vgg16", scale=1.0)
    ratio = cost(dense, SHAPE).params / cost(small.network, SHAPE).params
    assert 16.0 <= ratio <= 16.4


def test_insensitive_layers_have_the_asked_width_and_the_others_their_own() -> None:
    dense, small, _ = pruned()
    masks = select(magnitude(prunable(dense, linear=False)), density=0.125)
    narrow = evaluate(masks).insensitive
    asked = {name: width(masks[name]) if name in narrow else channels for name, channels in outputs(dense).items()}
    assert outputs(small.network) == asked
    assert narrow and len(narrow) < len(asked)


def test_by_the_square_root_layers_stay_wider() -> None:
    narrow, wide = (outputs(pruned(width_rule=rule)[1].network) for rule in ("density", "root_of_density"))
    assert all(narrow[name] <= wide[name] for name in narrow) and narrow != wide


def test_widths_are_multiples_and_no_less_than_asked() -> None:
    dense, small, _ = pruned(round_to=4, min_channels=12)
    before, after = outputs(dense), outputs(small.network)
    changed = [after[name] for name in after if after[name] < before[name]]
    assert changed and min(changed) >= 12 and all(count % 4 == 0 for count in changed)


def test_the_result_is_dense_and_takes_the_same_images() -> None:
    _, small, _ = pruned()
    assert small.zeros is None and small.hold() is None
    assert small.network.eval()(torch.zeros(2, *SHAPE)).shape == (2, 10)


def test_it_is_saved_as_data_and_learns(tmp_path: Path) -> None:
    _, small, _ = pruned()
    files.save(small.network, tmp_path / "small.safetensors", in_shape=SHAPE, classes=10, name="small")
    network = files.load(tmp_path / "small.safetensors").network.train()
    lots = torch.Generator().manual_seed(1)
    images, labels = torch.randn(8, *SHAPE, generator=lots), torch.arange(8)
    losses = []
    step = torch.optim.SGD(network.parameters(), lr=0.01)
    for _ in range(2):
        loss = cross_entropy(network(images), labels)
        step.zero_grad()
        loss.backward()
        step.step()
        losses.append(float(loss.detach()))
    assert losses[1] < losses[0]
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in network.parameters()
               if parameter.ndim > 1)


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
    assert narrowed and all(name.endswith("conv1") for name in narrowed)
    assert small.network.eval()(torch.zeros(1, *SHAPE)).shape == (1, 10)


class Streams(nn.Module):
    """A sum of wide layers behind layers with few inputs; a shortcut with few inputs joins where `short` is set."""

    def __init__(self, *, short: bool) -> None:
        super().__init__()
        self.stem, self.body = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 1)
        self.one, self.two = nn.Conv2d(32, 64, 3, padding=1), nn.Conv2d(64, 64, 3, padding=1)
        self.way = nn.Conv2d(32, 64, 1) if short else None
        self.last = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.body(torch.relu(self.stem(x))))
        wide = torch.relu(self.one(x))
        wide = wide + self.two(wide)
        if self.way is not None:
            wide = wide + self.way(x)
        return self.last(wide.mean((2, 3)))


def streams(*, short: bool) -> fx.GraphModule:
    network = trace(Streams(short=short))
    reinitialise(network, 7)
    return network


def test_or_it_gets_as_narrow_as_the_densest_of_its_layers_when_all_of_them_are_insensitive() -> None:
    dense, small, _ = pruned(dense=streams(short=False), couple="min_ratio")
    masks = select(magnitude(prunable(dense, linear=False)), density=0.125)
    assert evaluate(masks).insensitive == {"one", "two"} and width(masks["one"]) > width(masks["two"])
    assert outputs(small.network) == outputs(dense) | dict.fromkeys(("one", "two"), width(masks["one"]))
    assert small.network.eval()(torch.zeros(1, *SHAPE)).shape == (1, 10)
    assert outputs(pruned(dense=dense)[1].network) == outputs(dense)


def test_a_stream_with_a_sensitive_layer_keeps_its_width_under_either() -> None:
    for couple in ("internal", "min_ratio"):
        dense, small, _ = pruned(dense=streams(short=True), couple=couple)
        assert outputs(small.network) == outputs(dense) and "added to" in small.untouched


def test_the_same_seed_gives_the_same_network() -> None:
    one, two = (pruned()[1].network.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_it_says_the_line_that_layers_are_held_against() -> None:
    _, small, events = pruned()
    line = next(event for event in events if event.type == "metric" and event.name == "sensitivity")
    assert line.value == pytest.approx(sum(small.density.values()) / len(small.density))


def test_shuffled_masks_change_no_width() -> None:
    plain, mixed = (pruned(control=control)[1] for control in ("none", "shuffle"))
    assert outputs(plain.network) == outputs(mixed.network) and plain.density == mixed.density


def test_neither_do_weights_that_are_drawn_afresh() -> None:
    plain, fresh = (pruned(control=control, redraw="affected")[1] for control in ("none", "reinitialise"))
    assert outputs(plain.network) == outputs(fresh.network)
    pairs = zip(prunable(plain.network).values(), prunable(fresh.network).values(), strict=True)
    assert any(not torch.equal(one, other) for one, other in pairs)


def heard(events: list[Event]) -> str:
    return " ".join(event.message for event in events if event.type == "log")


def test_where_all_is_redrawn_a_shuffle_is_the_same_network_and_the_run_says_so() -> None:
    (_, plain, usual), (_, mixed, events) = pruned(), pruned(control="shuffle")
    one, other = plain.network.state_dict(), mixed.network.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert "the very network of a run without this control" in heard(events) and "without this control" not in heard(usual)


@pytest.mark.parametrize("drawn", ["kaiming_normal", "orthogonal"])
def test_where_all_is_redrawn_reinitialised_weights_are_other_ones_in_the_same_widths(drawn: str) -> None:
    (_, plain, _), (_, fresh, events) = (pruned(control=control, drawn=drawn, fresh=True) for control in ("none", "reinitialise"))
    pairs = [(plain.network.get_parameter(f"{name}.weight"), fresh.network.get_parameter(f"{name}.weight"))
             for name in outputs(plain.network)]
    assert not any(torch.equal(one, other) for one, other in pairs)
    assert outputs(plain.network) == outputs(fresh.network) and "drawn with another seed" in heard(events)


def test_the_control_draws_as_the_method_does() -> None:
    """Layers of unchanged shape keep what the control drew."""
    dense, small, _ = pruned(control="reinitialise", redraw="affected", drawn="normal", fresh=False)
    before, after = prunable(dense), prunable(small.network)
    same = [after[name] for name in before if before[name].shape == after[name].shape and after[name].numel() > 300]
    assert same and all(float(weight.detach().std()) == pytest.approx(ALIKE, rel=0.1) for weight in same)


def test_inverted_scores_narrow_other_layers() -> None:
    dense, worst, _ = pruned(control="invert")
    narrow = {name for name, count in outputs(worst.network).items() if count < outputs(dense)[name]}
    usual = {name for name, count in outputs(pruned()[1].network).items() if count < outputs(dense)[name]}
    assert narrow and usual and not narrow & usual


@pytest.mark.parametrize("criterion", ["magnitude", "random", "synflow"])
def test_it_needs_no_data(criterion: str) -> None:
    """A data set whose images are asked for raises."""
    search = {"magnitude": criteria.magnitude, "random": criteria.random,
              "synflow": lambda: criteria.synflow(criteria.Rounds(2))}[criterion]()
    assert pruned(search=search, data=Shaped())[1].spent == 0


def test_unless_it_judges_by_snip_and_then_it_says_what_that_cost() -> None:
    data = datasets.load(DatasetInput(name="digits32"))
    _, small, _ = pruned(search=criteria.snip(2, criteria.Rounds(3)), data=data)
    assert small.spent == pytest.approx(3 * 20 / len(data.parts["train"])) and not small.untouched


def test_lots_tell_no_layer_from_another() -> None:
    dense, small, _ = pruned("vgg16", search=criteria.random())
    assert outputs(small.network) == outputs(dense) and "by more than chance" in small.untouched


def test_neither_do_weights_of_one_size_in_all_layers() -> None:
    dense, small, events = pruned("vgg16", drawn="normal", fresh=True)
    assert outputs(small.network) == outputs(dense)
    assert any(event.type == "log" and "all layers have scores of one size" in event.message for event in events)


def test_orthogonal_weights_tell_layers_apart_because_their_rows_are_of_one_length() -> None:
    dense, small, _ = pruned("vgg16", drawn="orthogonal", fresh=True)
    assert not small.untouched and outputs(small.network) != outputs(dense)


def test_weights_that_a_short_training_taught_are_not_drawn_over() -> None:
    dense, sealed = architectures.build("vgg11", width=0.25, seed=7), cast("Any", Sealed())
    subject = Subject(copy.deepcopy(dense), sealed, Settings(1), sealed, initial={"x": torch.zeros(1)})
    running = prune(subject, criteria.magnitude(), Rules(0.125, drawn="normal", fresh=True))
    with pytest.raises(StopIteration) as end:
        while True:
            next(running)
    assert not end.value.value.untouched


def test_the_same_part_of_every_layer_tells_them_apart_no_more() -> None:
    dense, small, _ = pruned(scope="local")
    assert outputs(small.network) == outputs(dense) and "the same part of each was pruned" in small.untouched


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


def test_a_network_without_convolutions_is_refused_in_words() -> None:
    network = trace(nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 2)))
    with pytest.raises(ValueError, match="no convolution"):
        pruned(dense=network)
