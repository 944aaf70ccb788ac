"""SynFlow's scores are a flow: what goes into a neuron comes out of it, and each layer carries all of it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import fx, nn

from tests.worker.sparsity.networks import SHAPE, chain, drawn, same_masks
from worker.dnn import architectures
from worker.dnn.spec import module_at
from worker.sparsity.masks import everything, prunable
from worker.sparsity.schedules import exponential
from worker.sparsity.scores import Scores
from worker.sparsity.selection import select
from worker.sparsity.synflow import Flow, masks_of, ranked, rounds, synflow


def all_of(network: fx.GraphModule, shape: tuple[int, ...] = SHAPE) -> tuple[Scores, float]:
    """The scores of all layers, the last too, and the whole flow."""
    flow = Flow(network, prunable(network, classifier=True), shape)
    return flow.scores(), float(flow.network(flow.ones).sum().detach())


def share(network: fx.GraphModule, parameters: list[str], shape: tuple[int, ...] = SHAPE) -> dict[str, float]:
    """The scores of other parameters of the flowing twin, added up for each."""
    flow = Flow(network, prunable(network, classifier=True), shape)
    chosen = [flow.network.get_parameter(name).requires_grad_() for name in parameters]
    gradients = torch.autograd.grad(flow.network(flow.ones).sum(), chosen)
    return {name: float((one.detach() * by).sum()) for name, one, by in zip(parameters, chosen, gradients, strict=True)}


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_without_biases_every_layer_carries_the_whole_flow(norm: bool, seed: int) -> None:
    network = chain(norm=norm, seed=seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in ("1.bias", "5.bias"):
                parameter.zero_()
    scores, flow = all_of(network)
    assert {name: float(score.sum()) for name, score in scores.items()} == pytest.approx(dict.fromkeys(scores, flow), rel=1e-12)
    if norm:
        assert share(network, ["1.weight", "5.weight"]) == pytest.approx({"1.weight": flow, "5.weight": flow}, rel=1e-12)


def test_with_biases_a_layer_and_the_biases_from_it_on_carry_the_whole_flow() -> None:
    network = chain(bias=True, norm=False)
    scores, flow = all_of(network)
    layers = list(scores)
    biases = share(network, [f"{name}.bias" for name in layers])
    for place, name in enumerate(layers):
        carried = float(scores[name].sum()) + sum(biases[f"{later}.bias"] for later in layers[place:])
        assert carried == pytest.approx(flow, rel=1e-12)
    assert all(value > 0 for value in biases.values())


def test_what_flows_into_a_neuron_flows_out_of_it() -> None:
    scores, _ = all_of(chain(norm=False))
    assert torch.allclose(scores["0"].sum((1, 2, 3)), scores["4"].sum((0, 2, 3)), rtol=1e-12)
    assert torch.allclose(scores["4"].sum((1, 2, 3)), scores["9"].sum(0), rtol=1e-12)
    assert torch.allclose(scores["9"].sum(1), scores["11"].sum(0), rtol=1e-12)


def test_every_cut_through_a_residual_network_carries_the_whole_flow() -> None:
    network = architectures.build("resnet20", width=0.25, seed=1)
    scores, flow = all_of(network, (3, 32, 32))
    carried = {name: float(score.sum()) for name, score in scores.items()}
    assert carried["conv1"] == pytest.approx(flow) and carried["fc"] == pytest.approx(flow)
    assert carried["stages.1.0.conv2"] + carried["stages.1.0.downsample.0"] == pytest.approx(flow)
    assert carried["stages.1.0.conv1"] + carried["stages.1.0.downsample.0"] == pytest.approx(flow)
    assert carried["stages.0.1.conv1"] < 0.99 * flow  # the rest passes beside it


def test_scores_are_double_precise_and_never_negative() -> None:
    for score in synflow(chain(bias=True).float(), ["0", "4"], SHAPE).values():
        assert score.dtype == torch.float64 and float(score.min()) >= 0


def test_the_score_of_a_network_worked_out_by_hand() -> None:
    network = drawn(nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False)), 1)
    with torch.no_grad():
        module_at(network, "1").weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 0.5]]))
        module_at(network, "3").weight.copy_(torch.tensor([[-2.0, 4.0]]))
    scores = synflow(network, ["1", "3"], (2, 1, 1))
    assert scores["1"].tolist() == [[2.0, 4.0], [12.0, 2.0]]
    assert scores["3"].tolist() == [[6.0, 14.0]]


def test_signs_weights_statistics_and_mode_of_the_network_are_what_they_were() -> None:
    network = chain(bias=True).train()
    network.get_submodule("1").running_mean.fill_(3.0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    flow = Flow(network, prunable(network), SHAPE)
    assert len(list(rounds(flow, exponential(0.1, 5)))) == 5
    assert same_masks(before, network.state_dict()) and network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_running_statistics_of_batch_norm_do_not_count() -> None:
    network, trained = chain(), chain()
    trained.get_submodule("1").running_mean.fill_(3.0)
    trained.get_submodule("5").running_var.fill_(9.0)
    assert same_masks(synflow(network, ["0", "9"], SHAPE), synflow(trained, ["0", "9"], SHAPE))


def test_weights_that_are_no_numbers_are_refused_in_words() -> None:
    network = chain()
    with torch.no_grad():
        module_at(network, "4").weight[0] = float("nan")
    with pytest.raises(ValueError, match="no finite number"):
        synflow(network, ["0"], SHAPE)


def plainly(network: fx.GraphModule, densities: list[float], shape: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """A round at a time as the paper has it: score, rank everything, mask."""
    weights = prunable(network)
    masks, signs = everything(weights), {name: weight.detach().clone() for name, weight in weights.items()}
    for density in densities:
        masks = select(synflow(network, weights, shape), masks, density=density)
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(signs[name] * masks[name])
    return masks


@pytest.mark.parametrize(("name", "width"), [("lenet5", 1.0), ("vgg11", 0.25), ("resnet20", 0.5)])
def test_the_rounds_keep_the_weights_that_ranking_all_of_them_would(name: str, width: float) -> None:
    network, densities = architectures.build(name, width=width, seed=2), exponential(0.03, 12)
    flow = Flow(network, prunable(network), (3, 32, 32))
    *_, living = rounds(flow, densities)
    assert same_masks(masks_of(flow, living), plainly(network, densities, (3, 32, 32)))


@settings(deadline=None, max_examples=20)
@given(st.floats(0.01, 1.0), st.integers(1, 8), st.integers(0, 100))
def test_each_round_leaves_exactly_as_many_as_it_should_and_only_some_that_lived(density: float, count: int, seed: int) -> None:
    flow = Flow(chain(seed=seed), ["0", "4", "9"], SHAPE)
    before = None
    for asked, living in zip(exponential(density, count), rounds(flow, exponential(density, count)), strict=True):
        assert living.count == int(living.alive.sum()) == round(asked * living.alive.size)
        assert before is None or not bool((living.alive & ~before).any())
        before = living.alive.copy()


def test_layer_by_layer_every_layer_keeps_its_part() -> None:
    flow = Flow(chain(), ["0", "4", "9"], SHAPE)
    *_, masks = ranked(flow, exponential(0.2, 4), "local")
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"0": 18, "4": 54, "9": 8}


def test_inverted_the_weights_that_carry_least_stay() -> None:
    network = chain()
    scores = synflow(network, ["0", "4", "9"], SHAPE)
    masks = next(ranked(Flow(network, ["0", "4", "9"], SHAPE), [0.3], "global", invert=True))
    kept, gone = (torch.cat([score[masks[name] == way] for name, score in scores.items()]) for way in (True, False))
    assert kept.max() <= gone.min()
