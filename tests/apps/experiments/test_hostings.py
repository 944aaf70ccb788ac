"""Slices on boards as their agents see them: reserved all or none, taken once, served, over with the run; no secret is kept."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from apps.accounts.secrecy import digest
from apps.devices.models import Device, Tier
from apps.experiments import board_files, hostings, recorder
from apps.experiments.models import Experiment, Hosting, Run, Standing, Status
from apps.experiments.on_devices import follow_merged
from apps.live.models import Stream
from tests.apps.boards import FINISHED, Board
from tests.apps.cast import Cast

PIN = "ab" * 32
DATA = {"port": 7443, "fingerprint": PIN, "host": "10.0.0.5"}


@dataclass
class House:
    """A board that leads, and two that take tensors."""

    lead: Board
    rack: Board
    cloud: Board

    def beat(self) -> None:
        self.lead.beat(data={})
        for board in (self.rack, self.cloud):
            board.beat(data=DATA)


@pytest.fixture
def house(cast: Cast, tmp_path: Path, settings: Any) -> House:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    settings.BOARD_ASKS_OF_ONE_A_SECOND = 1000
    cache.clear()
    boards = [Board.joined(cast.alice, cast.team, name=name, instance=f"instance-{name}") for name in ("pi", "rack", "cloud")]
    for board, tier in zip(boards, Tier.values, strict=True):
        Device.objects.filter(pk=board.device.pk).update(tier=tier)
    made = House(*boards)
    made.beat()
    return made


def ordered(lead: Board, *others: Board) -> Run:
    """A prepared run whose first part is for `lead`, and each further one for another board."""
    device, team = lead.device, lead.device.team
    experiment = Experiment.objects.create(team=team, name="slices", recipe="partitioning.slices")
    parts = {f"part {part}": {"kind": "device", "id": str(board.device.pk), "name": board.device.name, "tier": "edge", "host": ""}
             for part, board in enumerate((lead, *others), 1)}
    run = Run.objects.create(
        team=team, experiment=experiment, number=Run.objects.filter(team=team).count() + 1, recipe="partitioning.slices",
        params={"seed": 7}, inputs=parts, queued_at=timezone.now(), queue=device.queue, board=device,
        stream=Stream.objects.create(team=team), status=Status.QUEUED)
    folder = recorder.folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    for part in range(1, len(others) + 2):
        (folder / f"part-{part}.onnx").write_bytes(f"slice {part}".encode())
    files = board_files.keep_order(run, [f"part-{part}.onnx" for part in range(1, len(others) + 2)])
    hosted = {str(part): {"files": [f"part-{part}.onnx"], "facts": {"engine": "onnxruntime"}}
              for part in range(2, len(others) + 2)}
    run.order = {"recipe": run.recipe, "params": run.params, "facts": {"hosted": hosted}, "files": files}
    run.save(update_fields=["order"])
    return run


def hosts(house: House, run: Run) -> dict[str, Any]:
    found: dict[str, Any] = house.lead.ask("GET", f"/runs/{run.pk}/hosts").json()
    return found


def says(board: Board, slice_: dict[str, Any], state: str, reason: str = "") -> Any:
    return board.ask("POST", f"/hostings/{slice_['hosting']}", {"state": state, "reason": reason})


def test_each_board_gets_its_slice_and_the_lead_learns_where_they_serve(house: House) -> None:
    run = ordered(house.lead, house.rack, house.cloud)
    assert house.rack.claim().status_code == 204, "nothing is reserved before the lead has taken its run"
    claim = house.lead.claim()
    assert claim.status_code == 200 and claim.json()["hosted"]
    slices = [board.claim() for board in (house.rack, house.cloud)]
    assert [answer.status_code for answer in slices] == [202, 202]
    assert "makes part 2 ready" in hosts(house, run)["waiting"] and not hosts(house, run)["token"]
    for board, answer in zip((house.rack, house.cloud), slices, strict=True):
        told = answer.json()
        [file] = told["files"]
        body = b"".join(board.ask("GET", file["url"].removeprefix("/api/agent")).streaming_content)
        assert body == f"slice {told['part']}".encode() and told["facts"] == {"engine": "onnxruntime"}
        assert says(board, told, "serving").json()["state"] == "serving"
    found = hosts(house, run)
    assert [(each["part"], each["device"], each["port"], each["pin"]) for each in found["hosts"]] == [
        (2, "rack", 7443, PIN), (3, "cloud", 7443, PIN)]
    assert found["hosts"][0]["addresses"] == ["10.0.0.5", "127.0.0.1"], "what it says of itself, then what the portal saw"
    assert {answer.json()["token"] for answer in slices} == {found["token"]} and len(found["token"]) == 64


def test_the_token_is_one_of_its_run_and_lies_nowhere_in_the_database(house: House) -> None:
    run = ordered(house.lead, house.rack)
    house.lead.claim()
    token = house.rack.claim().json()["token"]
    row = Hosting.objects.get(run=run)
    assert row.token_hash == digest(token) and token not in str(vars(row))
    Run.objects.filter(pk=run.pk).update(status=Status.FINISHED)
    other = ordered(house.lead, house.rack)
    house.lead.claim()
    assert house.rack.claim().json()["token"] != token and other.hostings.get().token_hash != row.token_hash


def test_an_answer_that_was_lost_is_given_again_and_no_second_one(house: House) -> None:
    ordered(house.lead, house.rack)
    house.lead.claim()
    request = uuid.uuid4()
    assert house.rack.claim(request).json() == house.rack.claim(request).json()
    assert house.rack.claim().status_code == 204


def test_all_slices_are_reserved_or_none(house: House) -> None:
    first, second, third = (ordered(house.lead, house.rack), ordered(house.cloud, house.rack), ordered(house.rack, house.cloud))
    assert house.lead.claim().json()["run"] == str(first.pk)
    # Both others want the rack, as a host or as their lead: nothing of them begins, and nothing is reserved.
    assert house.cloud.claim().status_code == 204 and house.rack.claim().status_code == 202
    assert not second.hostings.exists() and not third.hostings.exists()
    assert Run.objects.filter(status=Status.QUEUED).count() == 2
    assert hostings.hindered(second) == "waits for rack, which is to keep part 2 of it and keeps a slice of another run"


def test_a_run_whose_slices_cannot_stand_lets_others_go_before(house: House, cast: Cast) -> None:
    waits, goes = ordered(house.lead, house.rack), ordered(house.lead, house.cloud)
    Device.objects.filter(pk=house.rack.device.pk).update(draining=True)
    assert house.lead.claim().json()["run"] == str(goes.pk)
    assert "is draining" in hostings.hindered(waits)


def test_only_the_board_itself_speaks_of_its_slice(house: House) -> None:
    run = ordered(house.lead, house.rack)
    house.lead.claim()
    told = house.rack.claim().json()
    file = told["files"][0]["url"].removeprefix("/api/agent")
    for stranger in (house.cloud, house.lead):
        assert says(stranger, told, "serving").status_code == 409
        assert stranger.ask("GET", file).status_code == 409
    assert house.cloud.ask("GET", f"/runs/{run.pk}/hosts").status_code == 409
    assert house.rack.ask("GET", f"/runs/{run.pk}/hosts").status_code == 409, "where others stand is the lead's to know"


def test_a_board_fetches_the_files_of_its_own_slice_and_no_others_of_the_run(house: House) -> None:
    run = ordered(house.lead, house.rack, house.cloud)
    house.lead.claim()
    mine, theirs = (board.claim().json()["files"][0] for board in (house.rack, house.cloud))
    url = mine["url"].removeprefix("/api/agent")
    assert house.rack.ask("GET", url).status_code == 200
    first = next(each["sha256"] for each in (run.order or {})["files"] if each["path"] == "part-1.onnx")
    for sha256 in (theirs["sha256"], first):
        assert house.rack.ask("GET", url.replace(mine["sha256"], sha256)).status_code == 404


def test_it_is_over_with_its_run_and_the_board_takes_work_again(house: House) -> None:
    run = ordered(house.lead, house.rack)
    lease = house.lead.claim().json()["token"]
    told = house.rack.claim().json()
    says(house.rack, told, "serving")
    assert house.lead.say(run, lease, 1, [FINISHED]).status_code == 200
    assert says(house.rack, told, "serving").status_code == 409
    again = ordered(house.lead, house.rack)
    assert house.lead.claim().json()["run"] == str(again.pk) and house.rack.claim().status_code == 202


def test_a_board_that_falls_silent_is_named_as_the_reason(house: House, settings: Any) -> None:
    run = ordered(house.lead, house.rack)
    house.lead.claim()
    house.rack.claim()
    Hosting.objects.filter(run=run).update(expires=timezone.now() - timedelta(seconds=1))
    assert "does not stand on rack" in hosts(house, run)["broken"]


def test_a_board_that_cannot_go_on_says_why_and_the_log_of_the_run_keeps_it(house: House) -> None:
    run = ordered(house.lead, house.rack)
    house.lead.claim()
    told = house.rack.claim().json()
    says(house.rack, told, "serving")
    says(house.rack, told, "gone", "its process ended 3 times (killed by signal 9)")
    assert hosts(house, run)["broken"] == "Part 2 cannot stand on rack: its process ended 3 times (killed by signal 9)"
    said = [event.body["message"] for event in run.stream.events.filter(type="log").order_by("seq")]
    assert said[0].startswith("part 2 stands on rack, reached at 10.0.0.5, port 7443") and "killed by signal 9" in said[1]


def test_a_lead_that_comes_back_finds_the_slices_where_they_were(house: House) -> None:
    run = ordered(house.lead, house.rack)
    lease = house.lead.claim().json()["token"]
    told = house.rack.claim().json()
    says(house.rack, told, "serving")
    token = hosts(house, run)["token"]
    assert house.lead.ask("POST", f"/runs/{run.pk}/release", {"lease": lease}).status_code == 204
    assert says(house.rack, told, "serving").status_code == 200, "it waits, as its run does"
    house.lead.claim()
    assert hosts(house, run)["token"] == token and run.hostings.get().state == Standing.SERVING


def test_an_agent_that_knows_nothing_of_slices_gets_none_and_its_runs_as_before(house: House) -> None:
    ordered(house.lead, house.rack)
    house.lead.claim()
    house.rack.beat(runtimes={"python": "3.11"})  # As an old version says it: no word of slices.
    assert house.rack.claim().status_code == 204


@pytest.mark.parametrize("data", [{"port": 0}, {"port": 70000}, {"port": "7443"}, {"fingerprint": "xyz"}, {"host": "a b"},
                                  {"host": "x" * 65}, {"more": 1}, 5])
def test_what_cannot_be_a_data_port_is_refused_by_field(house: House, data: Any) -> None:
    answer = house.rack.beat(data=data)
    assert answer.status_code == 422 and "data" in answer.json()["field"]


def test_a_slice_follows_a_board_that_was_entered_twice_and_is_over(house: House) -> None:
    run = ordered(house.lead, house.rack)
    house.lead.claim()
    house.rack.claim()
    follow_merged(None, kept=house.cloud.device, other=house.rack.device)
    row = run.hostings.get()
    assert row.device == house.cloud.device and row.state == Standing.GONE
    assert "entered twice" in hosts(house, run)["broken"]
