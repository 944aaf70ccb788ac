"""What an edge server takes in of another one: the same state twice is one, an older or a strange one is refused."""

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
from worker.federated.flight import GRADIENT
from worker.federated.real.desk import Desk
from worker.federated.real.words import ACK, SORRY, activations, digest
from worker.links.frames import Frame


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, "b") as found:
        found.round(found.work())
        yield found


@pytest.fixture
def state(one: Stage) -> Callable[[int], Frame]:
    """Of the client behind a batch, as another server packs it."""

    def packed(batch: int) -> Frame:
        half = one.edges["b"].half(replace(one.work(), client="elsewhere"))
        assert half is not None
        desk = Desk.begun(one.work(), half, one.before)
        for number in range(batch + 1):
            sent, labels = torch.ones(BATCH, *half.shape), torch.zeros(BATCH, dtype=torch.int64)
            desk.serve(activations(one.work(), number, sent, labels), 0.0)
        desk.close()
        return desk.packed()

    return packed


def told(one: Stage, frame: Frame) -> Frame:
    with one.setup("a").reach(one.address("b")) as wire:
        wire.send(frame)
        return wire.receive()


def test_the_hash_of_what_was_taken_in_comes_back(one: Stage, state: Callable[[int], Frame]) -> None:
    said = told(one, state(1))
    assert (said.kind, said.facts) == (ACK, {"hash": digest(state(1))})


def test_the_same_state_again_makes_no_difference_to_a_client_that_went_on(one: Stage, state: Callable[[int], Frame]) -> None:
    first = told(one, state(1))
    with one.call("b", batch=1) as wire:
        assert wire.receive().facts["batch"] == 1
        half = one.edges["b"].half(one.work())
        assert half is not None
        wire.send(activations(one.work(), 2, torch.ones(BATCH, *half.shape), torch.zeros(BATCH, dtype=torch.int64)))
        assert wire.receive().facts["batch"] == 2
        assert told(one, state(1)).facts == first.facts
        known = one.edges["b"].known("pi")
        assert known is not None
        assert known.batch == 3


def test_an_older_state_is_refused(one: Stage, state: Callable[[int], Frame]) -> None:
    told(one, state(2))
    assert "further than that" in told(one, state(0)).facts["why"]


def in_ticket(**facts: Any) -> Callable[[Frame], Frame]:
    return lambda frame: replace(frame, facts=frame.facts | {"ticket": frame.facts["ticket"] | facts})


def tensors(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Frame], Frame]:
    return lambda frame: replace(frame, tensors=change(dict(frame.tensors)))


BAD = {
    "a stranger's": in_ticket(client="nobody"),
    "another round's": in_ticket(round=0),
    "of another cut": in_ticket(cut="features.0"),
    "of another draw": in_ticket(draw="x"),
    "of another batch than it has": in_ticket(batch=7),
    "a ticket of words": in_ticket(batch="1"),
    "no ticket": lambda frame: replace(frame, facts={}),
    "other terms": lambda frame: replace(frame, facts=frame.facts | {"terms": {}}),
    "another version": lambda frame: replace(frame, facts=frame.facts | {"version": 9}),
    "a tensor less": tensors(lambda each: dict(list(each.items())[1:])),
    "a tensor more": tensors(lambda each: {**each, "weight/x": np.ones(1)}),
    "no gradient": tensors(lambda each: {name: found for name, found in each.items() if name != GRADIENT}),
    "another gradient": tensors(lambda each: each | {GRADIENT: np.ones((1, 2, 1, 1), np.float32)}),
}


@pytest.mark.parametrize("case", BAD)
def test_a_state_that_does_not_fit_is_refused_and_a_good_one_is_taken_in_after_it(
        one: Stage, state: Callable[[int], Frame], case: str) -> None:
    said = told(one, BAD[case](state(1)))
    assert said.kind == SORRY
    assert said.facts["why"]
    assert told(one, state(1)).kind == ACK
