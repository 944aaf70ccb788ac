"""A device's colour: by the order in which the team met its devices; two on one page never share one while there are enough."""

from __future__ import annotations

from apps.accounts.models import Team
from apps.devices.colours import COLOURS, apart, places
from apps.devices.models import Device
from tests.apps.cast import Cast


def test_a_device_has_its_place_by_name_or_host_and_keeps_it_beside_others(cast: Cast) -> None:
    for name in ("first", "second", "third"):
        Device.objects.create(team=cast.team, name=name, host=f"host-{name}")
    Device.objects.create(team=Team.objects.create(name="Others"), name="foreign")
    assert places(cast.team, ["third", "first"]) == {"first": 0, "third": 2}
    assert places(cast.team, ["host-second"]) == {"host-second": 1}


def test_two_that_would_share_a_colour_get_two_until_there_are_no_more() -> None:
    assert apart({"a": 0, "b": COLOURS}) == {"a": 0, "b": 1}
    every = apart({str(place): place for place in range(2 * COLOURS)})
    assert sorted(every.values()) == sorted([*range(COLOURS)] * 2)
