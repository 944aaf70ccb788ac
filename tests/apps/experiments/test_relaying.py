"""What the portal carries to a board that takes no connections: in order, once, for these two boards only, and never much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from apps.devices.models import Device
from apps.experiments import relaying
from apps.experiments.models import Hosting, Run, Status
from tests.apps.boards import Board
from tests.apps.cast import Cast
from tests.apps.experiments.test_hostings import House, hosts, ordered, says


class Relayed:
    """A lead and a rack without a data port, in the middle of a run."""

    def __init__(self, house: House) -> None:
        self.house, self.run = house, ordered(house.lead, house.rack)
        house.lead.claim()
        self.told = house.rack.claim().json()
        says(house.rack, self.told, "serving")
        self.base = f"/hostings/{self.told['hosting']}/relay"

    def ask(self, board: Board, method: str, path: str, body: Any = None, token: str = "") -> Any:
        return board.ask(method, f"{self.base}/{path}", body, **{"X-EdgePortal-Run-Token": token or self.told["token"]})

    def call(self) -> int:
        return int(self.ask(self.house.lead, "POST", "calls").json()["call"])


@pytest.fixture
def relayed(cast: Cast, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Relayed:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    settings.BOARD_ASKS_OF_ONE_A_SECOND = 1000
    monkeypatch.setattr(relaying, "WAIT_S", 0.05)
    cache.clear()
    names = ("pi", "rack", "cloud")
    made = House(*(Board.joined(cast.alice, cast.team, name=name, instance=f"instance-{name}") for name in names))
    for board in (made.lead, made.rack, made.cloud):
        board.beat(data={})
    Device.objects.exclude(name="pi").update(tier="edge")
    return Relayed(made)


def test_the_lead_is_told_that_it_is_relayed_and_the_run_says_so(relayed: Relayed) -> None:
    [told] = hosts(relayed.house, relayed.run)["hosts"]
    assert told["relayed"] == relayed.told["hosting"] and told["addresses"] == [] and relayed.told["relayed"]
    said = [event.body["message"] for event in relayed.run.stream.events.filter(type="log")]
    assert said == ["part 2 stands on rack, relayed by the portal"]


def test_pieces_come_in_order_both_ways_and_each_once(relayed: Relayed) -> None:
    lead, rack, call = relayed.house.lead, relayed.house.rack, relayed.call()
    for known in (call - 1, call):
        assert relayed.ask(rack, "GET", f"calls/{known}").json() == {"call": call}
    assert relayed.ask(rack, "GET", f"{call}/0").status_code == 204
    for number, piece in enumerate((b"one", b"two")):
        assert relayed.ask(lead, "PUT", f"{call}/{number}", piece).status_code == 204
    assert relayed.ask(lead, "PUT", f"{call}/1", b"two").status_code == 204, "its answer was lost"
    assert [relayed.ask(rack, "GET", f"{call}/{number}").content for number in (0, 0, 1)] == [b"one", b"one", b"two"]
    assert relayed.ask(lead, "PUT", f"{call}/0", b"other").status_code == 204
    assert relayed.ask(rack, "GET", f"{call}/0").status_code == 204, "what was taken is gone"
    relayed.ask(rack, "PUT", f"{call}/0", b"answer")
    assert relayed.ask(lead, "GET", f"{call}/0").content == b"answer"
    relayed.ask(rack, "PUT", f"{call}/1", b"")
    end = relayed.ask(lead, "GET", f"{call}/1")
    assert (end.status_code, end.content) == (200, b""), "nothing at all ends a way"


def test_no_more_is_kept_than_a_few_pieces(relayed: Relayed) -> None:
    call = relayed.call()
    for number in range(relaying.MOST_UNDERWAY):
        assert relayed.ask(relayed.house.lead, "PUT", f"{call}/{number}", b"x").status_code == 204
    assert relayed.ask(relayed.house.lead, "PUT", f"{call}/{relaying.MOST_UNDERWAY}", b"x").status_code == 429
    large = b"x" * (relaying.MOST_PIECE_BYTES + 1)
    assert relayed.ask(relayed.house.lead, "PUT", f"{call}/0", large).status_code == 413
    newer = relayed.call()
    assert relayed.ask(relayed.house.lead, "PUT", f"{call}/0", b"x").status_code == 409, "the connection before is over"
    assert relayed.ask(relayed.house.lead, "PUT", f"{newer}/0", b"x").status_code == 204


def test_who_waits_asks_less_and_less_often_and_keeps_no_connection_to_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses, left, now = list[float](), list[int](), iter(range(10**6))
    monkeypatch.setattr(relaying, "WAIT_S", 2.0)
    monkeypatch.setattr(relaying.time, "monotonic", lambda: sum(pauses))
    monkeypatch.setattr(relaying.time, "sleep", pauses.append)
    monkeypatch.setattr(relaying, "_leave_the_database", lambda: left.append(next(now)))
    assert relaying._awaited(lambda: None) is None
    assert pauses[0] == 0.005 and max(pauses) == 0.05 and pauses == sorted(pauses) and len(pauses) < 50
    assert left, "others may have it"
    assert relaying._awaited(lambda: b"here") == b"here"


def test_only_these_two_boards_and_only_with_the_token_of_the_run(relayed: Relayed) -> None:
    call, house = relayed.call(), relayed.house
    for board, token in ((house.cloud, ""), (house.lead, "0" * 64), (house.rack, "0" * 64), (house.rack, "no token")):
        assert relayed.ask(board, "PUT", f"{call}/0", b"x", token=token).status_code == 403
        assert relayed.ask(board, "GET", f"{call}/0", token=token).status_code == 403
    assert relayed.ask(house.rack, "POST", "calls").status_code == 403, "who keeps the slice calls nobody"


def test_it_is_over_with_the_run_or_when_the_board_takes_connections(relayed: Relayed) -> None:
    call = relayed.call()
    Run.objects.filter(pk=relayed.run.pk).update(status=Status.FINISHED)
    assert relayed.ask(relayed.house.lead, "PUT", f"{call}/0", b"x").status_code == 403
    Hosting.objects.filter(run=relayed.run).update(relayed=False)
    assert relayed.ask(relayed.house.lead, "PUT", f"{call}/0", b"x").status_code == 409
