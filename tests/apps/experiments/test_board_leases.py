"""A board's lease on a run: one at a time, the same answer to the same request, lost and found, given back, ended while away."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from apps.accounts.models import Team
from apps.devices.models import Device
from apps.experiments import actions, leases
from apps.experiments.models import Run, Status
from tests.apps.boards import FINISHED, NETWORK, Board, measured, prepared
from tests.apps.cast import Cast


@pytest.fixture
def board(cast: Cast, tmp_path: Path, settings: Any) -> Board:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    cache.clear()
    return Board.joined(cast.alice, cast.team)


def silence(run: Run, seconds: float) -> None:
    """The board was not heard for so long."""
    then = timezone.now() - timedelta(seconds=seconds)
    Device.objects.filter(pk=run.board_id).update(last_seen=then)
    Run.objects.filter(pk=run.pk).update(heartbeat=then, lease_until=then + timedelta(seconds=120))


def test_a_claim_brings_the_run_its_order_and_a_fencing_token(board: Board) -> None:
    run = prepared(board.device)
    got = board.claim().json()
    assert (got["run"], got["number"], got["recipe"], got["params"]) == (str(run.pk), run.number, run.recipe, {"laps": 20})
    assert got["order"]["facts"] == {"name": "net"} and got["device"] == "pi" and got["attempt"] == 1 and got["lease_s"] == 120
    [file] = got["order"]["files"]
    assert b"".join(board.ask("GET", file["url"].removeprefix("/api/agent")).streaming_content) == NETWORK
    run.refresh_from_db()
    assert (run.status, run.worker, run.token, run.board_lease) == (Status.RUNNING, "board pi", got["token"], got["token"])


@pytest.mark.parametrize("begin", [0, 1, len(NETWORK) - 1, len(NETWORK), 10**9])
def test_a_download_that_was_cut_goes_on_where_it_was(board: Board, begin: int) -> None:
    prepared(board.device)
    [file] = board.claim().json()["order"]["files"]
    answer = board.ask("GET", file["url"].removeprefix("/api/agent"), Range=f"bytes={begin}-")
    body = b"".join(answer.streaming_content)
    if 0 < begin < len(NETWORK):
        assert answer.status_code == 206 and body == NETWORK[begin:] and int(answer["Content-Length"]) == len(body)
    else:
        assert answer.status_code == 200 and body == NETWORK


def test_the_same_request_gets_the_same_answer_again(board: Board) -> None:
    prepared(board.device)
    prepared(board.device)
    request = uuid.uuid4()
    assert board.claim(request).json() == board.claim(request).json()
    assert Run.objects.filter(status=Status.RUNNING).count() == 1


def test_a_device_has_one_lease_however_often_its_agent_claims(board: Board, settings: Any) -> None:
    settings.BOARD_ASKS_OF_ONE_A_SECOND = 1000
    for _ in range(3):
        prepared(board.device)
    held = board.claim().json()["run"]
    answers = [board.claim() for _ in range(20)]
    assert {answer.status_code for answer in answers} == {409} and {answer.json()["run"] for answer in answers} == {held}
    assert Run.objects.filter(status=Status.QUEUED).count() == 2


def test_a_run_for_another_board_or_not_yet_prepared_is_not_given(cast: Cast, board: Board) -> None:
    other = Board.joined(cast.alice, cast.team, instance="instance-0002")
    prepared(other.device)
    cast.run(queue="cpu", board=board.device)
    cast.run(queue=board.device.queue, board=board.device)
    assert board.claim().status_code == 204 and other.claim().status_code == 200


def test_the_longest_waiting_run_is_first(board: Board) -> None:
    later, first = prepared(board.device), prepared(board.device)
    Run.objects.filter(pk=first.pk).update(queued_at=later.queued_at - timedelta(minutes=1))
    assert board.claim().json()["run"] == str(first.pk)


def test_a_run_of_another_team_on_a_shared_board_is_given(cast: Cast, board: Board) -> None:
    run = prepared(board.device, Team.objects.get(name="Others"))
    assert board.claim().status_code == 204, "it is not shared any more, and the run waits"
    Device.objects.update(shared=True)
    assert board.claim().json()["run"] == str(run.pk)


@pytest.mark.parametrize("field", ["draining", "retired"])
def test_a_board_that_drains_or_is_retired_gets_nothing_new_and_keeps_what_it_has(board: Board, field: str) -> None:
    run = prepared(board.device)
    request = uuid.uuid4()
    lease = board.claim(request).json()["token"]
    prepared(board.device)
    Device.objects.update(**{field: True})
    assert board.claim(request).json()["run"] == str(run.pk)
    assert board.say(run, lease, 1, [FINISHED]).status_code == 200 and board.claim().status_code == 204


def test_no_worker_takes_a_run_that_waits_for_a_board_and_none_is_woken_for_it(board: Board) -> None:
    run = prepared(board.device)
    assert leases.claim(["cpu"], "w1") is None and run.queue not in leases.unpublished()


def test_silence_is_no_failure_and_counts_towards_no_limit(board: Board) -> None:
    run = prepared(board.device)
    for attempt in range(1, 6):
        assert board.claim().json()["attempt"] == attempt
        Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        assert [found.pk for found in leases.take_back_expired()] == [run.pk]
        run.refresh_from_db()
        assert (run.status, run.stalls, run.reason) == (Status.QUEUED, 0, "")
    said = run.stream.events.filter(type="status").order_by("-seq").first()
    assert said and said.body["reason"] == "contact with board pi was lost; the run waits for it"


def test_partial_samples_of_a_lost_lease_stay_and_the_next_attempt_goes_on(board: Board) -> None:
    run = prepared(board.device)
    lease = board.claim().json()["token"]
    board.say(run, lease, 1, [{"type": "metric", "name": "latency_ms", "value": 1.0, "step": 0}])
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    leases.take_back_expired()
    again = board.claim().json()
    assert (again["attempt"], again["run"]) == (2, str(run.pk)) and again["token"] > lease
    events = [{"type": "metric", "name": "latency_ms", "value": 9.0, "step": 0}, measured(), FINISHED]
    assert board.say(run, again["token"], 1, events).status_code == 200
    kept = [event.body["value"] for event in run.stream.events.filter(type="metric")]
    assert kept == [1.0], "the first accepted result of a step stands"


def test_a_board_that_is_back_before_anybody_looked_goes_on_with_its_lease(board: Board) -> None:
    run = prepared(board.device)
    request = uuid.uuid4()
    lease = board.claim(request).json()["token"]
    silence(run, 119)
    assert board.claim(request).json()["token"] == lease and board.say(run, lease, 1, [FINISHED]).status_code == 200
    run.refresh_from_db()
    assert run.status == Status.FINISHED and run.attempt == 1


def test_an_expired_lease_does_not_keep_the_board_from_new_work(board: Board) -> None:
    run = prepared(board.device)
    lease = board.claim().json()["token"]
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    again = board.claim()
    assert again.status_code == 200 and again.json()["run"] == str(run.pk) and again.json()["token"] > lease


def test_who_ends_a_run_after_its_lease_was_lost_is_too_late_and_the_first_result_stands(cast: Cast, board: Board) -> None:
    run = prepared(board.device)
    late = board.claim().json()["token"]
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    leases.take_back_expired()
    new = board.claim().json()["token"]
    assert board.say(run, new, 1, [measured(1.5), FINISHED]).status_code == 200
    answer = board.say(run, late, 1, [measured(9.9), {**FINISHED, "summary": {"verdict": "late"}}])
    assert answer.status_code == 409 and "does not hold" in answer.json()["title"]
    run.refresh_from_db()
    assert run.summary == {"verdict": "done"} and [each.value for each in run.measurements.all()] == [1.5]
    assert run.stream.events.filter(type="finished").count() == 1


def test_a_run_given_back_counts_no_attempt_and_waits(board: Board) -> None:
    run = prepared(board.device)
    lease = board.claim().json()["token"]
    assert board.ask("POST", f"/runs/{run.pk}/release", {"lease": lease}).status_code == 204
    run.refresh_from_db()
    assert (run.status, run.attempt, run.queue) == (Status.QUEUED, 0, board.device.queue)
    assert board.ask("POST", f"/runs/{run.pk}/release", {"lease": lease}).status_code == 409
    assert board.claim().json()["attempt"] == 1


def test_a_person_who_cancels_is_heard_by_the_board(cast: Cast, board: Board) -> None:
    run = prepared(board.device)
    lease = board.claim().json()["token"]
    actions.cancel(cast.mia, run)
    assert board.say(run, lease, 1, []).json()["cancel"] is True
    assert board.say(run, lease, 1, [{"type": "cancelled"}]).status_code == 200
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


@pytest.mark.parametrize("how", ["the run", "all of the experiment"])
def test_a_run_whose_board_is_away_is_cancelled_at_once_and_the_board_learns_it(cast: Cast, board: Board, how: str) -> None:
    run = prepared(board.device)
    lease = board.claim().json()["token"]
    board.say(run, lease, 1, [measured()])
    silence(run, 60)
    if how == "the run":
        actions.cancel(cast.mia, run)
    else:
        actions.cancel_all(cast.mia, run.experiment)
    run.refresh_from_db()
    assert run.status == Status.CANCELLED and run.finished_at
    assert board.say(run, lease, 1, []).status_code == 409 and board.say(run, lease, 2, [FINISHED]).status_code == 409
    assert board.claim().status_code == 204


def test_a_cancelled_run_whose_board_never_comes_back_ends_with_its_lease(cast: Cast, board: Board) -> None:
    run = prepared(board.device)
    board.claim()
    actions.cancel(cast.mia, run)
    run.refresh_from_db()
    assert run.status == Status.CANCELLING
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    leases.take_back_expired()
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


def test_what_a_person_changes_meanwhile_reaches_the_board(board: Board) -> None:
    run = prepared(board.device)
    lease = board.claim().json()["token"]
    Run.objects.filter(pk=run.pk).update(live_params={"laps": 40})
    assert board.say(run, lease, 1, []).json() == {"cancel": False, "live": {"laps": 40}, "batch": 0}


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"request": 1}', '{"request": "x"}', '{"request": "' + "0" * 9999 + '"}'])
def test_a_claim_that_is_none_is_refused(board: Board, body: str) -> None:
    prepared(board.device)
    assert board.ask("POST", "/claim", body).status_code in (400, 422)
    assert not Run.objects.filter(status=Status.RUNNING).exists()
