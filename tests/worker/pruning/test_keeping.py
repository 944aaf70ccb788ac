"""A run that goes on takes what pruning found from its checkpoint, whatever scores taken anew would say."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.worker.clockless import numbers
from worker import datasets, menu
from worker.context import Context, DatasetInput
from worker.dnn import architectures
from worker.events import Event, Finished, Log, Progress
from worker.executor import execute
from worker.flags import resolve
from worker.pruning import criteria, drive, keeping, unstructured
from worker.pruning.keeping import kept
from worker.pruning.pruned import Prune, Pruned, Subject
from worker.pruning.unstructured import Rules
from worker.sparsity import gradients
from worker.training.settings import Settings

DATA = datasets.load(DatasetInput("digits"))
METHODS: dict[str, Prune] = {
    "magnitude": lambda subject: unstructured.prune(subject, criteria.magnitude(), Rules(0.3, round_to=4)),
    "snip": lambda subject: unstructured.prune(subject, criteria.snip(2), Rules(0.2)),
    "reinitialised": lambda subject: unstructured.prune(subject, criteria.magnitude(), Rules(0.3, control="reinitialise")),
    "rewound": lambda subject: drive.prune(subject, Rules(0.3), drive.Knobs(rounds=criteria.Rounds(2), after="rewind")),
}


def subject(folder: Path) -> Subject:
    network, before = (architectures.build("lenet5", 10, DATA.in_shape, seed=seed) for seed in (1, 2))
    return Subject(network, DATA, Settings(1), Context(folder), initial=copy.deepcopy(before.state_dict()))


def heard(events: Generator[Event, None, Pruned]) -> tuple[Pruned, list[Event]]:
    said: list[Event] = []
    while True:
        try:
            said.append(next(events))
        except StopIteration as end:
            return end.value, said


def refuses(subject: Subject) -> Generator[Event, None, Pruned]:
    raise AssertionError("pruned again")
    yield


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_second_attempt_has_the_very_network_masks_and_words_of_the_first(method: Prune, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    (first, said), (second, again) = (heard(kept(way, subject(tmp_path))) for way in (method, refuses))
    assert said == again and any(isinstance(event, Log) for event in said)
    one, other = first.network.state_dict(), second.network.state_dict()
    assert all(one[name].numpy().tobytes() == other[name].numpy().tobytes() for name in one)  # the signs of zeros too
    assert all(torch.equal(first.masks[name], second.masks[name]) for name in first.masks) and first.masks
    beside = [field.name for field in fields(Pruned) if field.name not in ("network", "masks")]
    assert [getattr(first, name) for name in beside] == [getattr(second, name) for name in beside]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_what_is_kept_is_what_the_method_handed_over(method: Prune, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    (plain, _), (found, _) = heard(method(subject(tmp_path / "plain"))), heard(kept(method, subject(tmp_path / "kept")))
    plain.hold()
    assert all(torch.equal(tensor, found.network.state_dict()[name]) for name, tensor in plain.network.state_dict().items())
    assert all(torch.equal(mask, found.masks[name]) for name, mask in plain.masks.items())
    assert (plain.density, plain.round_to, plain.redrawn, plain.rewound, plain.spent) == (
        found.density, found.round_to, found.redrawn, found.rewound, found.spent)
    assert found.seconds is not None and found.seconds > 0


def test_a_method_without_masks_prunes_again(tmp_path: Path) -> None:
    def narrows(subject: Subject) -> Generator[Event, None, Pruned]:
        yield Log(message="Narrower.")
        return Pruned(subject.network, {})

    for _ in range(2):
        assert [event.type for event in heard(kept(narrows, subject(tmp_path)))[1]] == ["log"]
    assert Context(tmp_path).checkpoints.last(keeping.NAME) is None


def test_a_checkpoint_of_seconds_alone_is_left_and_pruning_done_again(tmp_path: Path) -> None:
    """As runs have it that were begun before masks were kept."""
    given = subject(tmp_path)
    given.checkpoints.save(keeping.NAME, 0, b"", {"seconds": 4.0})
    assert heard(kept(METHODS["magnitude"], given))[0].masks
    assert given.checkpoints.last(keeping.NAME) == (0, b"", {"seconds": 4.0})


def start(folder: Path, **changes: Any) -> Iterator[Event]:
    torch.set_num_threads(1)
    given = {"model": "lenet5", "dataset": "digits", "sparsity": 0.8, "epochs": 2, "reference": False, "images_per_class": 2}
    params = menu.get("pruning.snip").params.model_validate(given | changes)
    return execute(menu.get("pruning.snip"), params, Context(folder, inputs=resolve(params), seed=params.seed))


def logs(events: list[Event]) -> list[str]:
    """What is said of the pruning; the sentence that begins with So far tells measured times, which differ."""
    messages = [event.message for event in events if isinstance(event, Log)]
    return [message for message in messages if "weights" in message and not message.startswith("So far")]


def test_a_run_whose_scores_come_out_otherwise_goes_on_under_the_mask_it_trained_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = list(start(tmp_path / "whole"))
    said: list[Event] = []
    running = start(tmp_path / "stopped")
    for event in running:
        said.append(event)
        if isinstance(event, Progress) and event.stage == "epochs" and event.done >= 1:
            break
    running.close()  # type: ignore[attr-defined]
    snip = gradients.snip
    monkeypatch.setattr(gradients, "snip", lambda *a, **k: {name: 1 - score for name, score in snip(*a, **k).items()})
    after = list(start(tmp_path / "stopped"))
    assert isinstance(after[-1], Finished) and isinstance(whole[-1], Finished)
    assert numbers(said + after) == numbers(whole) and logs(after) == logs(whole)
    assert after[-1].summary["accuracy_after"] == whole[-1].summary["accuracy_after"]
