"""A board joins with a code: once for each board it is for, for ten minutes, until five wrong tries or its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.devices import enrolment
from apps.devices.models import Agent, Device, Enrolment
from apps.live.models import Event
from tests.apps.boards import Board, about, join
from tests.apps.cast import Cast


@pytest.fixture(autouse=True)
def nobody_guessed_yet(db: None) -> None:
    cache.clear()


def test_a_board_gets_a_device_of_its_own_name_and_a_token(cast: Cast) -> None:
    made, code = enrolment.make_code(cast.alice, cast.team, tier="edge", location="lab 2", labels=["shelf"])
    answer = join(code)
    assert answer.status_code == 201 and answer.json()["team"] == "Edge" and answer.json()["token"].startswith("epa_")
    device = Device.objects.get(pk=answer.json()["device"]["id"])
    assert (device.name, device.tier, device.location, device.labels) == ("pi", "edge", "lab 2", ["shelf"])
    assert (device.hardware, device.cores, device.runtimes, device.state) == (
        "Raspberry Pi 4", 4, {"onnxruntime": "1.31.1"}, "online")
    told = Event.objects.filter(stream__team=cast.team, stream__is_teams=True, type="device").get()
    assert told.body["joined"] == str(made.pk) and told.body["state"] == "online"


def test_a_code_is_60_bits_without_signs_that_look_alike_and_kept_as_a_hash(cast: Cast) -> None:
    made, code = enrolment.make_code(cast.alice, cast.team)
    assert [len(group) for group in code.split("-")] == [4, 4, 4]
    assert len(enrolment.ALPHABET) == 32 and not set("ILOU") & set(enrolment.ALPHABET)
    assert code.replace("-", "") not in str(Enrolment.objects.filter(pk=made.pk).values()) and len(made.digest) == 64
    assert made.expires <= timezone.now() + timedelta(minutes=10)


def test_what_is_read_wrong_or_typed_small_is_put_right(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolment.secrets, "choice", lambda _: "1")
    code = enrolment.make_code(cast.alice, cast.team)[1]
    assert join(code.replace("1", "l").replace("-", " ")).status_code == 201


def test_the_second_board_of_a_name_gets_a_number(cast: Cast) -> None:
    code = enrolment.make_code(cast.alice, cast.team, boards=3)[1]
    names = [join(code, instance=f"instance-{number}").json()["device"]["name"] for number in range(3)]
    assert names == ["pi", "pi 2", "pi 3"]
    assert join(code, instance="instance-9").status_code == 403, "it was for three boards"


def test_the_same_board_that_lost_its_answer_gets_the_same_device_and_another_token(cast: Cast) -> None:
    code = enrolment.make_code(cast.alice, cast.team)[1]
    first, again = join(code).json(), join(code).json()
    assert first["device"] == again["device"] and first["token"] != again["token"]
    assert Device.objects.filter(team=cast.team).count() == 1
    device = Device.objects.get(team=cast.team)
    assert Board(first["token"], device).beat().status_code == 401 and Board(again["token"], device).beat().status_code == 200


@pytest.mark.parametrize("spoil", ["expired", "revoked", "used", "wrong"])
def test_every_code_that_does_not_hold_is_refused_in_the_same_words(cast: Cast, spoil: str) -> None:
    made, code = enrolment.make_code(cast.alice, cast.team)
    if spoil == "expired":
        Enrolment.objects.filter(pk=made.pk).update(expires=timezone.now())
    if spoil == "revoked":
        enrolment.revoke(cast.alice, made)
    if spoil == "used":
        join(code, instance="another-board")
    answer = join("0000-0000-0000" if spoil == "wrong" else code)
    assert answer.status_code == 403 and answer.json()["title"] == enrolment.WRONG
    assert Agent.objects.count() == (spoil == "used")


def test_the_fifth_wrong_try_at_a_code_ends_it(cast: Cast) -> None:
    made, code = enrolment.make_code(cast.alice, cast.team)
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
    for _ in range(5):
        assert join(wrong).status_code == 403
    assert join(code).status_code == 403
    made.refresh_from_db()
    assert made.revoked and made.wrong_tries == 5


def test_whoever_guesses_blindly_waits_and_the_right_code_waits_with_it(cast: Cast) -> None:
    code = enrolment.make_code(cast.alice, cast.team)[1]
    blind = ("Z" if code[0] != "Z" else "Y") * 12
    assert {join(blind).status_code for _ in range(enrolment.WRONG_TRIES_OF_AN_ADDRESS)} == {403}
    answer = join(code)
    assert answer.status_code == 429 and 1 <= int(answer["Retry-After"]) <= 600


def test_only_an_administrator_makes_and_revokes_codes_of_the_own_team(cast: Cast) -> None:
    made, _ = enrolment.make_code(cast.alice, cast.team)
    for person in (cast.mia, cast.victor, cast.mallory):
        with pytest.raises(Refused):
            enrolment.make_code(person, cast.team)
        with pytest.raises(Refused):
            enrolment.revoke(person, made)
    assert not Enrolment.objects.filter(revoked__isnull=False).exists()


@pytest.mark.parametrize(("wrong", "field"), [
    ({"boards": 0}, "boards"), ({"boards": 101}, "boards"), ({"tier": "moon"}, "tier"), ({"location": "x" * 121}, "location"),
    ({"location": "a\x00b"}, "location"), ({"labels": ["x" * 41]}, "labels"), ({"labels": map(str, range(21))}, "labels")])
def test_a_code_that_cannot_be_is_refused_at_the_field(cast: Cast, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        enrolment.make_code(cast.alice, cast.team, **wrong)
    assert set(refused.value.errors) == {field} and not Enrolment.objects.exists()


def test_a_team_has_no_more_open_codes_than_it_can_want(cast: Cast) -> None:
    for _ in range(enrolment.MOST_OPEN):
        enrolment.make_code(cast.alice, cast.team)
    with pytest.raises(Refused):
        enrolment.make_code(cast.alice, cast.team)
    assert len(set(Enrolment.objects.values_list("prefix", flat=True))) == enrolment.MOST_OPEN


def test_a_code_for_a_device_gives_it_a_new_agent_and_ends_the_old_one(cast: Cast) -> None:
    old = Board.joined(cast.alice, cast.team)
    code = enrolment.make_code(cast.alice, cast.team, device=old.device)[1]
    Device.objects.update(host="edge-7")
    assert join(code, instance="instance-0002").status_code == 403, "a worker measures on it meanwhile"
    Device.objects.update(host="")
    answer = join(code, instance="new-card-0001", cores=8).json()
    assert answer["device"]["id"] == str(old.device.pk) and old.beat().status_code == 401
    assert Board(answer["token"], old.device, "new-card-0001").beat().status_code == 200
    old.device.refresh_from_db()
    assert (old.device.cores, old.device.name) == (8, "pi")


@pytest.mark.parametrize("device", ["host", "foreign", "many"])
def test_a_code_is_for_no_device_that_has_a_worker_or_another_team(cast: Cast, device: str) -> None:
    team = Team.objects.get(name="Others") if device == "foreign" else cast.team
    found = Device.objects.create(team=team, name="x", host="here" if device == "host" else "")
    with pytest.raises(Refused):
        enrolment.make_code(cast.alice, cast.team, device=found, boards=2 if device == "many" else 1)


@pytest.mark.parametrize("wrong", [
    {"instance": ""}, {"instance": "a b"}, {"name": ""}, {"name": "a\x1b[31mb"}, {"cores": 0}, {"cores": "4"},
    {"memory_bytes": -1}, {"runtimes": {"<b>": "1"}}, {"hardware": "x" * 201},
    {"runtimes": {f"k{n}": "1" for n in range(50)}}, {"team": "Others"}])
def test_a_board_that_describes_itself_badly_uses_no_code_up(cast: Cast, wrong: dict[str, Any]) -> None:
    made, code = enrolment.make_code(cast.alice, cast.team)
    assert join(code, **wrong).status_code == 422
    made.refresh_from_db()
    assert made.joined == 0 and made.wrong_tries == 0 and not Device.objects.exists()


@pytest.mark.parametrize("version", ["0.0.1", "9.0.0", "x", ""])
def test_an_agent_of_another_time_is_told_the_version_that_is_needed(cast: Cast, version: str) -> None:
    made, code = enrolment.make_code(cast.alice, cast.team)
    answer = join(code, version=version)
    assert answer.status_code == 426 and answer.json()["needed"] == about()["version"]
    made.refresh_from_db()
    assert made.joined == 0
