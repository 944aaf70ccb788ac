"""Profiles as the answering process has them: fetched together, kept within bounds, missed in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.devices.models import Device, Profile
from tests.apps.cast import Cast
from tests.apps.devices.profiled import keep, network
from worker.partitioning.unfit import Unfit
from worker.tasks import known_profiles
from worker.tasks.known_profiles import Shelf


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """An empty one."""
    monkeypatch.setattr(known_profiles, "shelf", Shelf())
    yield known_profiles.shelf


def kept(cast: Cast, count: int) -> dict[str, str]:
    """Keys of so many profiles, each with the name of its device."""
    devices = [Device.objects.create(team=cast.team, name=f"pi-{number}") for number in range(count)]
    return {str(keep(device, network((0.001 * (at + 1), 0.002, 0.003))).pk): device.name for at, device in enumerate(devices)}


def test_all_come_in_one_query_and_then_in_none(crowd: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_profiles._rows
    asked = kept(crowd, 7)
    fetched: list[int] = []
    monkeypatch.setattr(known_profiles, "_rows", lambda keys, most: fetched.append(len(keys)) or known(keys, most))
    found = known_profiles.of(asked)
    assert [found[key].blocks[0].seconds for key in asked] == [0.001 * (at + 1) for at in range(7)]
    again = known_profiles.of(dict(reversed(asked.items())))
    assert fetched == [7] and again == found


def test_what_is_read_is_what_was_kept_to_the_last_bit(crowd: Cast) -> None:
    told = network((0.1 + 0.2, 1 / 3, 1e-9))
    row = keep(Device.objects.create(team=crowd.team, name="pi"), told)
    assert known_profiles.of({str(row.pk): "pi"}) == {str(row.pk): told}


@pytest.mark.parametrize("key", ["", "pi", "\x00", "6f6e6f6f-0000-4000-8000-000000000000", "'; drop table devices_profile; --"])
def test_a_profile_that_is_not_there_is_named_by_its_device(crowd: Cast, key: str) -> None:
    with pytest.raises(Unfit) as unfit:
        known_profiles.of(kept(crowd, 2) | {key: "jetson"})
    assert unfit.value.faults == {"places": "The profile of jetson is no longer there; choose the device again."}


def test_more_blocks_than_can_be_planned_at_once_are_refused_and_not_sent(crowd: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = kept(crowd, 4)
    monkeypatch.setattr(known_profiles, "MOST_BLOCKS_ASKED", 11)
    known_profiles.of(dict(list(asked.items())[:1]))
    with pytest.raises(Unfit, match=r"have 12 blocks together; at most 11 are planned"):
        known_profiles.of(asked)
    assert len(known_profiles.shelf) == 1
    monkeypatch.setattr(known_profiles, "MOST_BLOCKS_ASKED", 12)
    assert len(known_profiles.of(asked)) == 4


def test_the_table_is_the_one_that_the_registry_writes() -> None:
    assert f"from {Profile._meta.db_table} " in known_profiles.FETCH


def test_a_shelf_forgets_what_was_longest_unused_and_stays_within_both_bounds() -> None:
    shelf, three = Shelf(most_profiles=3, most_blocks=9), network()
    for key in "abc":
        shelf.put(key, three)
    shelf.take("a")
    shelf.put("d", three)
    assert [key for key in "abcd" if shelf.take(key)] == ["a", "c", "d"] and shelf.blocks == 9
    shelf.put("long", network((0.001,) * 5, tuple((f"{at}", f"{at}") for at in range(5))))
    assert [key for key in "acd" if shelf.take(key)] == ["d"] and shelf.blocks == 8
    shelf.put("d", three)
    assert len(shelf) == 2 and shelf.blocks == 8
