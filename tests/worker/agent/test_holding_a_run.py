"""A run on a board: every event once and in order, whatever the network does; files before the events that name them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.portal import until
from tests.worker.agent.fake_portal import FakePortal, loses_the_answer, says, served
from tests.worker.agent.ordered import RECIPE, VALUES, Board, prepared
from worker.agent import child, running, sending
from worker.agent.portal import Patience
from worker.agent.running import Outcome


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], dict[str, Any]]:
    return prepared(tmp_path_factory.mktemp("order"))


@pytest.fixture
def portal() -> Iterator[FakePortal]:
    with served() as fake:
        yield fake


@pytest.fixture
def board(tmp_path: Path, portal: FakePortal, order: Any, monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setattr(Patience, "next", lambda *_: 0.05)
    monkeypatch.setattr(sending, "BETWEEN_S", 0.05)
    files, facts = order
    portal.order(RECIPE, VALUES, files, facts)
    made = Board(tmp_path / "board", portal)
    made.claim()
    return made


def whole(portal: FakePortal) -> list[dict[str, Any]]:
    """All that was said, once it is seen to be a whole run."""
    said = portal.events
    kinds = [event["type"] for event in said]
    assert kinds[0] == "started" and kinds[-1] == "finished" and kinds.count("finished") == 1, said[-1]
    assert sorted(portal.batches) == list(range(1, len(portal.batches) + 1))
    for event in said:
        assert event["type"] != "file" or event["path"] in portal.outputs
    assert any(event["type"] == "measured" and event["metric"] == "latency_ms_p50" for event in said)
    laps = [event["step"] for event in said if event["type"] == "metric" and event["name"] == "latency_ms"]
    assert laps == sorted(set(laps)) and len(laps) >= VALUES["laps"]
    return said


def test_lost_answers_and_refused_requests_lose_nothing_and_repeat_nothing(board: Board, portal: FakePortal) -> None:
    portal.faults = {"files": [loses_the_answer], "outputs": [loses_the_answer, says(503)],
                     "events": [loses_the_answer, says(429, retry_after=0), loses_the_answer], "renewals": [says(503)]}
    assert board.live() is Outcome.ENDED
    whole(portal)
    assert portal.repeated and not board.folder.run.exists()


def test_while_the_portal_is_away_the_run_goes_on_and_is_told_afterwards(board: Board, portal: FakePortal) -> None:
    portal.faults["events"] = [says(503)] * 1000
    ended = threading.Thread(target=lambda: (until(lambda: b'"finished"' in spooled(board), 60, "the run measured to its end"),
                                             portal.faults.clear()))
    ended.start()
    assert board.live() is Outcome.ENDED
    ended.join()
    whole(portal)


def spooled(board: Board) -> bytes:
    return b"".join(path.read_bytes() for path in board.folder.run.glob("spool/events-*.jsonl"))


def test_an_agent_that_is_stopped_gives_the_run_back_and_has_its_checkpoints_when_it_comes_again(
        board: Board, portal: FakePortal) -> None:
    asked_of(board, laps=10_000, seconds=600.0)
    begun = threading.Thread(target=lambda: (until(lambda: portal.batches, 60, "a first batch"), board.stopping.set()))
    begun.start()
    assert board.live() is Outcome.LEFT
    begun.join()
    assert portal.released == [7] and not board.folder.run.exists()
    (kept,) = board.folder.lost.iterdir()
    (kept / "work" / "checkpoints" / "found.ckpt").write_bytes(b"x")
    running.begin(board.folder, {"run": kept.name, "attempt": 2})
    assert (board.folder.run / "work" / "checkpoints" / "found.ckpt").read_bytes() == b"x"


def asked_of(board: Board, recipe: str = RECIPE, **values: Any) -> None:
    """The run that the board holds asks for this instead."""
    claim = running.held(board.folder)
    assert claim
    changed = claim | {"recipe": recipe, "params": {**VALUES, **values}}
    (board.folder.run / "claim.json").write_text(json.dumps(changed))


def test_a_run_that_is_lost_is_dropped_and_its_evidence_kept(board: Board, portal: FakePortal) -> None:
    portal.lease_lost = True
    assert board.live() is Outcome.LOST
    (kept,) = board.folder.lost.iterdir()
    assert "does not hold that run" in (kept / "why.txt").read_text() and (kept / "spool").is_dir()
    assert not board.folder.run.exists() and not portal.batches


def test_a_run_that_is_cancelled_says_so_and_ends(board: Board, portal: FakePortal) -> None:
    portal.cancel = True
    asked_of(board, laps=10_000, seconds=600.0)
    assert board.live() is Outcome.ENDED
    assert portal.events[-1]["type"] == "cancelled"


def test_a_recipe_that_the_agent_does_not_know_fails_in_words(board: Board, portal: FakePortal) -> None:
    asked_of(board, "benchmarking.telepathy")
    assert board.live() is Outcome.ENDED
    assert portal.events[-1]["type"] == "failed" and "does not know how to run" in portal.events[-1]["reason"]


def test_a_process_that_dies_every_time_is_given_up_with_the_reason(
        board: Board, portal: FakePortal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child.sys, "executable", "/bin/false")
    assert board.live() is Outcome.ENDED
    assert "Given up after 3 tries on this board" in portal.events[-1]["reason"]


def test_a_file_that_the_portal_does_not_take_is_told_and_the_run_goes_on(board: Board, portal: FakePortal) -> None:
    portal.faults["outputs"] = [says(422, title="Too many files.")]
    assert board.live() is Outcome.ENDED
    told = [event["message"] for event in portal.events if event["type"] == "log" and event["level"] == "warning"]
    assert any("did not take the file" in message and "Too many files." in message for message in told)
    assert portal.events[-1]["type"] == "finished"


@pytest.mark.parametrize("known", [True, False], ids=["as the agent knows", "as the portal says"])
def test_a_line_that_is_too_long_for_the_portal_ends_the_run_in_words(board: Board, portal: FakePortal, known: bool) -> None:
    from worker.agent.spool import Spool

    Spool(board.folder.run / "spool").add([{"type": "log", "level": "info", "message": "x" * (2_000_000 if known else 9)}])
    portal.faults["events"] = [] if known else [says(413, title="The request is too large.")]
    assert board.live() is Outcome.LOST
    [failed] = portal.events
    assert failed["type"] == "failed" and "more at once than the portal takes (2,000,000 bytes)" in failed["reason"]
    (kept,) = board.folder.lost.iterdir()
    assert "more at once" in (kept / "why.txt").read_text() and not board.folder.run.exists()


def test_after_a_reboot_in_the_middle_the_same_batches_go_on(board: Board, portal: FakePortal) -> None:
    from worker.agent.spool import Spool

    spool = Spool(board.folder.run / "spool")
    spool.add([{"type": "log", "level": "info", "message": "before the reboot"}])
    batch = spool.next()
    portal.batches[batch.number] = batch.events  # It came; its answer did not.
    assert board.live() is Outcome.ENDED
    assert portal.repeated == [1] and portal.events[0]["message"] == "before the reboot"
    assert [event["type"] for event in portal.events].count("finished") == 1
