"""Who may speak over the relay of a part that is not the second, and as a worker that leads: the part before, and nobody else."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from apps.devices.boards.unwelcome import Unwelcome
from apps.experiments import hostings, leases, relaying
from apps.experiments.models import Hosting, Run, Standing, Status
from tests.apps.boards import Board
from tests.apps.cast import Cast
from tests.apps.experiments.test_hostings import House, hosts, ordered, says
from worker.agent.wording import Away, Refused
from worker.tasks.relaying import ByLease


@pytest.fixture
def house(cast: Cast, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> House:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    settings.BOARD_ASKS_OF_ONE_A_SECOND = 1000
    monkeypatch.setattr(relaying, "WAIT_S", 0.05)
    cache.clear()
    names = ("pi", "rack", "cloud")
    made = House(*(Board.joined(cast.alice, cast.team, name=name, instance=f"instance-{name}") for name in names))
    for board in (made.lead, made.rack, made.cloud):
        board.beat(data={})
    return made


class Three:
    """A lead and two parts behind it, none of which takes connections."""

    def __init__(self, house: House) -> None:
        self.house, self.run = house, ordered(house.lead, house.rack, house.cloud)
        house.lead.claim()
        self.second, self.third = (board.claim().json() for board in (house.rack, house.cloud))
        for board, told in ((house.rack, self.second), (house.cloud, self.third)):
            says(board, told, "serving")

    def ask(self, board: Board, method: str, path: str, body: Any = None, token: str = "") -> Any:
        base = f"/hostings/{self.third['hosting']}/relay"
        return board.ask(method, f"{base}/{path}", body, **{"X-EdgePortal-Run-Token": token or self.third["token"]})

    def call(self) -> int:
        return int(self.ask(self.house.rack, "POST", "calls").json()["call"])


@pytest.fixture
def three(house: House) -> Three:
    return Three(house)


def test_the_board_of_the_second_part_learns_which_slice_is_behind_it_and_the_last_one_that_none_is(three: Three) -> None:
    assert three.second["onward"] == three.third["hosting"] and three.third["onward"] == ""
    relayed = [each["relayed"] for each in hosts(three.house, three.run)["hosts"]]
    assert relayed == [three.second["hosting"], three.third["hosting"]]


def test_the_second_part_brings_to_the_third_and_hears_its_answer(three: Three) -> None:
    rack, cloud, call = three.house.rack, three.house.cloud, three.call()
    assert three.ask(cloud, "GET", f"calls/{call - 1}").json() == {"call": call}
    assert three.ask(rack, "PUT", f"{call}/0", b"tensor").status_code == 204
    assert three.ask(cloud, "GET", f"{call}/0").content == b"tensor"
    assert three.ask(cloud, "PUT", f"{call}/0", b"answer").status_code == 204
    assert three.ask(rack, "GET", f"{call}/0").content == b"answer"


def test_the_lead_is_no_neighbour_of_the_third_part_and_a_token_of_another_run_is_of_no_use(three: Three) -> None:
    call, house = three.call(), three.house
    for board, token in ((house.lead, ""), (house.rack, "0" * 64), (house.cloud, "0" * 64), (house.rack, "no token")):
        assert three.ask(board, "PUT", f"{call}/0", b"x", token=token).status_code == 403
        assert three.ask(board, "GET", f"{call}/0", token=token).status_code == 403
        assert three.ask(board, "POST", "calls", token=token).status_code == 403
    assert three.ask(house.cloud, "POST", "calls").status_code == 403, "who keeps the slice calls nobody"


def test_a_board_whose_slice_is_over_sends_on_to_nobody(three: Three) -> None:
    call = three.call()
    Hosting.objects.filter(pk=three.second["hosting"]).update(state=Standing.GONE)
    assert three.ask(three.house.rack, "PUT", f"{call}/0", b"x").status_code == 403
    assert three.ask(three.house.cloud, "PUT", f"{call}/0", b"x").status_code == 204, "the one behind still may answer"


def test_a_run_that_its_lead_has_lost_is_relayed_no_further(three: Three) -> None:
    call = three.call()
    leases.take_back(Run.objects.get(pk=three.run.pk), "it was silent")
    for board in (three.house.rack, three.house.cloud):
        assert three.ask(board, "PUT", f"{call}/0", b"x").status_code == 403


def test_the_second_part_of_another_run_is_no_neighbour(three: Three, cast: Cast) -> None:
    """As a board that kept part 2 before, and now keeps that of another run, with that one's token."""
    call = three.call()
    Hosting.objects.filter(pk=three.second["hosting"]).update(state=Standing.GONE)
    other = ordered(three.house.lead, three.house.rack)
    Run.objects.filter(pk=other.pk).update(status=Status.RUNNING)
    Hosting.objects.create(run=other, part=2, device=three.house.rack.device, name="rack", state=Standing.SERVING,
                           expires=Hosting.objects.get(pk=three.third["hosting"]).expires, relayed=True, token_hash="", salt="")
    assert three.ask(three.house.rack, "PUT", f"{call}/0", b"x").status_code == 403


# This computer leads

@pytest.fixture
def led_here(house: House) -> tuple[Run, Any]:
    run = ordered(house.lead, house.rack)
    run.inputs.pop("part 1")
    Run.objects.filter(pk=run.pk).update(board=None, inputs=run.inputs, status=Status.RUNNING, token=7)
    run = Run.objects.get(pk=run.pk)
    assert not hostings.reserve(run, run.order or {})
    told = house.rack.claim().json()
    says(house.rack, told, "serving")
    return run, told


def rack_asks(house: House, told: Any, method: str, path: str, body: Any = None) -> Any:
    return house.rack.ask(method, f"/hostings/{told['hosting']}/relay/{path}", body, **{"X-EdgePortal-Run-Token": told["token"]})


def test_a_worker_that_leads_speaks_with_the_second_part_without_http(house: House, led_here: tuple[Run, Any]) -> None:
    run, told = led_here
    place = ByLease(run, told["hosting"])
    call = place.call()
    assert rack_asks(house, told, "GET", f"calls/{call - 1}").json() == {"call": call}
    place.put(call, 0, b"tensor")
    assert rack_asks(house, told, "GET", f"{call}/0").content == b"tensor"
    assert place.get(call, 0) is None
    rack_asks(house, told, "PUT", f"{call}/0", b"answer")
    assert place.get(call, 0) == b"answer"


def test_a_worker_that_lost_its_lease_brings_and_hears_nothing_more(house: House, led_here: tuple[Run, Any]) -> None:
    run, told = led_here
    place = ByLease(run, told["hosting"])
    call = place.call()
    rack_asks(house, told, "PUT", f"{call}/0", b"answer")
    Run.objects.filter(pk=run.pk).update(token=8)  # Another worker has taken it.
    for step in (place.call, lambda: place.put(call, 0, b"x"), lambda: place.get(call, 0)):
        with pytest.raises(Refused) as refused:
            step()
        assert refused.value.status == 403
    assert rack_asks(house, told, "GET", f"{call}/0").status_code == 204, "nothing of it came"


def test_a_worker_waits_while_the_other_side_takes_nothing_and_ends_with_a_newer_connection(
    house: House, led_here: tuple[Run, Any],
) -> None:
    run, told = led_here
    place = ByLease(run, told["hosting"])
    call = place.call()
    for number in range(relaying.MOST_UNDERWAY):
        place.put(call, number, b"x")
    with pytest.raises(Away):
        place.put(call, relaying.MOST_UNDERWAY, b"x")
    place.call()
    with pytest.raises(Refused):
        place.put(call, 0, b"x")


def test_a_worker_reaches_no_slice_but_the_one_behind_its_own(house: House, led_here: tuple[Run, Any]) -> None:
    run, told = led_here
    with pytest.raises(Unwelcome) as unknown:
        relaying.end_of_lead(uuid.uuid4(), run.pk, run.token)
    assert unknown.value.status == 409
    for changed in ({"part": 3}, {"part": 2, "relayed": False}):
        Hosting.objects.filter(pk=told["hosting"]).update(**changed)
        with pytest.raises(Unwelcome):
            relaying.end_of_lead(uuid.UUID(told["hosting"]), run.pk, run.token)
    other = ordered(house.lead, house.cloud)
    Hosting.objects.filter(pk=told["hosting"]).update(part=2, relayed=True)
    Run.objects.filter(pk=other.pk).update(status=Status.RUNNING, board=None, token=1)
    with pytest.raises(Unwelcome):
        relaying.end_of_lead(uuid.UUID(told["hosting"]), other.pk, 1)


def test_a_board_cannot_speak_as_the_worker_that_leads(house: House, led_here: tuple[Run, Any]) -> None:
    _, told = led_here
    base = f"/hostings/{told['hosting']}/relay/calls"
    for board in (house.lead, house.cloud, house.rack):
        assert board.ask("POST", base, **{"X-EdgePortal-Run-Token": told["token"]}).status_code == 403
