"""A plan whose parts are to stand on boards: refused at the form, in a sentence, where one could not; else made and led."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from apps.accounts.refusal import Refused
from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.devices.models import Agent, Device, Tier
from apps.experiments import actions, hostings
from apps.experiments.models import Experiment, Run
from tests.apps.boards import Board
from tests.apps.cast import Cast

RECIPE = "partitioning.slices"
DATA = {"port": 7443, "fingerprint": "ab" * 32, "host": "10.0.0.5"}
PLAN, BETWEEN = "pi until pool1; rack", "pi to rack: 5 ms, 20 Mbit/s"


@pytest.fixture
def values(cast: Cast, settings: Any, tmp_path: Path) -> dict[str, Any]:
    settings.RUNS, settings.BLOBS = tmp_path / "runs", tmp_path / "blobs"
    cache.clear()
    blob = Blob.objects.create(sha256="1" * 64, size_bytes=1)
    facts = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1}
    model = RegisteredModel.objects.create(team=cast.team, name="LeNet", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, **facts)
    data = Dataset.objects.create(team=cast.team, name="small", in_shape=[1, 8, 8], classes=10, file=blob)
    return {"model": str(variant.pk), "dataset": str(data.pk), "plan": PLAN, "between": BETWEEN, "where": "boards"}


@pytest.fixture
def pi(cast: Cast) -> Board:
    return joined(cast, "pi", Tier.DEVICE, {})


@pytest.fixture
def rack(cast: Cast) -> Board:
    return joined(cast, "rack", Tier.EDGE, DATA)


def joined(cast: Cast, name: str, tier: str, data: dict[str, Any]) -> Board:
    board = Board.joined(cast.alice, cast.team, name=name, instance=f"instance-{name}")
    board.beat(data=data)
    Device.objects.filter(pk=board.device.pk).update(tier=tier)
    return board


def launched(cast: Cast, values: dict[str, Any], **more: Any) -> Run:
    return actions.launch(cast.mia, cast.team, RECIPE, {**values, **more})


def refusal(cast: Cast, values: dict[str, Any], **more: Any) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        launched(cast, values, **more)
    assert not Experiment.objects.exists()
    return refused.value.errors


def test_the_first_part_leads_and_the_others_are_kept_for_it(cast: Cast, values: dict[str, Any], pi: Board, rack: Board) -> None:
    run = launched(cast, values)
    assert run.board == pi.device and run.queue == "cpu", "it is prepared where torch is"
    assert run.inputs["part 2"]["id"] == str(rack.device.pk)
    assert [(place.part, place.name) for place in hostings.places(run)] == [(2, "rack")]


def test_this_computer_may_lead(cast: Cast, values: dict[str, Any], rack: Board) -> None:
    run = launched(cast, values, plan="this computer until pool1; rack", between="this computer to rack: 5 ms, 20 Mbit/s")
    assert run.board is None and "part 1" not in run.inputs and hostings.places(run)[0].name == "rack"


def test_parts_on_one_computer_are_names_only(cast: Cast, values: dict[str, Any]) -> None:
    run = launched(cast, values, where="one computer")
    assert run.board is None and not hostings.places(run)


def change(board: Board, **fields: Any) -> None:
    own = {name: value for name, value in fields.items() if hasattr(Device, name)}
    Device.objects.filter(pk=board.device.pk).update(**own)
    Agent.objects.filter(device=board.device).update(**{name: value for name, value in fields.items() if name not in own})


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"draining": True}, "rack is draining"),
    ({"retired": True}, "rack is retired"),
    ({"last_seen": timezone.now() - timedelta(hours=1)}, "rack is offline"),
    ({"can_host": False, "version": "0.1.0+old"}, "The agent of rack (version 0.1.0+old) is too old for slices"),
    ({"revoked": timezone.now()}, "No agent lives on rack"),
    ({"host": "bench"}, "rack is a computer with a worker"),
])
def test_a_plan_that_needs_a_board_which_cannot_keep_its_part_is_refused_at_the_form(
    cast: Cast, values: dict[str, Any], pi: Board, rack: Board, fields: dict[str, Any], sentence: str,
) -> None:
    change(rack, **fields)
    assert sentence in refusal(cast, values)["plan"]


@pytest.mark.parametrize("fields", [{"data_port": None}, {"tier": "device"}])
def test_a_board_that_takes_no_tensors_keeps_any_part_but_the_first_behind_any_lead(
    cast: Cast, values: dict[str, Any], rack: Board, pi: Board, fields: dict[str, Any],
) -> None:
    joined(cast, "shed", Tier.DEVICE, {})
    change(rack, **fields)
    here = {"plan": "this computer until pool1; rack", "between": "this computer to rack: 5 ms, 20 Mbit/s"}
    three = {"plan": "pi until pool1; rack until relu3; shed", "between": f"{BETWEEN}; rack to shed: 5 ms, 20 Mbit/s"}
    assert launched(cast, values).board == pi.device and launched(cast, values, **here).board is None
    assert [place.name for place in hostings.places(launched(cast, values, **three))] == ["rack", "shed"]


@pytest.mark.parametrize(("more", "field", "sentence"), [
    ({"plan": "pi until pool1; shed", "between": "pi to shed: 5 ms, 20 Mbit/s"}, "plan", "There is no device shed"),
    ({"plan": "pi", "between": ""}, "plan", "one part only"),
    ({"engine": "torch"}, "engine", "a board has no torch"),
])
def test_what_cannot_stand_on_boards_at_all_is_refused(
    cast: Cast, values: dict[str, Any], pi: Board, rack: Board, more: dict[str, Any], field: str, sentence: str,
) -> None:
    assert sentence in refusal(cast, values, **more)[field]


def test_another_teams_board_is_not_there(cast: Cast, values: dict[str, Any], pi: Board) -> None:
    other = Board.joined(cast.mallory, cast.mallory.memberships.get().team, name="rack", instance="instance-rack")
    other.beat(data=DATA)
    Device.objects.filter(pk=other.device.pk).update(tier=Tier.EDGE)
    assert "There is no device rack" in refusal(cast, values)["plan"]
