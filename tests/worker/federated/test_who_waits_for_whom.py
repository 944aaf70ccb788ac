"""What is left of a round for a client: waiting for others, or for the server where nobody else takes part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.worker.federated.real.three import Ran, course, ran
from worker.federated.round_clock import Takes, takes


def longer(*given: Any) -> Takes:
    """As measured rounds are: the server needs a while when all are done."""
    found = takes(*given)
    return replace(found, seconds=found.seconds + 1.0)


def rests(found: Ran) -> set[str]:
    return {str(each.labels["part"]) for each in found.metrics("lane_seconds", 1) if "waits" in str(each.labels["part"])}


@pytest.mark.parametrize(("taking_part", "rest", "shares"), [
    (1.0, "waits for others", True), (0.3, "waits for the server", False)])
def test_who_is_alone_in_a_round_waits_for_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taking_part: float, rest: str, shares: bool,
) -> None:
    monkeypatch.setattr("worker.federated.course.takes", longer)
    some = course(rounds=1)
    some.plan = replace(some.plan, taking_part=taking_part)
    found = ran(some, tmp_path)
    assert rests(found) == {rest}
    [waiting] = found.metrics("waiting_share", 1)
    assert bool(waiting.value) is shares
