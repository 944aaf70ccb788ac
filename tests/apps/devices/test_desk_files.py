"""Lists of devices in and out of the desk: previewed, refused row by row, round and round the same, no formula leaves it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.devices.models import Agent, Device, Link
from tests.apps.cast import Cast

DEVICES = "/admin/devices/device/"
HEAD = "id,team,name,tier,hardware,os,cores,memory_bytes,accelerators,location,labels,host,shared,draining,retired"
CSV, JSON = "0", "1"


@pytest.fixture
def desk(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root@example.org", "an unusual phrase 42"))
    return client


def out(desk: Client, desk_of: str = DEVICES, form: str = CSV) -> str:
    answer = desk.post(f"{desk_of}export/", {"format": form})
    assert answer.status_code == 200 and "attachment" in answer["Content-Disposition"]
    return answer.content.decode()


def preview(desk: Client, text: str | bytes, desk_of: str = DEVICES, form: str = CSV) -> str:
    body = text.encode() if isinstance(text, str) else text
    answer = desk.post(f"{desk_of}import/", {"import_file": SimpleUploadedFile("d.csv", body), "format": form})
    assert answer.status_code == 200
    return answer.content.decode()


def confirm(desk: Client, page: str, desk_of: str = DEVICES) -> Any:
    hidden = {name: value for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)}
    return desk.post(f"{desk_of}process_import/", hidden)


def test_new_and_changed_devices_are_previewed_and_kept_when_that_is_confirmed(desk: Client, cast: Cast) -> None:
    known = Device.objects.create(team=cast.team, name="pi", location="lab 1")
    text = f"{HEAD}\n{known.pk},Edge,pi,edge,,,4,,,lab 2,b a,,0,1,0\n,Edge,phone,device,,,,,,,,,,,\n"
    page = preview(desk, text)
    seen = re.sub("<del.*?</del>|<[^>]+>", "", page)
    assert "phone" in seen and "lab 2" in seen and Device.objects.count() == 1
    assert confirm(desk, page).status_code == 302
    known.refresh_from_db()
    assert (known.tier, known.cores, known.location, known.labels, known.draining) == ("edge", 4, "lab 2", ["a", "b"], True)
    assert Device.objects.get(name="phone").team == cast.team
    assert LogEntry.objects.get_for_object(known).filter(action=1, actor__email="root@example.org").count() == 1


@pytest.mark.parametrize(("row", "said"), [
    (",Edge,pi,moon,,,,,,,,,,,", "moon"), (",Nobody,pi,edge,,,,,,,,,,,", "Team matching query does not exist"),
    (",Edge,pi,edge,,,-1,,,,,,,,", "greater than or equal to 0"), (",Edge,,edge,,,,,,,,,,,", "Fill this in"),
    (",Edge,pi,edge,,,,,,,a{b,,,,", "characters that a label cannot have"), (",Edge,pi,edge,,,,,,,,,maybe,,", "must be 1 or 0"),
    (",Edge,a\u0007b,edge,,,,,,,,,,,", "cannot be shown"),
])
def test_a_wrong_row_is_refused_with_its_reason_and_nothing_is_kept(desk: Client, cast: Cast, row: str, said: str) -> None:
    page = preview(desk, f"{HEAD}\n{row}\n,Edge,good,edge,,,,,,,,,,,\n")
    assert said in page and "Confirm import" not in page and not Device.objects.exists()


def test_no_row_gives_a_board_with_a_living_agent_a_host(desk: Client, cast: Cast) -> None:
    board = Device.objects.create(team=cast.team, name="pi")
    Agent.objects.create(device=board, prefix="agent001", digest="x" * 64, instance="i1", version="1")
    page = preview(desk, f"{HEAD}\n{board.pk},Edge,pi,edge,,,,,,,,edge-7,,,\n")
    assert "An agent lives on this device" in page and "Confirm import" not in page


def test_no_row_takes_a_device_to_another_team_or_brings_a_merged_entry_back(desk: Client, cast: Cast) -> None:
    kept = Device.objects.create(team=cast.team, name="pi")
    gone = Device.objects.create(team=cast.team, name="pi (merged)", retired=True, merged_into=kept)
    for row, said in ((f"{kept.pk},Others,pi,edge,,,,,,,,,,,", "stays with its team"),
                      (f"{gone.pk},Edge,pi (merged),edge,,,,,,,,,,,0", "merged into another entry")):
        page = preview(desk, f"{HEAD}\n{row}\n")
        assert said in page and "Confirm import" not in page


@pytest.mark.parametrize(("body", "said"), [
    (b"\xff\xfe", "no text in UTF-8"), (b"", "empty"), (b"id,name\x00", "cannot be kept"),
    (b"team,name,tier,owner\nEdge,pi,edge,me\n", "there is no column"), (b"team,name\nEdge,pi\n", "is missing"),
    (b"x" * 1_000_001, "At most 1,000,000"),
])
def test_a_file_that_is_none_is_refused_in_words(desk: Client, cast: Cast, body: bytes, said: str) -> None:
    page = preview(desk, body)
    assert said in page and not Device.objects.exists()


def test_what_goes_out_comes_in_again_and_changes_nothing(desk: Client, cast: Cast) -> None:
    Device.objects.create(team=cast.team, name="=cmd|x", hardware="+1", location="'quoted", labels=["a"], cores=4)
    Device.objects.create(team=cast.team, name="@SUM", memory_bytes=4_000_000_000, shared=True)
    text = out(desk)
    assert "'=cmd|x" in text and "'+1" in text and "'@SUM" in text and ",=cmd" not in text
    page = preview(desk, text)
    assert confirm(desk, page).status_code == 302
    assert out(desk) == text and not LogEntry.objects.filter(action=1).exists()
    assert {row["name"] for row in json.loads(out(desk, form=JSON))} == {"'=cmd|x", "'@SUM"}


def test_links_go_out_and_come_in(desk: Client, cast: Cast) -> None:
    one, two = (Device.objects.create(team=cast.team, name=name) for name in ("one", "two"))
    Link.objects.create(team=cast.team, source=one, target=two, latency_ms=1.5, bandwidth_mbps=20)
    where = "/admin/devices/link/"
    text = out(desk, where)
    assert text.startswith("id,team,source,target,latency_ms,bandwidth_mbps,origin")
    changed = text.replace("1.5,", "2.5,") + f",Edge,{two.pk},{one.pk},0,1,typed\r\n"
    assert confirm(desk, preview(desk, changed, where), where).status_code == 302
    assert sorted(Link.objects.values_list("latency_ms", flat=True)) == [0, 2.5]
    page = preview(desk, f"team,source,target,latency_ms,bandwidth_mbps\nEdge,{one.pk},{one.pk},-1,1\n", where)
    assert "Confirm import" not in page


def test_who_may_only_look_brings_nothing(desk: Client, cast: Cast) -> None:
    desk.force_login(cast.olga)
    for path in ("import/", "export/", "process_import/"):
        assert desk.post(DEVICES + path, {}).status_code == 403
