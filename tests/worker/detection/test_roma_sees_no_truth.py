"""Nothing that chooses can reach what is really there."""

from __future__ import annotations

import ast
import gc
from pathlib import Path
from typing import Any

import numpy as np

import worker.detection.policies
from tests.quiet import syntax_of
from tests.worker.detection.filmed import FPS, NOMINAL_MS, footage, known, machine, video
from worker.detection.boxes import Detections
from worker.detection.policies.roma import Roma
from worker.detection.rehearsal import Footage, Policy, Told, rehearse
from worker.detection.study import Study

FILMED = video("a: 60 frames, heights 30 to 120 px, speed 0.05, 6 objects")
DEAD_ENDS = ("module", "function", "builtin_function_or_method")
TRUTHFUL = {"video", "study", "oracle", "emulated"}


def reachable(thing: Any) -> list[Any]:
    """Every object that can be come to from this one, but for modules, classes and functions."""
    found, ahead = {}, [thing]
    while ahead:
        each = ahead.pop()
        if id(each) in found or isinstance(each, type) or type(each).__name__ in DEAD_ENDS:
            continue
        found[id(each)] = each
        ahead.extend(gc.get_referents(each))
    return list(found.values())


class Spying(Roma):
    """ROMA that looks, at every frame, at all it could reach."""

    def learn(self, told: Told) -> None:
        super().learn(told)
        truths = {id(boxes) for boxes in FILMED.truth} | {id(boxes.base) for boxes in FILMED.truth}
        for each in (*reachable(self), *reachable(told)):
            assert id(each) not in truths
            assert not isinstance(each, Footage | Study)
            assert not (isinstance(each, np.ndarray) and each.base is not None and id(each.base) in truths)


def test_nothing_that_a_policy_holds_or_is_told_leads_to_the_truth() -> None:
    rehearse(Spying(known(), NOMINAL_MS, FPS), footage(FILMED), machine())


def test_the_spy_would_find_it() -> None:
    assert any(each is FILMED.truth[0] for each in reachable({"deep": [Detections(FILMED.truth[0])]}))


def test_policies_import_nothing_that_knows_the_truth() -> None:
    for path in Path(worker.detection.policies.__file__).parent.glob("*.py"):
        imported = {node.module or "" for node in ast.walk(syntax_of(path)) if isinstance(node, ast.ImportFrom)}
        assert not {name.rpartition(".")[2] for name in imported} & TRUTHFUL, path


def test_other_truth_with_the_same_detections_changes_no_choice() -> None:
    def chosen(policy: Policy) -> list[tuple[int, int]]:
        return [(step.frame, step.detector) for step in rehearse(policy, watched, machine())]

    filmed = video("a: 60 frames, heights 30 to 120 px, speed 0.05, 6 objects")
    watched = footage(filmed)
    first = chosen(Roma(known(), NOMINAL_MS, FPS))
    filmed.truth[:] = [boxes * 3 for boxes in filmed.truth]
    assert chosen(Roma(known(), NOMINAL_MS, FPS)) == first
