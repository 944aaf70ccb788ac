"""kill -9 in the middle of a level: the portfolio ends with the same variants, byte by byte, and no level is trained twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.portal import Portal, facts

pytestmark = pytest.mark.kill
# Many epochs of small steps, so that a level takes seconds to be caught in.
ASKED = {"epochs": 10, "levels": 2, "fraction": 0.4, "rewind": 0.19, "batch_size": 4, "seed": 11}
PLACES = 11  # of a variant among the steps: before training, and after each epoch


def variants(portal: Portal, run: str) -> list[tuple[str, str]]:
    return [(event["body"]["name"], event["body"]["sha256"]) for event in portal.events(run) if event["type"] == "variant"]


def measured(portal: Portal, run: str) -> dict[tuple[Any, ...], Any]:
    """What does not depend on the clock."""
    said = [event["body"] for event in portal.events(run) if event["type"] == "measured"]
    keys = [(each["variant"], each["metric"]) for each in said]
    assert len(keys) == len(set(keys)), "something is measured twice"
    return {key: each["value"] for key, each in zip(keys, said, strict=True) if "latency" not in key[1]}


def test_a_run_killed_in_the_middle_of_a_level_ends_with_the_same_portfolio(portal: Portal) -> None:
    straight = portal.launch("portfolio.dnnshifter", **ASKED)
    assert portal.wait(straight)["status"] == "finished", portal.run(straight)
    run = portal.launch("portfolio.dnnshifter", **ASKED)
    portal.caught(lambda: any(name == "level 1" for name, _ in variants(portal, run)), "level 1 is offered")
    # Level 2 sets out within its second epoch. One whose follower has been said is in a checkpoint.
    portal.caught(lambda: any(each["step"] >= 2 * PLACES + 3 for each in portal.metrics(run, "loss")), "level 2 began").kill()
    ended = portal.wait(run, seconds=150)
    assert ended["status"] == "finished" and ended["attempt"] == 2, ended
    assert variants(portal, run) == variants(portal, straight) and len(variants(portal, run)) == 3
    assert facts(portal.metrics(run)) == facts(portal.metrics(straight))
    assert measured(portal, run) == measured(portal, straight)
    log = " ".join(event["body"]["message"] for event in portal.events(run) if event["type"] == "log")
    assert "level 2 goes on after epoch" in log and "level 1 goes on" not in log
    seqs = [event["seq"] for event in portal.events(run)]
    assert seqs == list(range(1, len(seqs) + 1))
