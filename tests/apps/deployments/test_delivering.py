"""The row is the job: a beat names what waits, the board fetches it, and what it says of it is kept once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from apps.accounts import signing
from apps.deployments import actions, beats
from apps.deployments.models import Deployment, Served
from apps.devices import actions as registry
from apps.devices import enrolment
from apps.devices.boards import crowd, tokens
from apps.devices.desk.merging import merge
from apps.devices.models import Agent, Device
from apps.experiments.models import Run
from tests.apps.boards import Board, join
from tests.apps.cast import Cast
from tests.apps.deployments.sent import BATCH, CHANGES, FIRST, HASHES, Porch
from worker.addressed import opened


@pytest.fixture
def serving(cast: Cast, porch: Porch, dpu: Run) -> Porch:
    """It took the first network."""
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    porch.takes(porch.beat() or {})
    return porch


def states() -> list[str]:
    return list(Deployment.objects.order_by("number").values_list("state", flat=True))


def test_who_joins_is_told_the_public_key(cast: Cast, kept: object) -> None:
    answer = join(enrolment.make_code(cast.alice, cast.team)[1]).json()
    assert answer["signing_key"] == signing.public().hex()


def test_a_damaged_key_keeps_no_board_from_joining_and_is_none_to_it(cast: Cast, kept: object) -> None:
    signing.public()
    Path(settings.SIGNING_KEY_FILE).write_bytes(b"short")
    answer = join(enrolment.make_code(cast.alice, cast.team)[1])
    assert (answer.status_code, answer.json()["signing_key"]) == (201, "")


def test_a_beat_names_what_waits_and_its_bytes_are_what_was_said(cast: Cast, porch: Porch, dpu: Run) -> None:
    row = actions.deploy_first(cast.alice, dpu, porch.board.device)
    wanted = porch.beat()
    assert wanted is not None
    body = porch.fetch(wanted).getvalue()
    assert wanted["number"] == 1
    assert wanted["file"]["size_bytes"] == row.sent_bytes == len(body)
    assert hashlib.sha256(body).hexdigest() == wanted["file"]["sha256"]
    assert opened(body, key=signing.public(), device=porch.board.instance).change == FIRST
    assert porch.fetch(wanted, "batch").getvalue() == BATCH


@pytest.mark.parametrize("begin", [1, 100, 400, 2000])
def test_a_cut_download_goes_on(cast: Cast, porch: Porch, dpu: Run, begin: int) -> None:
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    wanted = porch.beat() or {}
    whole, rest = porch.fetch(wanted).getvalue(), porch.fetch(wanted, Range=f"bytes={begin}-")
    assert (rest.status_code, rest.getvalue()) == (206, whole[begin:])
    assert rest["Content-Range"] == f"bytes {begin}-{len(whole) - 1}/{len(whole)}"


def test_what_was_taken_is_shown_as_served_and_the_next_is_named_at_once(cast: Cast, porch: Porch, dpu: Run) -> None:
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    actions.send(cast.alice, dpu, porch.board.device)
    answer = porch.takes(porch.beat() or {}).json()
    assert answer["state"] == "taken"
    assert answer["network"]["number"] == 2
    served = Served.objects.get(agent__device=porch.board.device)
    assert (served.number, served.sha256, served.first_sha256) == (1, HASHES[0], HASHES[0])
    assert served.heard == Device.objects.get(pk=porch.board.device.pk).last_seen


def test_said_twice_it_is_kept_once(serving: Porch) -> None:
    row = Deployment.objects.get()
    again = serving.says({"deployment": row.pk}, "taken", tried=False)
    assert again.status_code == 200
    row.refresh_from_db()
    assert (row.state, row.tried) == ("taken", True)


def test_the_bytes_go_once_it_is_settled_and_the_row_stays(serving: Porch) -> None:
    row = Deployment.objects.get()
    assert (bytes(row.head), row.body, row.batch) == (b"", None, None)
    assert serving.board.ask("GET", f"/deployments/{row.pk}/update").status_code == 404


def test_a_refusal_is_kept_with_its_reason_and_takes_along_what_builds_on_it(cast: Cast, serving: Porch, dpu: Run) -> None:
    actions.send(cast.alice, dpu, serving.board.device, rounds=None)
    answer = serving.says(serving.beat() or {}, "refused", "Of the stored batch it gets 1 of 64 images right.")
    assert answer.json() == {"state": "refused", "network": None}
    assert states() == ["taken", "refused", "withdrawn", "withdrawn"]
    rows = list(Deployment.objects.order_by("number"))
    assert rows[1].reason == "Of the stored batch it gets 1 of 64 images right."
    assert rows[2].reason == "The board refused number 2, on which it builds."
    assert [row.number for row in actions.send(cast.alice, dpu, serving.board.device)] == [5]


def test_withdrawn_while_it_was_taken_it_is_taken_all_the_same(cast: Cast, serving: Porch, dpu: Run) -> None:
    (row,) = actions.send(cast.alice, dpu, serving.board.device)
    wanted = serving.beat() or {}
    actions.withdraw(cast.alice, row)
    assert serving.fetch(wanted).status_code == 404
    serving.takes(wanted)
    assert states() == ["taken", "taken"]


def test_withdrawn_and_taken_all_the_same_it_takes_along_what_was_sent_in_its_place(cast: Cast, serving: Porch, dpu: Run) -> None:
    actions.send(cast.alice, dpu, serving.board.device)
    serving.takes(serving.beat() or {})
    (row,) = actions.send(cast.alice, dpu, serving.board.device)
    wanted = serving.beat() or {}
    actions.withdraw(cast.alice, row)
    actions.send(cast.alice, dpu, serving.board.device, rounds=None)
    assert serving.takes(wanted).json()["network"] is None
    assert states() == ["taken", "taken", "taken", "withdrawn", "withdrawn"]
    assert Deployment.objects.get(number=4).reason == "The board took number 3 after all, and this builds on another network."
    assert [each.round for each in actions.upcoming(dpu, serving.board.device)] == [3]


def test_a_beat_from_before_the_switch_takes_nothing_back(serving: Porch) -> None:
    late: dict[str, object] = {"number": None, "sha256": "", "first_sha256": ""}
    serving.beat(**late)
    assert Served.objects.get().number == 1
    long_ago = timezone.now() - timedelta(seconds=beats.POLLS * crowd.LONGEST_POLL_S)
    Deployment.objects.update(settled=long_ago)
    serving.beat(**late)
    assert Served.objects.get().number is None, "it went back, and says so still"


@pytest.mark.parametrize("leave, why", [(tokens.revoke, "The token of its board was ended."),
                                        (registry.retire, "The device was retired.")])
def test_what_waits_for_a_board_that_leaves_is_withdrawn(
    cast: Cast, serving: Porch, dpu: Run, leave: Callable[[object, Device], None], why: str,
) -> None:
    actions.send(cast.alice, dpu, serving.board.device, rounds=None)
    leave(cast.alice, serving.board.device)
    assert states() == ["taken", "withdrawn", "withdrawn", "withdrawn"]
    assert set(Deployment.objects.filter(state="withdrawn").values_list("reason", flat=True)) == {why}


def test_another_entry_with_the_same_name_gets_none_of_it(cast: Cast, porch: Porch, dpu: Run) -> None:
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    wanted, twin = porch.beat() or {}, Porch(Board.joined(cast.alice, cast.team, name="twin"))
    assert twin.fetch(wanted).status_code == 404
    assert twin.says(wanted, "taken").status_code == 404
    assert states() == ["waiting"]


def test_what_builds_on_a_withdrawn_one_is_withdrawn(cast: Cast, serving: Porch, dpu: Run) -> None:
    rows = actions.send(cast.alice, dpu, serving.board.device, rounds=None)
    actions.withdraw(cast.alice, rows[1])
    assert states() == ["taken", "waiting", "withdrawn", "withdrawn"]


def test_another_board_gets_none_of_it(cast: Cast, porch: Porch, dpu: Run) -> None:
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    wanted, other = porch.beat() or {}, Porch(Board.joined(cast.alice, cast.team, instance="instance-0002", name="other"))
    assert other.beat() is None
    assert other.fetch(wanted).status_code == 404
    assert other.says(wanted, "taken").status_code == 404
    assert states() == ["waiting"]


def test_nothing_begins_on_a_drained_device(cast: Cast, porch: Porch, dpu: Run) -> None:
    actions.deploy_first(cast.alice, dpu, porch.board.device)
    registry.drain(cast.alice, porch.board.device, on=True)
    assert porch.beat() is None
    registry.drain(cast.alice, porch.board.device, on=False)
    assert porch.beat() is not None


def test_a_board_set_up_anew_shows_nothing_and_gets_nothing_of_before(cast: Cast, serving: Porch, dpu: Run) -> None:
    actions.send(cast.alice, dpu, serving.board.device)
    code = enrolment.make_code(cast.alice, cast.team, device=serving.board.device)[1]
    token = join(code, instance="instance-0003").json()["token"]
    anew = Porch(Board(token, serving.board.device, "instance-0003"))
    assert not Served.objects.filter(agent__device=serving.board.device, agent__revoked=None).exists()
    assert anew.beat() is None
    assert states() == ["taken", "withdrawn"]
    assert actions.deploy_first(cast.alice, dpu, serving.board.device).number == 1


def test_an_agent_that_falls_back_to_an_old_version_takes_nothing(cast: Cast, serving: Porch) -> None:
    serving.board.beat(runtimes={"python": "3.12"})
    assert not Served.objects.exists()


def test_a_farewell_says_nothing_of_the_network(cast: Cast, serving: Porch) -> None:
    serving.board.beat("draining")
    assert Served.objects.filter(number=1).exists()


def test_a_beat_that_says_the_same_writes_nothing(serving: Porch, django_assert_num_queries: object) -> None:
    agent = Agent.objects.select_related("device").get(device=serving.board.device)
    said = beats.NetworkSaid(**serving.network)
    with django_assert_num_queries(1):  # type: ignore[operator]
        beats.keep(agent, said)


def test_merged_entries_keep_what_was_sent_to_either(cast: Cast, serving: Porch, dpu: Run) -> None:
    actions.send(cast.alice, dpu, serving.board.device)
    kept = Device.objects.create(team=cast.team, name="the same board")
    merge(kept, [serving.board.device])
    assert set(Deployment.objects.values_list("device", flat=True)) == {kept.pk}
    assert states() == ["taken", "waiting"]
    assert (serving.beat() or {})["number"] == 2


def test_a_run_that_goes_leaves_the_row_readable(serving: Porch, dpu: Run) -> None:
    number = dpu.number
    dpu.experiment.delete()
    row = Deployment.objects.get()
    assert (row.run, row.run_number, row.network) == (None, number, "LeNet-5")


@pytest.mark.parametrize("field, value", [
    ("number", -1), ("number", 2**53 + 1), ("sha256", "short"), ("key", "Z" * 64), ("cannot", "x" * 201), ("extra", 1)])
def test_what_a_board_may_say_of_it_is_bounded(porch: Porch, field: str, value: object) -> None:
    assert porch.board.beat(network=porch.network | {field: value}).status_code == 422


def test_the_change_that_goes_over_the_link_is_the_runs_file(cast: Cast, serving: Porch, dpu: Run) -> None:
    actions.send(cast.alice, dpu, serving.board.device)
    body = serving.fetch(serving.beat() or {}).getvalue()
    assert opened(body, key=signing.public(), device=serving.board.instance).change == CHANGES[0]
