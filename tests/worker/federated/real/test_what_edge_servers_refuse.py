"""What a device sends that does not belong is refused in a sentence, and harms nobody: the next one is served as ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.worker.federated.real.by_hand import Stage, stage
from tests.worker.federated.real.three import BATCH
from worker.federated.real.words import GONE, GRADIENT, LABELS, SENT, SORRY, UPDATE, WORK, activations, state_in
from worker.federated.states import same
from worker.links.frames import Frame


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, "a") as found:
        found.round(found.work())
        yield found


def good(one: Stage, batch: int = 0) -> Frame:
    """A batch as a device may send it."""
    shape = one.edges["a"].half(one.work()).shape  # type: ignore[union-attr]
    return activations(one.work(), batch, torch.ones(BATCH, *shape), torch.zeros(BATCH, dtype=torch.int64))


def with_facts(**facts: Any) -> Callable[[Frame], Frame]:
    return lambda frame: replace(frame, facts=frame.facts | facts)


def with_tensor(name: str, change: Callable[[Any], Any]) -> Callable[[Frame], Frame]:
    return lambda frame: replace(frame, tensors={**frame.tensors, name: change(frame.tensors[name])})


BAD = {
    "a batch ahead": (with_facts(batch=1), "Batch 0 is to come; got 1."),
    "a batch that is no number": (with_facts(batch="0"), "batch is a whole number; got '0'."),
    "another round": (with_facts(round=2), "No batch of round 2 is expected here."),
    "a layout that is none": (with_facts(how={"axes": [0, 0, 7, 1]}), "cannot be read as"),
    "a layout of words": (with_facts(how={"axes": "abcd", "shape": [None] * 4}), ""),
    "no layout": (with_facts(how=None), "says how it is laid out"),
    "another shape": (with_facts(how={"axes": [0, 1, 2, 3], "shape": [BATCH, 1, 1, 1]}), ""),
    "one number for a million images": (lambda frame: replace(
        frame, facts=frame.facts | {"how": {"axes": [0, 1, 2, 3], "shape": [1_000_000, 1, 1, 1]}},
        tensors={**frame.tensors, SENT: np.ones((1, 1, 1, 1), np.float32)}), "A batch is up to"),
    "other numbers": (with_tensor(SENT, lambda each: each.astype(np.float64)), "float32; got"),
    "a label too many": (with_tensor(LABELS, lambda each: np.append(each, 0)), "a label for each image"),
    "a label of no class": (with_tensor(LABELS, lambda each: each + 10), "Labels are from 0 to 9; got 10 to 10."),
    "labels as fractions": (with_tensor(LABELS, lambda each: each.astype(np.float32)), "a label for each image"),
    "no tensors": (lambda frame: replace(frame, tensors={}), "has the tensor 'sent'"),
    "something else": (lambda frame: replace(frame, kind="pickle"), "does not know what to do with a frame 'pickle'."),
}


@pytest.mark.parametrize("case", BAD)
def test_a_batch_that_does_not_fit_is_refused_and_the_next_device_is_served(one: Stage, case: str) -> None:
    change, why = BAD[case]
    with one.call("a") as wire:
        assert wire.receive().kind == WORK
        wire.send(change(good(one)))
        said = wire.receive()
    assert said.kind == SORRY
    assert why in said.facts["why"]
    one.device({"a": one.address("a")})
    assert same(state_in(one.next(UPDATE)[1]), one.unmoved)


@pytest.mark.parametrize(("facts", "why"), [
    ({"client": "nobody"}, "'nobody' has nothing to do here in round 1."), ({"round": 0}, "nothing to do here in round 0."),
    ({"batch": 3}, "Nothing is known here of pi in round 1."), ({"batch": None}, "batch is a whole number"),
    ({"round": "1"}, "round is a whole number"), ({"client": ["pi"]}, "")])
def test_a_greeting_that_does_not_fit_is_refused(one: Stage, facts: dict[str, Any], why: str) -> None:
    with one.call("a", **facts) as wire:
        said = wire.receive()
    assert said.kind == SORRY
    assert why in said.facts["why"]


def test_the_same_batch_again_is_answered_as_before_without_a_step(one: Stage) -> None:
    with one.call("a") as wire:
        wire.receive()
        answers = []
        for _ in range(2):
            wire.send(good(one))
            answers.append(wire.receive())
        wire.send(good(one, 1))
        assert wire.receive().facts["batch"] == 1
    first, again = answers
    assert first.kind == again.kind == GRADIENT
    assert all(np.array_equal(first.tensors[name], again.tensors[name]) for name in first.tensors)


def test_who_calls_again_takes_the_place_of_its_older_connection(one: Stage) -> None:
    with one.call("a") as older:
        older.receive()
        one.device({"a": one.address("a")})
        assert one.next(GONE)[1].facts["newest"] is False
        assert same(state_in(one.next(UPDATE)[1]), one.unmoved)
