"""The training loop learns, says so, and lets itself be stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from worker.context import Context
from worker.datasets import Data
from worker.events import Metric, Progress
from worker.training.loop import Diverged, Share, train
from worker.training.settings import Settings

Fresh = Callable[[], torch.fx.GraphModule]


def test_it_learns(fresh: Fresh, digits: Data, context: Context) -> None:
    settings = Settings(epochs=3, batch_size=32)
    events = list(train(fresh(), digits, settings, variant="net", checkpoints=context.checkpoints))
    accuracy = [event.value for event in events if isinstance(event, Metric) and event.labels["split"] == "validation"]
    assert accuracy[0] < 0.4 and accuracy[-1] > 0.8


def test_every_epoch_says_loss_and_both_accuracies_as_fractions(fresh: Fresh, digits: Data, context: Context) -> None:
    events = list(train(fresh(), digits, Settings(epochs=2), variant="net", checkpoints=context.checkpoints))
    said = {(event.name, event.labels["split"], event.step) for event in events if isinstance(event, Metric)}
    per_epoch = {("loss", "train"), ("learning_rate", "train"), ("accuracy", "train"), ("accuracy", "validation")}
    assert said == {(*each, step) for each in per_epoch for step in (1, 2)} | {("accuracy", "validation", 0)}
    assert all(0 <= event.value <= 1 for event in events if isinstance(event, Metric) and event.name == "accuracy")
    assert all(event.labels["variant"] == "net" for event in events if isinstance(event, Metric))


def test_the_order_of_the_data_depends_on_seed_and_epoch_only(
    fresh: Fresh, digits: Data, tmp_path: Path,
) -> None:
    one, two = fresh(), fresh()
    for number, network in enumerate((one, two)):
        torch.rand(number * 100)
        checkpoints = Context(tmp_path / str(number)).checkpoints
        list(train(network, digits, Settings(epochs=1), variant="net", checkpoints=checkpoints))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_hold_is_called_after_every_step(fresh: Fresh, digits: Data, context: Context) -> None:
    network = fresh()

    @torch.no_grad()
    def hold() -> None:
        next(network.parameters()).zero_()

    list(train(network, digits, Settings(epochs=1), variant="net", checkpoints=context.checkpoints, hold=hold))
    assert not bool(next(network.parameters()).any())


def test_no_second_passes_in_silence(digits: Data, context: Context) -> None:
    from worker.dnn import architectures

    network = architectures.build("resnet20", 10, digits.in_shape, seed=1)
    last, gaps = time.process_time(), []
    for _ in train(network, digits, Settings(epochs=1), variant="net", checkpoints=context.checkpoints):
        gaps.append(time.process_time() - last)
        last = time.process_time()
    # The first step of a process imports parts of torch, so the first gap is not the loop's.
    assert max(gaps[1:]) < 1.0


def test_progress_counts_the_epochs_of_the_whole_run(fresh: Fresh, digits: Data, context: Context) -> None:
    events = list(train(fresh(), digits, Settings(epochs=2), variant="net", checkpoints=context.checkpoints,
                        share=Share(before=2, total=4)))
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert (last.done, last.total) == (4, 4)


def test_a_diverging_loss_stops_with_a_remedy(fresh: Fresh, digits: Data, context: Context) -> None:
    settings = Settings(epochs=5, learning_rate=1e9, clip_norm=0)
    with pytest.raises(Diverged, match="try a learning rate below"):
        list(train(fresh(), digits, settings, variant="net", checkpoints=context.checkpoints))


def test_a_loss_that_runs_away_but_stays_finite_stops_with_a_remedy_and_says_nothing_of_its_epoch(
    fresh: Fresh, digits: Data, context: Context,
) -> None:
    settings, said = Settings(epochs=4, learning_rate=10, clip_norm=0), []
    with pytest.raises(Diverged) as end:
        for event in train(fresh(), digits, settings, variant="net", checkpoints=context.checkpoints):
            said.append(event)
    told = str(end.value)
    assert told.startswith("The training of net diverged in epoch 1: ") and "try a learning rate below 10" in told
    assert told.endswith(" and a clip norm of 1.")
    assert not [event for event in said if isinstance(event, Metric) and event.step == 1]


def test_a_large_loss_is_told_beside_that_of_guessing(fresh: Fresh, digits: Data, context: Context) -> None:
    network = fresh()
    with torch.no_grad():
        list(network.parameters())[-1][0] = 1e6
    settings = Settings(epochs=1, learning_rate=1e-9)
    with pytest.raises(Diverged, match=r"its loss is .*e\+05, and guessing has 2\.3; try a learning rate below 1e-09\.$"):
        list(train(network, digits, settings, variant="net", checkpoints=context.checkpoints))


def test_weights_that_are_no_numbers_any_more_are_a_divergence(fresh: Fresh, digits: Data, context: Context) -> None:
    network, steps = fresh(), []

    @torch.no_grad()
    def spoil() -> None:
        steps.append(1)
        if len(steps) == 19:
            next(network.parameters())[0] = float("nan")

    # Nineteen: once before the training, and twice in each of the nine steps of an epoch of 1,257 images in batches of 150.
    settings = Settings(epochs=2, batch_size=150)
    with pytest.raises(Diverged, match="some of its weights are no finite numbers"):
        list(train(network, digits, settings, variant="net", checkpoints=context.checkpoints, hold=spoil))


def test_answers_that_are_no_numbers_any_more_are_a_divergence(
    fresh: Fresh, digits: Data, context: Context,
) -> None:
    network, steps = fresh(), []

    @torch.no_grad()
    def swell() -> None:
        steps.append(1)
        if len(steps) == 19:
            for weight in network.parameters():
                weight.fill_(3e38)

    settings = Settings(epochs=1, batch_size=150)
    with pytest.raises(Diverged, match="some of its answers are no finite numbers"):
        list(train(network, digits, settings, variant="net", checkpoints=context.checkpoints, hold=swell))


def test_a_training_that_only_learns_nothing_has_not_diverged(fresh: Fresh, digits: Data, context: Context) -> None:
    settings = Settings(epochs=2, learning_rate=1e-9)
    assert list(train(fresh(), digits, settings, variant="net", checkpoints=context.checkpoints))


def test_progress_follows_the_work_where_networks_of_a_run_cost_differently(
    fresh: Fresh, digits: Data, context: Context,
) -> None:
    events = list(train(fresh(), digits, Settings(epochs=2), variant="net", checkpoints=context.checkpoints,
                        share=Share(before=2, total=4, span=(0.2, 1.0))))
    whole = [event.part for event in events if isinstance(event, Progress) and event.stage == "epochs"
             and event.done in (3, 4)]
    assert whole == [pytest.approx(0.6), pytest.approx(1.0)]


def test_progress_of_one_network_is_the_count_of_its_epochs(fresh: Fresh, digits: Data, context: Context) -> None:
    events = list(train(fresh(), digits, Settings(epochs=1), variant="net", checkpoints=context.checkpoints))
    assert {event.part for event in events if isinstance(event, Progress)} == {None}


def test_a_last_batch_of_one_joins_its_neighbour() -> None:
    from worker.training.batches import order

    batches = order(1257, 157, seed=1, epoch=1)
    assert sum(map(len, batches)) == 1257 and min(map(len, batches)) > 1
