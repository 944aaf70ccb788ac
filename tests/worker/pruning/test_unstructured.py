"""Pruning single weights by any criterion: what it keeps, what it leaves alone, what it costs and what the controls do."""

from __future__ import annotations

import copy
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import fx

from worker import datasets
from worker.context import Context, DatasetInput
from worker.datasets import Data
from worker.dnn import architectures
from worker.dnn.surgery import LayerCollapse
from worker.events import Event, Log, Progress
from worker.pruning import criteria
from worker.pruning.criteria import Rounds
from worker.pruning.pruned import Pruned, Subject
from worker.pruning.unstructured import Rules, Search, prune
from worker.sparsity import gradients
from worker.sparsity.masks import Masks, density, prunable
from worker.sparsity.scores import magnitude
from worker.sparsity.scoring import balanced
from worker.training.settings import Settings

DATA = datasets.load(DatasetInput("digits"))
SEARCHES = {"magnitude": criteria.magnitude(), "random": criteria.random(), "snip": criteria.snip(),
            "snip in rounds": criteria.snip(5, Rounds(4)), "snip by batches": criteria.snip(20, per_batch=True),
            "grasp": criteria.grasp(), "grasp by batches": criteria.grasp(20), "synflow": criteria.synflow(Rounds(20))}
every_search = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return Subject(architectures.build("lenet5", 10, DATA.in_shape, seed=1), DATA, Settings(1), Context(tmp_path))


def pruned(subject: Subject, search: Search, rules: Rules) -> tuple[Pruned, list[Event]]:
    said, steps = list[Event](), prune(replace(subject, network=copy.deepcopy(subject.network)), search, rules)
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return end.value, said


def told(said: list[Event]) -> str:
    return " ".join(event.message for event in said if isinstance(event, Log))


def same(some: Masks, others: Masks) -> bool:
    return all(torch.equal(some[name], others[name]) for name in some)


def differing(before: fx.GraphModule, after: fx.GraphModule, masks: Masks) -> list[str]:
    """Layers in which a weight that lives is another one."""
    weights = prunable(after)
    return [name for name, weight in prunable(before).items() if not torch.equal(weight * masks[name], weights[name])]


@every_search
def test_as_many_weights_are_left_as_were_asked_for_and_those_are_what_they_were(search: Search, subject: Subject) -> None:
    found, _ = pruned(subject, search, Rules(0.2))
    whole = sum(mask.numel() for mask in found.masks.values())
    assert sum(int(mask.sum()) for mask in found.masks.values()) == round(0.2 * whole)
    assert differing(subject.network, found.network, found.masks) == []


@every_search
def test_the_same_seed_finds_the_same_weights(search: Search, subject: Subject) -> None:
    one, two = (pruned(subject, search, Rules(0.2))[0] for _ in range(2))
    assert same(one.masks, two.masks) and one.spent == two.spent


@every_search
def test_layer_by_layer_each_keeps_its_part(search: Search, subject: Subject) -> None:
    found, _ = pruned(subject, search, Rules(0.25, scope="local"))
    assert {name: int(mask.sum()) for name, mask in found.masks.items()} == {
        name: round(mask.numel() / 4) for name, mask in found.masks.items()}


@every_search
def test_inverted_it_keeps_others(search: Search, subject: Subject) -> None:
    plain, inverted = (pruned(subject, search, Rules(0.3, control=control))[0] for control in ("none", "invert"))
    assert density(inverted.masks) == density(plain.masks)
    both = sum(int((plain.masks[name] & inverted.masks[name]).sum()) for name in plain.masks)
    assert both < 0.3 * sum(int(mask.sum()) for mask in plain.masks.values())  # fewer than two draws by lot have in common


def test_one_shot_inverted_keeps_none_that_it_would_have_kept(subject: Subject) -> None:
    plain, inverted = (pruned(subject, criteria.magnitude(), Rules(0.5, control=control))[0] for control in ("none", "invert"))
    assert all(not bool((plain.masks[name] & inverted.masks[name]).any()) for name in plain.masks)


@every_search
def test_shuffled_each_layer_keeps_as_many_others(search: Search, subject: Subject) -> None:
    plain, shuffled = (pruned(subject, search, Rules(0.2, control=control))[0] for control in ("none", "shuffle"))
    assert shuffled.density == plain.density and not same(shuffled.masks, plain.masks)
    assert differing(subject.network, shuffled.network, shuffled.masks) == [] and not shuffled.redrawn


@every_search
def test_reinitialised_the_mask_stays_and_every_weight_is_new(search: Search, subject: Subject) -> None:
    plain, fresh = (pruned(subject, search, Rules(0.2, control=control))[0] for control in ("none", "reinitialise"))
    assert same(plain.masks, fresh.masks) and fresh.redrawn and not plain.redrawn
    weights, before = prunable(fresh.network), prunable(subject.network)
    for name, mask in fresh.masks.items():
        assert not bool(weights[name][~mask].any())
        assert not bool((weights[name] == before[name])[mask].any())


def test_fresh_weights_are_not_those_the_run_began_with(subject: Subject) -> None:
    seeded = replace(subject, network=architectures.build("lenet5", 10, DATA.in_shape, seed=7))
    found, _ = pruned(seeded, criteria.magnitude(), Rules(0.5, control="reinitialise", seed=7))
    assert set(differing(seeded.network, found.network, found.masks)) == set(found.masks)


@pytest.mark.parametrize(("search", "spent"), [
    ("magnitude", 0), ("random", 0), ("synflow", 0), ("snip", 100), ("snip in rounds", 4 * 50), ("grasp", 3 * 100),
    ("grasp by batches", 4 * 200),
])
def test_pruning_costs_what_was_run_forwards_and_backwards(search: str, spent: int, subject: Subject) -> None:
    assert pruned(subject, SEARCHES[search], Rules(0.2))[0].spent == spent / len(DATA.parts["train"])


def test_in_rounds_the_scores_are_those_of_what_is_left(subject: Subject) -> None:
    found, _ = pruned(subject, criteria.snip(10, Rounds(2)), Rules(0.09))
    network, batches = copy.deepcopy(subject.network), balanced(DATA, 10, seed=Rules(0.09).seed)
    half, _ = pruned(subject, criteria.snip(), Rules(0.3))
    with torch.no_grad():
        for name, weight in prunable(network).items():
            weight.mul_(half.masks[name])
    scores = gradients.snip(network, prunable(network), batches)
    assert all(not bool((found.masks[name] & ~half.masks[name]).any()) for name in found.masks)
    kept = torch.cat([scores[name][mask] for name, mask in found.masks.items()])
    gone = torch.cat([scores[name][half.masks[name] & ~mask] for name, mask in found.masks.items()])
    assert kept.min() >= gone.max()


class Closed:
    """Data that must not be looked at."""

    in_shape = DATA.in_shape

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"looked at {name}")


def test_synflow_looks_at_no_data(subject: Subject) -> None:
    closed: Any = Closed()
    found, said = pruned(replace(subject, data=closed), criteria.synflow(Rounds(5)), Rules(0.2))
    assert found.spent == 0 and "takes 5 rounds, and looks at no image" in told(said)
    with pytest.raises(AssertionError, match="looked at parts"):
        pruned(replace(subject, data=closed), criteria.snip(), Rules(0.2))


def test_synflow_says_which_layers_it_was_not_made_for(subject: Subject) -> None:
    phone = replace(subject, network=architectures.build("mobilenet_v3_small", 10, (1, 32, 32), width=0.25, seed=1),
                    data=replace(DATA, in_shape=(1, 32, 32)))
    assert "Hardsigmoid, Hardswish let its flow through" in told(pruned(phone, criteria.synflow(Rounds(2)), Rules(0.5))[1])


def test_layers_that_ran_dry_are_named_and_the_network_cannot_be_made_small(subject: Subject) -> None:
    found, said = pruned(subject, criteria.magnitude(), Rules(0.0005))
    empty = [name for name, mask in found.masks.items() if not mask.any()]
    assert empty and all(name in told(said) for name in empty) and "a lower sparsity leaves a way through" in told(said)
    with pytest.raises(LayerCollapse, match="lower sparsity"):
        found.compact()


def test_synflow_at_the_same_sparsity_leaves_a_way_through(subject: Subject) -> None:
    found, said = pruned(subject, criteria.synflow(), Rules(0.0005))
    assert "No weight is left" not in told(said)
    images = torch.rand(2, *DATA.in_shape)
    assert torch.allclose(found.compact().eval()(images), found.network.eval()(images), atol=1e-5)


def test_its_rounds_are_said_while_they_go_on(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.profiling.pulse.Pulse.due", lambda pulse: True)
    _, said = pruned(subject, criteria.synflow(Rounds(7)), Rules(0.5))
    assert [event.done for event in said if isinstance(event, Progress)][-1] == 7


def test_a_network_with_nothing_to_prune_is_refused_in_words(subject: Subject) -> None:
    from torch import nn

    from worker.dnn.form import trace

    only = trace(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)))
    with pytest.raises(ValueError, match="nothing to prune"):
        pruned(replace(subject, network=only), criteria.magnitude(), Rules(0.5))
    assert pruned(replace(subject, network=only), criteria.magnitude(), Rules(0.5, classifier=True))[0].zeros == 0.5


def test_any_search_of_ones_own_can_be_used(subject: Subject) -> None:
    def first(subject: Subject, weights: dict[str, torch.Tensor], rules: Rules) -> Generator[Event, None, Any]:
        turned = {name: 1 / score for name, score in magnitude(weights).items()}
        return (yield from criteria.searched(subject, weights, rules, lambda network, given: turned))

    smallest, _ = pruned(subject, first, Rules(0.5))
    assert same(smallest.masks, pruned(subject, criteria.magnitude(), Rules(0.5, control="invert"))[0].masks)


def test_the_data_is_the_one_the_tests_think_it_is() -> None:
    assert isinstance(DATA, Data) and len(DATA.parts["train"]) > 1000
