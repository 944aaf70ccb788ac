"""Where a run goes: a board's run is prepared on a worker and measured by the board's agent; refused where nobody could."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.devices.models import Device
from apps.experiments import actions, board_files, leases, placing, recorder
from apps.experiments.forms import form_for
from apps.experiments.leases import Fenced
from apps.experiments.models import BoardFile, Experiment, Run, Status
from tests.apps.boards import Board
from tests.apps.cast import Cast
from worker import menu

RECIPE = "benchmarking.latency"


@pytest.fixture
def values(cast: Cast, settings: Any, tmp_path: Path) -> dict[str, Any]:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    blob = Blob.objects.create(sha256="1" * 64, size_bytes=1)
    facts = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1}
    model = RegisteredModel.objects.create(team=cast.team, name="LeNet", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, **facts)
    data = Dataset.objects.create(team=cast.team, name="small", in_shape=[1, 8, 8], classes=10, file=blob)
    return {"model": str(variant.pk), "dataset": str(data.pk)}


@pytest.fixture
def board(cast: Cast) -> Board:
    return Board.joined(cast.alice, cast.team)


def launched(cast: Cast, values: dict[str, Any], device: Device, recipe: str = RECIPE, **more: Any) -> Run:
    return actions.launch(cast.mia, cast.team, recipe, {**values, "device": str(device.pk), **more})


def refusal(cast: Cast, values: dict[str, Any], device: Device, **more: Any) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        launched(cast, values, device, **more)
    assert not Experiment.objects.exists()
    return refused.value.errors


def test_a_run_for_a_board_is_prepared_first(cast: Cast, values: dict[str, Any], board: Board) -> None:
    run = launched(cast, values, board.device, engine="onnxruntime")
    assert (run.queue, run.board, run.order) == ("cpu", board.device, None)
    assert board.claim().status_code == 204, "nothing is prepared yet"


def test_what_is_prepared_waits_for_its_board_and_no_attempt_is_counted(
        cast: Cast, values: dict[str, Any], board: Board) -> None:
    launched(cast, values, board.device)
    run = leases.claim(["cpu"], "w1")
    assert run
    recorder.folder(run).mkdir(parents=True)
    (recorder.folder(run) / "a.onnx").write_bytes(b"network")
    files = board_files.keep_order(run, ["a.onnx", "a.onnx"])
    leases.hand_over(run, {"recipe": run.recipe, "params": run.params, "facts": {}, "files": files})
    held, run = run, Run.objects.get(pk=run.pk)
    assert (run.status, run.queue, run.attempt, run.stalls) == (Status.QUEUED, board.device.queue, 0, 0)
    assert BoardFile.objects.get().blob.size_bytes == 7
    assert leases.claim(["cpu"], "w1") is None and board.claim().json()["attempt"] == 1
    with pytest.raises(Fenced):
        leases.hand_over(held, {})


def test_who_lost_the_run_while_preparing_leaves_the_files_of_the_next_preparation_alone(
        cast: Cast, values: dict[str, Any], board: Board) -> None:
    launched(cast, values, board.device)
    slow = leases.claim(["cpu"], "w1")
    assert slow
    leases.take_back(slow, "silent")
    quick = leases.claim(["cpu"], "w2")
    assert quick
    recorder.folder(quick).mkdir(parents=True)
    (recorder.folder(quick) / "a.onnx").write_bytes(b"network")
    files = board_files.keep_order(quick, ["a.onnx"])
    leases.hand_over(quick, {"recipe": quick.recipe, "params": quick.params, "facts": {}, "files": files})
    assert board.claim().status_code == 200
    (recorder.folder(quick) / "a.onnx").write_bytes(b"network of the slow one")
    with pytest.raises(Fenced):
        board_files.keep_order(slow, ["a.onnx"])
    assert BoardFile.objects.get().blob.size_bytes == 7


def test_a_run_cancelled_while_it_is_prepared_does_not_reach_the_board(
        cast: Cast, values: dict[str, Any], board: Board) -> None:
    launched(cast, values, board.device)
    run = leases.claim(["cpu"], "w1")
    assert run
    actions.cancel(cast.mia, run)
    leases.hand_over(run, {"recipe": run.recipe, "params": {}, "facts": {}, "files": []})
    run.refresh_from_db()
    assert run.status == Status.CANCELLED and board.claim().status_code == 204


def test_a_run_whose_board_was_given_to_a_worker_meanwhile_ends_in_words_and_is_not_prepared_for_ever(
        cast: Cast, values: dict[str, Any], board: Board) -> None:
    launched(cast, values, board.device)
    run = leases.claim(["cpu"], "w1")
    assert run
    Device.objects.update(host="edge-7")
    leases.hand_over(run, {"recipe": run.recipe, "params": {}, "facts": {}, "files": []})
    run.refresh_from_db()
    assert (run.status, run.reason) == (Status.FAILED, "A worker measures on pi now, no agent: launch it again.")
    assert leases.claim(["cpu", "bench.edge-7"], "w1") is None


def test_an_order_names_no_file_outside_the_runs_folder(cast: Cast, values: dict[str, Any], board: Board) -> None:
    run = launched(cast, values, board.device)
    recorder.folder(run).mkdir(parents=True)
    for path in ("../../etc/passwd", "/etc/passwd", "absent"):
        with pytest.raises(ValueError):
            board_files.keep_order(run, [path])


def test_a_failed_run_of_a_board_is_tried_again_without_being_prepared_again(
        cast: Cast, values: dict[str, Any], board: Board) -> None:
    run = launched(cast, values, board.device)
    Run.objects.filter(pk=run.pk).update(status=Status.FAILED, queue=board.device.queue, order={"files": [], "facts": {},
                                         "recipe": run.recipe, "params": {}})
    actions.retry(cast.mia, Run.objects.get(pk=run.pk))
    assert board.claim().json()["run"] == str(run.pk)


def test_a_recipe_that_needs_torch_is_refused_on_a_board(cast: Cast, values: dict[str, Any], board: Board) -> None:
    recipe = next(each for each in menu.recipes().values() if each.board)
    things = {"device": ("device", placing.DEVICES.get(pk=board.device.pk))}
    without = type(recipe)(**{**vars(recipe), "board": None, "needs_quiet": True})
    with pytest.raises(Refused) as refused:
        placing.refuse_nowhere([(without, recipe.params.model_construct())], [things])  # type: ignore[list-item]
    assert "no torch" in refused.value.errors["device"]


def test_an_engine_that_a_board_has_not_is_refused_at_its_field(cast: Cast, values: dict[str, Any], board: Board) -> None:
    assert set(refusal(cast, values, board.device, engine="torch")) == {"engine"}


def test_a_device_that_nobody_speaks_for_is_refused(cast: Cast, values: dict[str, Any]) -> None:
    device = Device.objects.create(team=cast.team, name="phone")
    assert "Nobody can measure on phone" in refusal(cast, values, device)["device"]


def test_a_board_whose_token_was_ended_is_refused(cast: Cast, values: dict[str, Any], board: Board) -> None:
    from apps.devices.boards import tokens

    tokens.revoke(cast.alice, board.device)
    assert "Nobody can measure" in refusal(cast, values, board.device)["device"]


def test_a_retired_device_is_refused(cast: Cast, values: dict[str, Any], board: Board) -> None:
    Device.objects.update(retired=True)
    assert "retired" in refusal(cast, values, board.device)["device"]


def test_a_computer_with_a_worker_measures_by_itself_as_before(cast: Cast, values: dict[str, Any]) -> None:
    host = Device.objects.create(team=cast.team, name="desk", host="desk-host")
    run = launched(cast, values, host)
    assert (run.queue, run.board) == ("bench.desk-host", None)


def test_without_a_device_this_computer_measures(cast: Cast, values: dict[str, Any], settings: Any) -> None:
    run = actions.launch(cast.mia, cast.team, RECIPE, values)
    assert (run.queue, run.board) == (settings.BENCH_QUEUE, None)


def test_a_board_that_is_shared_is_for_every_team_and_a_foreign_one_is_not_there(cast: Cast, values: dict[str, Any]) -> None:
    theirs = Board.joined(cast.mallory, Team.objects.get(name="Others"))
    assert "no such device" in refusal(cast, values, theirs.device)["device"]
    Device.objects.filter(pk=theirs.device.pk).update(shared=True)
    run = launched(cast, values, theirs.device)
    assert run.board == theirs.device and run.team == cast.team


@pytest.mark.parametrize(("recipe", "offered"), [
    (RECIPE, {"board", "other host"}), ("benchmarking.prediction", {"board", "other host", "this computer", "on paper"})])
def test_a_form_offers_the_devices_that_can_measure_and_this_computer_once(
        cast: Cast, values: dict[str, Any], board: Board, settings: Any, recipe: str, offered: set[str]) -> None:
    board.device.name = "board"
    board.device.save()
    for name, host in {"other host": "edge-9", "this computer": settings.HOST, "on paper": ""}.items():
        Device.objects.create(team=cast.team, name=name, host=host)
    form = form_for(menu.get(recipe), cast.mia, cast.team)({})
    assert {device.name for device in form.fields["device"].offered()} == offered


def test_a_device_that_is_not_offered_stays_where_it_was_chosen(cast: Cast, settings: Any) -> None:
    here = Device.objects.create(team=cast.team, name="my laptop", host=settings.HOST)
    form = form_for(menu.get(RECIPE), cast.mia, cast.team)(initial={"device": str(here.pk)})
    assert f'value="{here.pk}" selected' in str(form["device"]) and "my laptop" in str(form["device"])
