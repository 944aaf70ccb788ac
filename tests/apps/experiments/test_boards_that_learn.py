"""Boards as clients of federated learning: refused at the form in a sentence, asked each by itself, with a token of its own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.accounts.refusal import Refused
from apps.accounts.secrecy import digest
from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.devices.boards.unwelcome import Unwelcome
from apps.devices.models import Agent, Device, Tier
from apps.experiments import actions, board_files, hostings, members, recorder, relaying, relays
from apps.experiments.evidence import NOTHING
from apps.experiments.models import Experiment, Hosting, Run, Standing, Status
from tests.apps.boards import Board
from tests.apps.cast import Cast
from worker import menu
from worker.orders import DEVICE, HOSTED, SERVES

RECIPE = "federated.fedavg"
DATA = {"port": 7443, "fingerprint": "ab" * 32, "host": "10.0.0.5"}
TORCH = {"onnxruntime": "1.31.1", "torch": "2.13.0"}
ORDER: dict[str, Any] = {
    "files": [{"path": path, "sha256": str(at) * 64, "size_bytes": 1} for at, path in enumerate(("layers", "one", "two"))],
    "facts": {HOSTED: {str(part): {"files": ["layers", own], "facts": {SERVES: DEVICE, "client": own}}
                       for part, own in ((2, "one"), (3, "two"))}}}


@pytest.fixture
def values(cast: Cast, settings: Any, tmp_path: Path) -> dict[str, Any]:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    cache.clear()
    blob = Blob.objects.create(sha256="1" * 64, size_bytes=1)
    facts = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1}
    model = RegisteredModel.objects.create(team=cast.team, name="LeNet", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, **facts)
    data = Dataset.objects.create(team=cast.team, name="small", in_shape=[1, 8, 8], classes=10, file=blob)
    return {"model": str(variant.pk), "dataset": str(data.pk), "clients": "pi; rack: 30 %", "where": "boards"}


@pytest.fixture
def pi(cast: Cast) -> Board:
    return joined(cast, "pi", Tier.DEVICE, {})


@pytest.fixture
def rack(cast: Cast) -> Board:
    return joined(cast, "rack", Tier.EDGE, DATA)


def joined(cast: Cast, name: str, tier: str, data: dict[str, Any]) -> Board:
    board = Board.joined(cast.alice, cast.team, name=name, instance=f"instance-{name}", runtimes=TORCH)
    board.beat(data=data)
    Device.objects.filter(pk=board.device.pk).update(tier=tier)
    return board


def refusal(cast: Cast, values: dict[str, Any], **more: Any) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        actions.launch(cast.mia, cast.team, RECIPE, {**values, **more})
    assert not Experiment.objects.exists()
    return refused.value.errors


@pytest.fixture
def run(cast: Cast, values: dict[str, Any], pi: Board, rack: Board) -> Run:
    """A run that a worker holds and prepared."""
    made = actions.launch(cast.mia, cast.team, RECIPE, values)
    Run.objects.filter(pk=made.pk).update(status=Status.RUNNING, token=5)
    made.refresh_from_db()
    return made


def asked(run: Run) -> str:
    with transaction.atomic():
        return members.reserve(run, ORDER)


def rows(run: Run) -> dict[str, Hosting]:
    return {row.name: row for row in run.hostings.select_related("run")}


def change(board: Board, **fields: Any) -> None:
    Device.objects.filter(pk=board.device.pk).update(**fields)


OFFLINE = {"last_seen": timezone.now() - timedelta(hours=1)}


def test_clients_are_boards_of_their_names_and_this_computer_leads(run: Run) -> None:
    assert run.board is None and run.queue == "cpu" and "part 1" not in run.inputs
    assert [(place.part, place.name) for place in hostings.places(run)] == [(2, "pi"), (3, "rack")]


def test_elsewhere_clients_are_names_only(cast: Cast, values: dict[str, Any]) -> None:
    typed = {"clients": "pi: 1 GMAC/s, 20 Mbit/s, 2 ms"}
    for where in ("emulated", "processes"):
        assert not hostings.places(actions.launch(cast.mia, cast.team, RECIPE, {**values, **typed, "where": where}))


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"runtimes": {"onnxruntime": "1.31.1"}}, "rack has no torch"),
    (OFFLINE, "rack is offline"),
    ({"draining": True}, "rack is draining"),
    ({"retired": True}, "rack is retired"),
    ({"host": "bench"}, "rack is a computer with a worker, not a board"),
    ({"name": "another"}, "There is no device rack"),
])
def test_a_board_that_cannot_learn_is_refused_at_the_clients(
    cast: Cast, values: dict[str, Any], pi: Board, rack: Board, fields: dict[str, Any], sentence: str,
) -> None:
    change(rack, **fields)
    assert sentence in refusal(cast, values)["clients"]


@pytest.mark.parametrize(("clients", "sentence"), [
    ("pi; nobody", "There is no device nobody that this team may run on. Its boards: pi, rack."),
    ("this computer; pi", "This computer leads the run and is no board: let an agent join on it")])
def test_a_name_that_is_no_board_is_refused_with_what_there_is(
    cast: Cast, values: dict[str, Any], pi: Board, rack: Board, clients: str, sentence: str,
) -> None:
    assert sentence in refusal(cast, values, clients=clients)["clients"]


def test_another_teams_board_is_not_there(cast: Cast, values: dict[str, Any], pi: Board) -> None:
    Board.joined(cast.mallory, cast.mallory.memberships.get().team, name="rack", instance="instance-rack", runtimes=TORCH)
    assert "There is no device rack" in refusal(cast, values)["clients"]


@pytest.mark.parametrize(("more", "field", "sentence"), [
    ({"changes": "round 2: nobody 5 Mbit/s"}, "changes", "the clients are pi, rack"),
    ({"clients": "board x 16"}, "where", "at most 15 may take part"),
])
def test_what_boards_cannot_do_is_refused_at_its_field(
    cast: Cast, values: dict[str, Any], pi: Board, rack: Board, more: dict[str, Any], field: str, sentence: str,
) -> None:
    assert sentence in refusal(cast, values, **more)[field]


def test_fedadapt_asks_for_the_speeds_that_it_decides_by(cast: Cast, values: dict[str, Any], pi: Board, rack: Board) -> None:
    with pytest.raises(Refused) as refused:
        actions.launch(cast.mia, cast.team, "federated.fedadapt", values)
    assert "How fast pi, rack trains is not known" in refused.value.errors["clients"]


def test_the_form_says_beforehand_to_whom_the_portal_relays(cast: Cast, values: dict[str, Any], pi: Board, rack: Board) -> None:
    assert relays.asked_for(cast.team, menu.get(RECIPE), values) == [
        "this computer → pi is relayed by the portal, as pi takes no connections."]


def test_each_has_its_own_files_and_a_token_that_no_other_knows(run: Run) -> None:
    assert asked(run) == ""
    one, two = rows(run)["pi"], rows(run)["rack"]
    assert [each["path"] for each in one.files] == ["layers", "one"] and [each["path"] for each in two.files] == ["layers", "two"]
    assert hostings.token_of(one) != hostings.token_of(two) and one.token_hash == digest(hostings.token_of(one))
    assert hostings.behind(one) is None, "no board is the way to another"
    assert one.relayed and (two.hosts[0], two.port) == ("10.0.0.5", 7443)


def test_the_lead_waits_for_all_that_were_asked_and_goes_on_without_who_gives_up(run: Run, pi: Board, rack: Board) -> None:
    asked(run)
    assert members.of_run(run).waiting == "pi makes itself ready"
    say(pi, "gone", "it has no room")
    say(rack, "serving")
    found = members.of_run(run)
    assert [row.name for row in found.ready] == ["pi", "rack"] and not found.broken
    say(rack, "gone", "the board's agent was stopped")
    assert members.of_run(run).broken == ("pi does not take part: it has no room. "
                                          "rack does not take part: the board's agent was stopped.")


def test_a_slow_board_keeps_the_others_waiting_no_longer_than_patience_lasts(run: Run, pi: Board, rack: Board) -> None:
    asked(run)
    assert members.of_run(run, is_patient=False).waiting == "pi makes itself ready", "nobody serves"
    say(rack, "serving")
    assert not members.of_run(run).ready
    assert [row.name for row in members.of_run(run, is_patient=False).ready] == ["pi", "rack"]


def say(board: Board, state: str, reason: str = "") -> None:
    agent = Agent.objects.get(device=board.device)
    hostings.hear(agent, Hosting.objects.get(device=board.device).pk, state, reason)


def test_a_board_that_is_not_there_is_asked_when_it_comes(run: Run, rack: Board) -> None:
    change(rack, **OFFLINE)
    assert asked(run) == ""
    before = rows(run)["rack"]
    assert before.state == Standing.GONE and "rack is offline" in before.reason
    members.again(run, ORDER)
    assert rows(run)["rack"].state == Standing.GONE
    change(rack, last_seen=timezone.now())
    members.again(run, ORDER)
    assert rows(run)["rack"].state == Standing.WANTED and hostings.token_of(rows(run)["rack"]) == hostings.token_of(before)


def test_a_board_that_gave_up_is_left_alone_for_a_lease(run: Run, pi: Board) -> None:
    asked(run)
    say(pi, "gone", "its process ended 3 times")
    members.again(run, ORDER)
    assert rows(run)["pi"].state == Standing.GONE
    Hosting.objects.filter(device=pi.device).update(expires=timezone.now())
    members.again(run, ORDER)
    assert rows(run)["pi"].state == Standing.WANTED


def test_who_lost_the_run_asks_nobody(run: Run, pi: Board) -> None:
    asked(run)
    Hosting.objects.update(state=Standing.GONE, expires=timezone.now())
    Run.objects.filter(pk=run.pk).update(token=6)
    members.again(run, ORDER)
    assert {row.state for row in rows(run).values()} == {Standing.GONE}


def test_where_no_board_is_there_the_run_cannot_begin(run: Run, pi: Board, rack: Board) -> None:
    for board in (pi, rack):
        change(board, **OFFLINE)
    assert "pi is offline" in asked(run)


def test_a_board_that_does_something_else_is_waited_for(cast: Cast, run: Run, values: dict[str, Any]) -> None:
    asked(run)
    other = actions.launch(cast.mia, cast.team, RECIPE, values)
    assert asked(other) == "waits for pi, which is to take part and keeps a slice of another run"


def test_the_portal_relays_between_this_computer_and_every_board_but_not_between_boards(run: Run, pi: Board, rack: Board) -> None:
    change(rack, tier=Tier.DEVICE)
    asked(run)
    for row in rows(run).values():
        assert relaying.end_of_lead(row.pk, run.pk, 5).says == "out"
    with pytest.raises(Unwelcome):
        relaying.end_of_lead(rows(run)["rack"].pk, run.pk, 4)
    with pytest.raises(Unwelcome):
        relaying.end_of(Agent.objects.get(device=pi.device), rows(run)["rack"].pk, hostings.token_of(rows(run)["pi"]))


def test_a_boards_claim_has_its_share_and_nothing_of_the_others(cast: Cast, run: Run, pi: Board, rack: Board) -> None:
    folder = recorder.folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    for path in ("layers", "one", "two"):
        (folder / path).write_bytes(path.encode())
    order = {**ORDER, "files": board_files.keep_order(run, ["layers", "one", "two"])}
    with transaction.atomic():
        assert members.reserve(run, order) == ""
    told = pi.claim().json()
    assert [each["path"] for each in told["files"]] == ["layers", "one"] and told["facts"]["client"] == "one"
    others = next(each["sha256"] for each in order["files"] if each["path"] == "two")
    base = f"/hostings/{told['hosting']}/files"
    assert pi.ask("GET", f"{base}/{told['files'][1]['sha256']}").status_code == 200
    assert pi.ask("GET", f"{base}/{others}").status_code == 404


def test_the_page_of_a_run_says_who_takes_part_and_how_it_is_reached(cast: Cast, client: Client, run: Run, rack: Board) -> None:
    asked(run)
    say(rack, "serving")
    client.force_login(cast.victor)
    page = " ".join(client.get(f"/runs/{run.pk}/").content.decode().split())
    for words in ("Which boards take part", "runs the edge servers", "relayed by the portal", "directly, 10.0.0.5, port 7443"):
        assert words in page
    assert "--where" not in page, "a terminal knows no boards"
    said = [event.body["message"] for event in run.stream.events.filter(type="log")]
    assert "rack takes part, reached at 10.0.0.5, port 7443" in said


def test_the_page_calls_a_board_a_board_and_says_nothing_of_nothing(cast: Cast, client: Client, run: Run) -> None:
    client.force_login(cast.victor)
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert run.inputs["profiles"]["name"] == NOTHING and page.count("<dt>board</dt>") == 2
    assert NOTHING not in page and "<dt>part " not in page and "<dt>profiles</dt>" not in page


def test_a_board_to_which_much_is_relayed_is_still_heard(run: Run, pi: Board, settings: Any) -> None:
    asked(run)
    row = rows(run)["pi"]
    settings.API_REQUESTS_A_MINUTE = 3
    cache.clear()
    path, token = f"/hostings/{row.pk}/relay/1/0", {"X-EdgePortal-Run-Token": hostings.token_of(row)}
    assert {pi.ask("PUT", path, b"x", **token).status_code for _ in range(6)} == {409}, "there is no such connection"
    assert pi.beat().status_code == 200


def test_a_bandwidth_and_the_learning_rate_can_be_changed_while_boards_learn(cast: Cast, run: Run) -> None:
    actions.change_live(cast.mia, run, {"learning_rate": 0.5, "bandwidth_now": "pi 5 Mbit/s"})
    run.refresh_from_db()
    assert (run.live_params["learning_rate"], run.live_params["bandwidth_now"]) == (0.5, "pi 5 Mbit/s")
