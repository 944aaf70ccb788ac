"""What a board says is kept once, as its device said it; what cannot be is kept as rejected, with why, and ends the run."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from apps.experiments import board_words
from apps.experiments.models import BoardFile, Measurement, Run, RunFile, RunVariant, Status
from tests.apps.boards import FINISHED, NETWORK, Board, measured, prepared
from tests.apps.cast import Cast
from worker.profile import MEDIA_TYPE

PROFILE = {"network": "net", "blocks": [{"first": "conv", "last": "conv", "seconds": 0.01, "output_bytes": 4}]}


@pytest.fixture
def board(cast: Cast, tmp_path: Path, settings: Any) -> Board:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    cache.clear()
    return Board.joined(cast.alice, cast.team)


@pytest.fixture
def run(board: Board) -> Run:
    made = prepared(board.device)
    board.claim()
    made.refresh_from_db()
    return made


def rejected(run: Run, answer: Any, words: str) -> None:
    """The batch is a 422 that says why, kept beside its reason; the run failed for it, and nothing of the batch is a result."""
    assert answer.status_code == 422 and words in answer.json()["title"], answer.content
    run.refresh_from_db()
    kept = run.stream.events.get(type="rejected")
    assert run.status == Status.FAILED and words in run.reason and words in kept.body["reason"]
    assert not run.measurements.exists() and not run.stream.events.filter(type__in=("measured", "metric", "finished")).exists()


def test_a_batch_is_kept_as_what_the_registry_calls_the_device(board: Board, run: Run) -> None:
    started = {"type": "started", "recipe": "another", "attempt": 7, "environment": {"device": "liar", "python": "3.11"}}
    answer = board.say(run, run.token, 1, [started, measured(device="Mallory's board"), FINISHED])
    assert answer.json() == {"cancel": False, "live": {}, "batch": 1}
    run.refresh_from_db()
    assert run.status == Status.FINISHED and run.environment == {"device": "pi", "python": "3.11"}
    assert Measurement.objects.get().device == "pi"
    assert run.stream.events.get(type="started").body["recipe"] == "benchmarking.latency"


def test_a_batch_sent_twice_is_kept_once_even_when_it_was_the_last(board: Board, run: Run) -> None:
    first, last = [{"type": "log", "message": "hello"}, measured()], [FINISHED]
    for _ in range(3):
        assert board.say(run, run.token, 1, first).status_code == 200
    for _ in range(3):
        answer = board.say(run, run.token, 2, last)
        assert answer.status_code == 200 and answer.json()["batch"] == 2
    assert run.stream.events.filter(type="log").count() == 1 and run.stream.events.filter(type="finished").count() == 1
    assert board.say(run, run.token, 3, [{"type": "log", "message": "late"}]).status_code == 409


def test_no_events_prolong_the_lease(board: Board, run: Run) -> None:
    Run.objects.update(lease_until=run.queued_at)
    assert board.say(run, run.token, 0, []).status_code == 200
    run.refresh_from_db()
    assert run.lease_until and run.lease_until > run.queued_at + timedelta(seconds=60)


@pytest.mark.parametrize(("event", "words"), [
    (measured(-0.1), "less than nothing"), (measured(low=-1.0), "less than nothing"), (measured(4e6), "more than an hour"),
    (measured(-5, unit="bytes", metric="peak_memory_bytes"), "less than nothing"), (measured(n=10**9), "samples"),
    (measured(n=1.5), "valid integer"), (measured("1.5"), "valid number"), (measured(True), "valid number"),
    (measured(threads=0), "threads"), (measured(variant="a\x00b"), "kept"), (measured(extra=1), "extra"),
    ({"type": "metric", "name": "latency_ms", "value": -1.0}, "less than nothing"), ({"type": "metric", "name": "x"}, "value"),
    ({"type": "surprise"}, "surprise"), ([], "object"), ({**FINISHED, "seconds": -1}, "less than nothing"),
    ({**FINISHED, "summary": {"x": "y" * 200_000}}, "summary"), ({"type": "file", "path": "x", "name": "x"}, "not sent"),
    ({"type": "file", "path": "../../etc/passwd", "name": "x"}, "not sent")])
def test_what_cannot_have_been_measured_is_kept_as_rejected(board: Board, run: Run, event: Any, words: str) -> None:
    rejected(run, board.say(run, run.token, 1, [{"type": "log", "message": "before"}, event]), words)
    assert board.say(run, run.token, 2, [FINISHED]).status_code == 409


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_kept_as_rejected(board: Board, run: Run, number: str) -> None:
    raw = json.dumps({"lease": run.token, "batch": 1, "events": [measured(777)]}).replace("777", number)
    rejected(run, board.say(run, run.token, 1, [], raw=raw), "not a finite number")


def test_a_network_that_the_board_was_not_sent_is_no_variant(board: Board, run: Run) -> None:
    facts = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1}
    made = {"type": "variant", "name": "net", "file": "network.onnx", "sha256": "0" * 64, "facts": facts}
    rejected(run, board.say(run, run.token, 1, [made]), "not a network that this board was sent")
    assert not RunVariant.objects.exists()


def test_a_profile_of_another_network_is_refused(board: Board, run: Run) -> None:
    body = json.dumps(PROFILE | {"sha256": "0" * 64}).encode()
    assert board.put(run, run.token, "profile.json", body).status_code == 200
    named = {"type": "file", "path": "profile.json", "name": "profile.json", "media_type": MEDIA_TYPE}
    rejected(run, board.say(run, run.token, 1, [named]), "another network")


def test_a_profile_that_is_not_measured_is_refused(board: Board, run: Run) -> None:
    board.put(run, run.token, "profile.json", json.dumps(PROFILE | {"origin": "predicted"}).encode())
    named = {"type": "file", "path": "profile.json", "name": "profile.json", "media_type": MEDIA_TYPE}
    rejected(run, board.say(run, run.token, 1, [named]), "says what it measured")


def test_a_profile_that_is_none_is_refused(board: Board, run: Run) -> None:
    board.put(run, run.token, "profile.json", json.dumps({"network": "net", "blocks": []}).encode())
    named = {"type": "file", "path": "profile.json", "name": "profile.json", "media_type": MEDIA_TYPE}
    rejected(run, board.say(run, run.token, 1, [named]), "blocks")


def test_a_log_line_is_made_plain_and_cut_with_a_notice(board: Board, run: Run) -> None:
    line = "\x1b[31mred\x1b[0m \x1b]0;title\x07<b>bold</b>\x00\r" + "x" * 5000
    assert board.say(run, run.token, 1, [{"type": "log", "message": line}]).status_code == 200
    kept = run.stream.events.get(type="log").body["message"]
    assert kept.startswith("red <b>bold</b>xxx") and kept.endswith("(cut)") and len(kept) == 2000


def test_a_log_of_more_than_a_megabyte_ends_with_a_notice_and_results_still_come(
        board: Board, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_words, "LOG_BYTES", 3000)
    for batch in range(1, 6):
        lines = [{"type": "log", "message": "x" * 700} for _ in range(2)]
        assert board.say(run, run.token, batch, [*lines, measured(batch, threads=batch)]).status_code == 200
    kept = [event.body["message"] for event in run.stream.events.filter(type="log").order_by("seq")]
    assert [line[:20] for line in kept] == ["x" * 20] * 4 + [board_words.FULL[:20]]
    assert run.measurements.count() == 5


def test_a_result_file_is_kept_under_its_hash_and_the_same_again_changes_nothing(board: Board, run: Run) -> None:
    body = b'{"samples": [1, 2, 3]}'
    assert board.put(run, run.token, "samples/all.json", body).status_code == 200
    assert board.put(run, run.token, "samples/all.json", body).json()["path"] == "samples/all.json"
    named = {"type": "file", "path": "samples/all.json", "name": "samples.json"}
    events = [named, measured(samples="samples/all.json"), FINISHED]
    assert board.say(run, run.token, 1, events).status_code == 200
    file = RunFile.objects.get()
    assert (file.blob.size_bytes, Measurement.objects.get().samples) == (len(body), file)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "%2e%2e/x", ".hidden", "checkpoints/x", "a/b/c/d/e", "x" * 150, "a\\b",
                                  "a//b", "network.onnx", "%00", "a b/%0a"])
def test_a_result_file_goes_nowhere_else(board: Board, run: Run, path: str) -> None:
    before = set(board_files_of(run))
    assert board.put(run, run.token, path, b"x").status_code in (404, 422)
    assert set(board_files_of(run)) == before
    assert BoardFile.objects.get(path="network.onnx").blob.size_bytes == len(NETWORK)


def board_files_of(run: Run) -> list[str]:
    return list(BoardFile.objects.filter(run=run).values_list("path", flat=True))


def test_a_result_file_with_another_hash_or_lease_is_refused(board: Board, run: Run) -> None:
    assert board.put(run, run.token, "a.json", b"x", sha256="0" * 64).status_code == 422
    assert board.put(run, run.token, "a.json", b"x", sha256="short").status_code == 422
    assert board.put(run, run.token - 1, "a.json", b"x").status_code == 409
    assert board.ask("PUT", f"/runs/{run.pk}/outputs/a.json", b"x", **{"X-EdgePortal-SHA256": "0" * 64}).status_code == 422
    assert board_files_of(run) == ["network.onnx"]


@pytest.mark.parametrize("order", [["a", "a/b"], ["a/b", "a"]])
def test_a_file_and_a_folder_of_one_name_are_rejected(board: Board, run: Run, order: list[str]) -> None:
    for path in order:
        assert board.put(run, run.token, path, b"x").status_code == 200
    named = [{"type": "file", "path": path, "name": "x"} for path in order]
    rejected(run, board.say(run, run.token, 1, named), "already")


def test_a_board_leaves_so_many_files_and_bytes(board: Board, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.experiments.board_files.MOST_FILES", 2)
    assert [board.put(run, run.token, f"{n}.json", b"x").status_code for n in range(4)] == [200, 200, 422, 422]
    assert board.put(run, run.token, "1.json", b"y").status_code == 200, "one that is there may come again"
    monkeypatch.setattr("apps.experiments.board_files.MOST_BYTES", 10)
    assert board.put(run, run.token, "1.json", b"y" * 11).status_code == 422


@pytest.mark.parametrize("raw", ["", "{", "[]", '"x"', '{"lease": 1}', '{"lease": true, "batch": 1, "events": []}',
                                 '{"lease": 1, "batch": -1, "events": []}', '{"lease": 1, "batch": 1.5, "events": []}',
                                 "[" * 100_000, '{"lease": 1, "batch": 1, "events": [], "run": "other"}'])
def test_what_is_no_batch_is_refused_and_the_run_goes_on(board: Board, run: Run, raw: str) -> None:
    assert board.ask("POST", f"/runs/{run.pk}/events", raw).status_code in (400, 422)
    run.refresh_from_db()
    assert run.status == Status.RUNNING and not run.stream.events.filter(type="rejected").exists()


@pytest.mark.parametrize("events", [{}, "x", [{"type": "log", "message": "x"}] * 2001])
def test_events_that_are_no_list_or_too_many_are_rejected(board: Board, run: Run, events: Any) -> None:
    rejected(run, board.say(run, run.token, 1, events), "list of at most")


def test_a_board_that_never_ends_is_ended(board: Board, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.experiments.boards.MOST_EVENTS", 2)
    board.say(run, run.token, 1, [{"type": "log", "message": str(number)} for number in range(3)])
    rejected(run, board.say(run, run.token, 2, [{"type": "log", "message": "more"}]), "are not kept")


def test_a_body_that_is_too_large_is_refused_before_it_is_looked_at(board: Board, run: Run, settings: Any) -> None:
    settings.BODY_LIMIT_BYTES = 1000
    assert board.put(run, run.token, "a.json", b"x" * 1001).status_code == 413
    assert board.ask("POST", f"/runs/{run.pk}/events", "x" * 1001).status_code == 413
    settings.BODY_LIMIT_BYTES, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 8_000_000, 1000
    assert board.ask("POST", f"/runs/{run.pk}/events", "x" * 1001).status_code == 413
