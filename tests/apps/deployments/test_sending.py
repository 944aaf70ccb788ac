"""What may be sent to a board: the network of a finished run, then the updates that begin with what the board will be serving."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import signing
from apps.accounts.models import Team
from apps.accounts.refusal import Conflict, Refused
from apps.deployments import actions
from apps.deployments.models import Deployment
from apps.devices import actions as registry
from apps.devices.models import Device
from apps.experiments.models import Run, RunFile, Status
from tests.apps.boards import Board
from tests.apps.cast import Cast
from tests.apps.deployments.sent import BATCH, CHANGES, FIRST, HASHES, Porch, finished
from worker.addressed import opened


def waiting(porch: Porch) -> list[tuple[int, str]]:
    rows = Deployment.objects.filter(device=porch.board.device, state="waiting").order_by("number")
    return [(row.number, row.path) for row in rows]


def serving(cast: Cast, porch: Porch, run: Run) -> None:
    actions.deploy_first(cast.alice, run, porch.board.device)
    porch.takes(porch.beat() or {})


def test_a_first_network_is_signed_for_the_board_with_all_its_bytes_counted(cast: Cast, porch: Porch, dpu: Run) -> None:
    made = actions.deploy_first(cast.alice, dpu, porch.board.device)
    update = opened(bytes(made.head) + FIRST, key=signing.public(), device=porch.board.instance)
    assert update.change == FIRST
    assert (update.address.kind, update.address.number, update.address.batch_sha256) == ("first", 1, "b" * 64)
    assert made.sent_bytes == made.everything_bytes == len(bytes(made.head)) + len(FIRST)
    assert made.batch_bytes == len(BATCH)
    assert update.address.least_right == made.least_right == 11  # one of 64 may fall the other way on another runtime


def test_updates_follow_what_waits_already(cast: Cast, porch: Porch, dpu: Run) -> None:
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    actions.send(cast.alice, dpu, porch.board.device)
    actions.send(cast.alice, dpu, porch.board.device, rounds=None)
    assert waiting(porch) == [(1, "first.onnx"), (2, "1.change"), (3, "2.change"), (4, "3.change")]


def test_an_update_costs_its_change_and_its_address(cast: Cast, porch: Porch, dpu: Run) -> None:
    serving(cast, porch, dpu)
    (made,) = actions.send(cast.alice, dpu, porch.board.device)
    assert made.sent_bytes == len(bytes(made.head)) + len(CHANGES[0])
    assert made.batch_bytes == 0
    assert made.share < 0.1
    assert (made.base_sha256, made.result_sha256, made.round) == (HASHES[0], HASHES[1], 1)


def test_a_board_that_serves_nothing_takes_no_update(cast: Cast, porch: Porch, dpu: Run) -> None:
    with pytest.raises(Conflict, match="serves no network"):
        actions.send(cast.alice, dpu, porch.board.device)


def test_updates_of_another_network_are_refused(cast: Cast, porch: Porch, dpu: Run, kept: Path) -> None:
    serving(cast, porch, dpu)
    begins = b"another network"
    other = finished(cast, kept, begins=begins, hashes=[hashlib.sha256(begins).hexdigest(), "2" * 64, "3" * 64, "4" * 64])
    with pytest.raises(Conflict, match=f"another network, and no update of run {other.number} begins there"):
        actions.send(cast.alice, other, porch.board.device)


def test_updates_of_another_run_that_begins_with_the_same_network_are_taken(
    cast: Cast, porch: Porch, dpu: Run, kept: Path,
) -> None:
    serving(cast, porch, dpu)
    other = finished(cast, kept, hashes=[HASHES[0], "2" * 64, "3" * 64, "4" * 64])
    (made,) = actions.send(cast.alice, other, porch.board.device)
    assert made.result_sha256 == "2" * 64


def test_when_all_was_sent_nothing_is_left(cast: Cast, porch: Porch, dpu: Run) -> None:
    serving(cast, porch, dpu)
    actions.send(cast.alice, dpu, porch.board.device, rounds=None)
    with pytest.raises(Conflict, match="Nothing of run 1 is left to send"):
        actions.send(cast.alice, dpu, porch.board.device)


def test_a_new_first_network_takes_the_place_of_what_waits(cast: Cast, porch: Porch, dpu: Run) -> None:
    serving(cast, porch, dpu)
    actions.send(cast.alice, dpu, porch.board.device, rounds=None)
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    assert waiting(porch) == [(5, "first.onnx")]
    gone = Deployment.objects.filter(state="withdrawn")
    assert {row.reason for row in gone} == {"A new first network takes its place."}
    assert not any(row.body_id or row.head for row in gone)


def test_numbers_rise_above_what_the_board_has(cast: Cast, porch: Porch, dpu: Run) -> None:
    """The database may be of a backup, and the board further on."""
    porch.number, porch.sha256 = 40, "9" * 64
    porch.beat()
    assert actions.deploy_first(cast.alice, dpu, porch.board.device).number == 41


def test_a_board_that_claims_the_highest_number_is_sent_nothing(cast: Cast, porch: Porch, dpu: Run) -> None:
    porch.beat(number=2**53, sha256="9" * 64)
    with pytest.raises(Conflict, match="there is none above it"):
        actions.deploy_first(cast.alice, dpu, porch.board.device)


@pytest.mark.parametrize("status", [Status.RUNNING, Status.FAILED, Status.CANCELLED])
def test_a_run_that_has_not_finished_offers_nothing(cast: Cast, porch: Porch, kept: Path, status: Status) -> None:
    run = finished(cast, kept)
    run.status = status
    with pytest.raises(Conflict, match=f"is {status}: what it offers"):
        actions.deploy_first(cast.alice, run, porch.board.device)


@pytest.mark.parametrize("summary", [{}, {"deployable": None}, {"deployable": {"first": {}}}, {"deployable": {"updates": []}}])
def test_a_run_without_an_offer_is_refused(cast: Cast, porch: Porch, kept: Path, summary: dict[str, Any]) -> None:
    with pytest.raises(Conflict, match="offers boards no network"):
        actions.deploy_first(cast.alice, finished(cast, kept, summary=summary), porch.board.device)


def test_a_run_that_lost_a_file_says_which(cast: Cast, porch: Porch, dpu: Run) -> None:
    RunFile.objects.filter(run=dpu, path="batch.npz").delete()
    with pytest.raises(Conflict, match=r"lost its file batch\.npz"):
        actions.deploy_first(cast.alice, dpu, porch.board.device)


@pytest.mark.parametrize("fields", [{"recipe": "benchmarking.latency"}, {"board_lease": 1}])
def test_what_a_board_wrote_of_its_own_run_is_no_network(cast: Cast, porch: Porch, kept: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(Conflict, match="offers boards no network"):
        actions.deploy_first(cast.alice, finished(cast, kept, **fields), porch.board.device)


def test_a_first_network_that_is_not_what_the_run_said_is_not_sent(cast: Cast, porch: Porch, kept: Path) -> None:
    run = finished(cast, kept, begins=b"another one")
    with pytest.raises(Conflict, match=r"first\.onnx of run 1 is not the network that the run says it is"):
        actions.deploy_first(cast.alice, run, porch.board.device)
    assert not Deployment.objects.exists()


def test_two_entries_of_one_board_that_are_sent_something_at_once_are_told_to_send_again(
    cast: Cast, porch: Porch, dpu: Run, monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin = Porch(Board.joined(cast.alice, cast.team, name="twin"))
    twin.beat()
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    monkeypatch.setattr(actions, "_last_number", lambda stands: 0)  # the other was not committed yet
    with pytest.raises(Conflict, match="another entry of it: look, and send again"):
        actions.deploy_first(cast.alice, dpu, twin.board.device)


def test_a_board_that_has_joined_and_did_not_beat_yet_is_waited_for(cast: Cast, dpu: Run) -> None:
    new = Board.joined(cast.alice, cast.team)
    with pytest.raises(Conflict, match="was not heard since"):
        actions.deploy_first(cast.alice, dpu, new.device)


def test_no_more_waits_than_a_board_can_be_shown(
    cast: Cast, porch: Porch, dpu: Run, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(actions, "MOST_WAITING", 3)
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    assert len(actions.send(cast.alice, dpu, porch.board.device, rounds=None)) == 2
    with pytest.raises(Conflict, match="3 updates wait for pi already"):
        actions.send(cast.alice, dpu, porch.board.device)


def test_looking_at_a_board_reads_no_bytes_that_wait(cast: Cast, porch: Porch, dpu: Run) -> None:
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    viewer = Client()
    viewer.force_login(cast.victor)
    with CaptureQueriesContext(connection) as asked:
        page = viewer.get(f"/devices/{porch.board.device.pk}/networks/")
    assert page.status_code == 200 and b"first network" in page.content
    assert not [each["sql"] for each in asked if '"head"' in each["sql"] or '"summary"' in each["sql"]]


def test_many_updates_are_sent_with_as_many_queries_as_one(cast: Cast, porch: Porch, dpu: Run) -> None:
    serving(cast, porch, dpu)
    counts = list[int]()
    for rounds in (1, None):
        with CaptureQueriesContext(connection) as asked:
            assert len(actions.send(cast.alice, dpu, porch.board.device, rounds=rounds)) == (2 if rounds is None else 1)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_another_teams_run_is_refused(cast: Cast, porch: Porch, kept: Path) -> None:
    run = finished(cast, kept)
    Run.objects.filter(pk=run.pk).update(team=Team.objects.get(name="Others"))
    run.refresh_from_db()
    with pytest.raises(Refused, match="of another team"):
        actions.deploy_first(cast.alice, run, porch.board.device)


@pytest.mark.parametrize("who", ["mia", "ruth", "victor", "mallory", "olga"])
def test_only_an_administrator_of_the_team_sends_and_withdraws(cast: Cast, porch: Porch, dpu: Run, who: str) -> None:
    made = actions.deploy_first(cast.alice, dpu, porch.board.device)
    for act in (lambda user: actions.deploy_first(user, dpu, porch.board.device),
                lambda user: actions.send(user, dpu, porch.board.device), lambda user: actions.withdraw(user, made)):
        with pytest.raises(Refused, match="Only an administrator"):
            act(getattr(cast, who))


def test_a_device_without_an_agent_takes_none(cast: Cast, dpu: Run) -> None:
    by_hand = Device.objects.create(team=cast.team, name="camera")
    with pytest.raises(Conflict, match="No agent lives on camera"):
        actions.deploy_first(cast.alice, dpu, by_hand)


def test_an_agent_of_before_is_to_join_again(cast: Cast, dpu: Run) -> None:
    old = Board.joined(cast.alice, cast.team)
    old.beat(runtimes={"python": "3.12"})
    with pytest.raises(Conflict, match="join the board again"):
        actions.deploy_first(cast.alice, dpu, old.device)


def test_a_board_that_cannot_says_why_itself(cast: Cast, porch: Porch, dpu: Run) -> None:
    porch.beat(cannot="NumPy is not installed on this board.")
    with pytest.raises(Conflict, match="NumPy is not installed on this board"):
        actions.deploy_first(cast.alice, dpu, porch.board.device)


def test_a_board_that_knows_another_key_is_to_join_again(cast: Cast, porch: Porch, dpu: Run) -> None:
    porch.beat(key="0" * 64)
    with pytest.raises(Conflict, match="another signing key"):
        actions.deploy_first(cast.alice, dpu, porch.board.device)


def test_a_retired_device_takes_none(cast: Cast, porch: Porch, dpu: Run) -> None:
    registry.retire(cast.alice, porch.board.device)
    with pytest.raises(Conflict, match="is retired"):
        actions.deploy_first(cast.alice, dpu, porch.board.device)


@pytest.mark.parametrize("rounds", [0, -1, 1001])
def test_an_impossible_number_of_updates_is_refused(cast: Cast, porch: Porch, dpu: Run, rounds: int) -> None:
    with pytest.raises(Refused, match="From 1 to 1,000"):
        actions.send(cast.alice, dpu, porch.board.device, rounds=rounds)
