"""The agent: what it learns from, what it draws, and that it goes on from where it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from worker.federated.adapt.agent import Agent, Step, returns_of, standardised
from worker.federated.adapt.knobs import PUBLISHED, Knobs

KNOBS = replace(PUBLISHED, discount=0.0, epochs_an_update=5)


def steps(*told: tuple[float, bool], groups: int = 3) -> list[Step]:
    return [Step(torch.zeros(2 * groups), torch.zeros(groups), reward, done) for reward, done in told]


def lived(agent: Agent, count: int = 6) -> list[Step]:
    """Rounds whose reward grows with the first action."""
    seen = np.linspace(0.1, 0.6, 6)
    drawn = [agent.explore(seen) for _ in range(count)]
    return [Step(torch.from_numpy(seen).float(), action, float(action[0]), False) for action in drawn]


def test_returns_discount_what_comes_later_and_end_with_the_episode() -> None:
    told = steps((1.0, False), (2.0, True), (4.0, False), (8.0, False))
    assert returns_of(told, 0.5).tolist() == [2.0, 2.0, 8.0, 8.0]
    assert returns_of(told, 0.0).tolist() == [1.0, 2.0, 4.0, 8.0]


def test_returns_are_standardised_over_the_steps_of_an_update() -> None:
    found = standardised(torch.tensor([1.0, 2.0, 3.0]))
    assert found.tolist() == pytest.approx([-1, 0, 1], abs=1e-4)
    assert standardised(torch.full((4,), 7.0)).tolist() == [0.0] * 4


@pytest.mark.parametrize("updates, spread", [(0, 0.5), (20, 0.5), (21, 0.45), (22, 0.405), (50, 0.5 * 0.9**30)])
def test_the_spread_stays_for_twenty_updates_and_then_shrinks(updates: int, spread: float) -> None:
    assert Knobs().spread_after(updates) == pytest.approx(spread)


def test_the_networks_are_those_of_the_paper() -> None:
    agent = Agent(3, KNOBS)
    assert [tuple(weight.shape) for weight in agent.actor.parameters()] == [(64, 6), (64,), (32, 64), (32,), (3, 32), (3,)]
    assert [tuple(weight.shape) for weight in agent.critic.parameters()] == [(64, 6), (64,), (32, 64), (32,), (1, 32), (1,)]
    assert [type(layer).__name__ for layer in agent.actor] == ["Linear", "Tanh", "Linear", "Tanh", "Linear", "Sigmoid"]


def test_bandwidths_that_are_seen_are_inputs() -> None:
    assert Agent(3, replace(KNOBS, bandwidth_seen=True)).exploit(np.zeros(9)).shape == (3,)


def test_what_it_draws_lies_round_what_it_would_do() -> None:
    agent, seen = Agent(2, replace(KNOBS, spread=0.1)), np.full(4, 0.5)
    drawn = torch.stack([agent.explore(seen) for _ in range(2000)])
    assert drawn.mean(dim=0).numpy() == pytest.approx(agent.exploit(seen), abs=0.01)
    assert drawn.std(dim=0).tolist() == pytest.approx([0.1, 0.1], rel=0.1)


def test_an_update_makes_what_was_rewarded_likelier() -> None:
    agent, seen = Agent(3, replace(KNOBS, epochs_an_update=50)), np.linspace(0.1, 0.6, 6)
    before = agent.exploit(seen)
    for _ in range(5):
        agent.update(lived(agent, 10))
    assert agent.exploit(seen)[0] > before[0] + 0.05


@pytest.mark.parametrize("epochs", [1, 40])
def test_an_update_is_that_of_torchs_own_distributions_and_optimiser(epochs: int) -> None:
    knobs = replace(KNOBS, epochs_an_update=epochs, spread=0.4, rate=1e-3)
    agent, other = Agent(3, knobs), Agent(3, knobs)
    rounds = lived(agent)
    seen, actions = torch.stack([step.seen for step in rounds]), torch.stack([step.action for step in rounds])
    weights = [*other.actor.parameters(), *other.critic.parameters()]
    adam, returns = torch.optim.Adam(weights, lr=1e-3, fused=False, foreach=False), standardised(returns_of(rounds, 0.0))
    before, clipped = torch.distributions.Normal(other.actor(seen), 0.4).log_prob(actions).sum(1).detach(), False
    for _ in range(epochs):
        density, values = torch.distributions.Normal(other.actor(seen), 0.4), other.critic(seen).squeeze(1)
        ratio, gain = (density.log_prob(actions).sum(1) - before).exp(), returns - values.detach()
        clipped |= bool(((ratio - 1).abs() > 0.2).any())
        loss = -torch.min(ratio * gain, ratio.clamp(0.8, 1.2) * gain) + 0.5 * torch.nn.functional.mse_loss(values, returns)
        adam.zero_grad()
        (loss - 0.01 * density.entropy().sum(1)).mean().backward()
        adam.step()
    agent.update(rounds)
    assert clipped == (epochs == 40)
    for made, wanted in zip([*agent.actor.parameters(), *agent.critic.parameters()], weights, strict=True):
        assert torch.allclose(made, wanted, atol=1e-4)


def test_the_same_seed_makes_the_same_agent_and_torchs_own_dice_are_left_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    agents = [Agent(3, KNOBS), Agent(3, KNOBS), Agent(3, replace(KNOBS, seed=1))]
    for agent in agents:
        agent.update(lived(agent))
    one, same, other = (agent.state() for agent in agents)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert not torch.equal(one["actor.0.weight"], other["actor.0.weight"])


@pytest.mark.parametrize("updates", [0, 2])
def test_from_its_state_it_goes_on_as_if_nothing_had_happened(updates: int) -> None:
    agent = Agent(3, KNOBS)
    for _ in range(updates):
        agent.update(lived(agent))
    again = Agent(3, replace(KNOBS, seed=5))
    again.load({name: value.clone() for name, value in agent.state().items()})
    for each in (agent, again):
        each.update(lived(each))
    assert agent.updates == again.updates == updates + 1
    assert all(torch.equal(value, again.state()[name]) for name, value in agent.state().items())


def test_a_state_does_not_change_with_the_agent_that_told_it() -> None:
    agent = Agent(3, KNOBS)
    agent.update(lived(agent))
    state = agent.state()
    kept = {name: value.clone() for name, value in state.items()}
    agent.update(lived(agent))
    assert all(torch.equal(value, kept[name]) for name, value in state.items())


def test_one_step_is_too_few_for_an_update() -> None:
    with pytest.raises(ValueError, match="at least 2 steps"):
        Knobs(steps_an_update=1)


def test_the_published_numbers_differ_in_the_discount_and_in_what_is_seen() -> None:
    assert replace(PUBLISHED, discount=0.0, relative_times=True, bandwidth_seen=True) == Knobs()
    assert (PUBLISHED.discount, PUBLISHED.relative_times, PUBLISHED.bandwidth_seen) == (0.9, False, False)
