"""The preview of a list shows what will change, and what stays."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from apps.devices.models import Device, Link
from tests.apps.cast import Cast
from tests.apps.devices.test_desk_files import desk, out, preview

__all__ = ["desk"]


@pytest.mark.parametrize("where", ["/admin/devices/device/", "/admin/devices/link/"])
def test_rows_in_which_nothing_changed_are_none_of_those_that_are_updated(desk: Client, cast: Cast, where: str) -> None:
    rows: list[Any] = [Device.objects.create(team=cast.team, name=f"pi {number}", labels=["a", "b"], health={"x": 1}, cores=None,
                                             runtimes=["onnxruntime 1"]) for number in range(3)]
    for one, two in ((0, 1), (1, 2), (2, 0)):
        Link.objects.create(team=cast.team, source=rows[one], target=rows[two], latency_ms=1.1, bandwidth_mbps=20)
    text = out(desk, where)
    changed = text.replace("pi 1", "pi 9") if "device/" in where else text.replace("1.1,", "2.5,", 1)
    page = preview(desk, changed, where)
    assert sorted(re.findall(r'<tr class="(\w+)">', page)) == ["skip", "skip", "update"]


def test_merging_says_which_link_was_dropped_and_asks_first_where_the_processors_differ(desk: Client, cast: Cast) -> None:
    kept, other, far = (Device.objects.create(team=cast.team, name=name, hardware=name.upper()) for name in ("pi", "twin", "far"))
    Link.objects.create(team=cast.team, source=kept, target=far, latency_ms=7.5, bandwidth_mbps=20, origin="typed")
    Link.objects.create(team=cast.team, source=other, target=far, latency_ms=1, bandwidth_mbps=20, origin="measured")
    said = {"action": "merge_entries", "_selected_action": [str(kept.pk), str(other.pk)]}
    where = "/admin/devices/device/"
    assert "Their processors differ: PI, TWIN" in desk.post(where, said).content.decode()
    page = desk.post(where, {**said, "apply": "1", "keep": str(kept.pk)}, follow=True).content.decode()
    assert "Pi has all that 2 entries had, but for links" in page and "(typed, 7.5 ms, 20 Mbit/s)" in page
    assert Link.objects.get().origin == "measured"


def test_the_desk_has_the_portals_name_and_the_devices_page_leads_there_for_operators_only(desk: Client, cast: Cast) -> None:
    assert "EdgePortal" in desk.get("/admin/").content.decode()
    link = '<a class="button" href="/admin/devices/device/">Desk</a>'
    assert link in desk.get("/devices/").content.decode()
    desk.force_login(cast.alice)
    assert link not in desk.get("/devices/").content.decode()
