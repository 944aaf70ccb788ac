"""What the edge holds after each round: as many changed weights as may be, never a worse network, the same after a kill."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from worker.context import Checkpoints
from worker.dnn import export
from worker.events import Event, Metric
from worker.updating.change import applied, read, sha256
from worker.updating.course import Course
from worker.updating.places import places
from worker.updating.ways import Outcome, Round, Way, full, partial, pruning, random


def alike(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def changed(old: bytes, new: bytes) -> int:
    """Weights of convolutions and matrices that differ between two files."""
    return sum(int((place.of(old) != place.of(new)).sum()) for place in places(old) if place.is_weight)


def weights(course: Course) -> int:
    return sum(place.size for place in places(course.exported) if place.is_weight)


def versions(course: Course) -> list[bytes]:
    """Every file that the edge had, made of the updates alone."""
    there = [course.exported]
    for _, update in sorted(course.edges[0].updates.items()):
        change = read(update)
        there.append(applied(there[-1] if change.base != read_base(course) else course.exported, change))
    return there


def read_base(course: Course) -> str:
    return sha256(course.exported)


def test_all_weights_and_no_second_step_are_full_updating(follow: Any) -> None:
    course = follow(partial("dpu", 1.0, restart="always"), full("full"), epochs=1, tuning=0)
    first, second = course.edges
    assert alike(first.held, second.held)
    assert first.tested == second.tested


def test_no_weights_leave_every_one_as_it_was(follow: Any) -> None:
    course = follow(partial("dpu", 0.0))
    assert changed(course.exported, course.file(course.edges[0])) == 0
    assert course.file(course.edges[0]) != course.exported  # biases and batch-norm learned


@pytest.mark.parametrize("ratio", [0.005, 0.05, 0.3])
@pytest.mark.parametrize("mode", ["dpu", "gcpu", "lcpu"])
def test_no_more_weights_change_in_a_round_than_may(follow: Any, ratio: float, mode: Any) -> None:
    course = follow(partial(mode, ratio, mode=mode), epochs=4, tuning=3, rounds=1, first=400)
    assert course.edges[0].updates
    for update in course.edges[0].updates.values():
        assert 0 < read(update).account.count <= int(ratio * weights(course))


def test_by_lot_each_layer_changes_by_its_share_at_most(follow: Any) -> None:
    course = follow(random("random", 0.1), epochs=4, tuning=2, rounds=1, first=400)
    before, after = course.exported, course.file(course.edges[0])
    for place in places(before):
        if place.is_weight:
            assert 0 < int((place.of(before) != place.of(after)).sum()) <= round(0.1 * place.size)


def test_pruned_weights_are_zero_and_only_the_others_are_sent(follow: Any) -> None:
    course = follow(pruning("pruning", 0.1), epochs=1, tuning=1, rounds=2)
    body, (*_, last) = course.file(course.edges[0]), course.edges[0].accounts
    alive = sum(int(np.count_nonzero(place.of(body).view(np.float32))) for place in places(body) if place.is_weight)
    assert alive <= int(0.1 * weights(course))
    sent = [account for account in course.edges[0].accounts if account]
    assert sent[-1].count == alive
    assert last is None or last.count == alive


@pytest.mark.parametrize(
    "way", [partial("dpu", 0.05), random("random", 0.05), pruning("pruning", 0.05)], ids=lambda way: way.name)
def test_the_updates_alone_make_of_the_first_file_the_servers_own(follow: Any, way: Way, tmp_path: Path) -> None:
    course = follow(way, first=60, more=70)
    files = versions(course)
    assert files[-1] == course.file(course.edges[0])
    course.network.load_state_dict(course.edges[0].held)
    export.to_onnx(course.network, (1, 8, 8), tmp_path / "servers.onnx")
    assert files[-1] == (tmp_path / "servers.onnx").read_bytes()


def test_the_edge_never_gets_a_network_that_is_worse_on_the_validation_part(follow: Any) -> None:
    ways = partial("dpu", 0.02), full("full"), random("random", 0.02), pruning("pruning", 0.02)
    course = follow(*ways, epochs=1, tuning=1, rounds=4, first=60, more=70)
    for edge in course.edges:
        curve = [metric.value for metric in course.said
                 if metric.name == "edge_validation_accuracy" and metric.labels["variant"] == edge.way.name]
        assert len(curve) == 4
        assert curve == sorted(curve)


def test_what_is_worse_is_not_sent_and_the_server_goes_on_from_what_the_edge_has(follow: Any) -> None:
    begun_with: list[dict[str, torch.Tensor]] = []

    def spoil(around: Round) -> Generator[Event, None, Outcome]:
        """Fine in the first round, ruinous in the second, whatever it says of itself."""
        begun_with.append(around.learner.state())
        yield from around.learner.epoch(1, 1)
        found = yield from around.learner.validated()
        outcome = Outcome(replace(found, correct=0))
        if len(begun_with) == 2:
            around.learner.set({name: torch.zeros_like(value) for name, value in around.learner.values().items()})
            found = yield from around.learner.validated()
        outcome.offer(around.learner, found, equal=True)
        return outcome

    course = follow(Way("spoiling", spoil, "never"), first=300)
    edge = course.edges[0]
    assert [account is not None for account in edge.accounts][:2] == [True, False]
    assert alike(begun_with[1], begun_with[2])
    assert edge.tested[0] == edge.tested[1]
    assert [metric.value for metric in course.said if metric.name == "sent_bytes"][1] == 0


def test_a_round_begins_with_the_first_network_again_when_the_images_have_doubled(follow: Any) -> None:
    course = follow(partial("dpu", 0.3), rounds=4, first=60, more=70)  # 60, 130, 200, 270: anew at 60, 130 and 270
    bases = {number: read(update).base == read_base(course) for number, update in course.edges[0].updates.items()}
    assert bases.get(1, True)
    assert not bases.get(2, False)
    assert bases.get(3, True)
    assert len(bases) > 1


def test_the_test_part_decides_nothing(follow: Any, digits: Any, tmp_path: Path) -> None:
    course = follow(partial("dpu", 0.05))
    other = dict(digits.parts) | {"test": replace(digits.parts["test"], labels=9 - digits.parts["test"].labels)}
    again = Course(course.network, replace(digits, parts=other), course.plan, course.exported, course.initial)
    list(again.follow([partial("dpu", 0.05)]))
    list(again.rounds(Checkpoints(tmp_path / "again"), "again"))
    assert alike(course.edges[0].held, again.edges[0].held)
    assert course.edges[0].tested != again.edges[0].tested


class Killed(Exception):
    pass


@pytest.mark.parametrize("after", [1, 2])
def test_killed_after_a_round_it_ends_with_the_same_bits(follow: Any, tmp_path: Path, after: int) -> None:
    ways = (partial("dpu", 0.05), full("full"))
    straight = follow(*ways)
    checkpoints = Checkpoints(tmp_path / "killed", lambda _, step: _die(step, after))
    with pytest.raises(Killed):
        follow(*ways, checkpoints=checkpoints)
    resumed = follow(*ways, checkpoints=Checkpoints(tmp_path / "killed"))
    for one, other in zip(straight.edges, resumed.edges, strict=True):
        assert alike(one.held, other.held)
        assert (one.accounts, one.tested, one.updates) == (other.accounts, other.tested, other.updates)
    assert straight.said == resumed.said


def _die(step: int, after: int) -> None:
    if step == after:
        raise Killed


def test_a_data_set_without_a_validation_part_is_refused(follow: Any, digits: Any) -> None:
    course = follow(partial("dpu", 0.05), epochs=1, tuning=0, rounds=1)
    empty = replace(digits.parts["validation"], images=digits.parts["validation"].images[:0],
                    labels=digits.parts["validation"].labels[:0])
    bare = Course(course.network, replace(digits, parts=dict(digits.parts) | {"validation": empty}), course.plan,
                  course.exported, course.initial)
    with pytest.raises(ValueError, match="no validation part"):
        list(bare.follow([partial("dpu", 0.05)]))


def test_the_bytes_told_are_those_of_the_files(follow: Any) -> None:
    course = follow(partial("dpu", 0.05))
    told = [metric.value for metric in course.said if isinstance(metric, Metric) and metric.name == "sent_bytes"]
    assert [value for value in told if value] == [len(update) for _, update in sorted(course.edges[0].updates.items())]
    assert course.edges[0].sent_bytes == sum(told)
