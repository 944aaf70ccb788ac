"""Links: there and back in one form, in ranges with reasons; network files in and out, faults by line and column."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import Team
from apps.devices.links.network import read_network
from apps.devices.links.numbers import written
from apps.devices.models import Device, Link
from tests.apps.cast import Cast
from worker.profile.faults import Unfit

HEAD = "source,destination,ping(ms),bandwidth(mbps)"
PUBLISHED = Path(__file__).parents[3] / ".." / "shared" / "data" / "scission"


@pytest.fixture
def ends(cast: Cast) -> tuple[Device, Device]:
    return (Device.objects.create(team=cast.team, name="pi"), Device.objects.create(team=cast.team, name="edge", tier="edge"))


def typed(ends: tuple[Device, Device], **more: str) -> dict[str, Any]:
    return {"source": str(ends[0].pk), "target": str(ends[1].pk), "latency_ms": "66.7", "bandwidth_mbps": "1.6",
            "origin": "measured", **more}


def rows() -> list[tuple[str, str, float, float, str]]:
    return list(Link.objects.order_by("source__name").values_list("source__name", "target__name", "latency_ms", "bandwidth_mbps",
                                                                  "origin"))


def test_one_form_makes_both_directions(cast: Cast, ends: tuple[Device, Device], client: Client) -> None:
    client.force_login(cast.mia)
    assert client.post("/devices/links/", typed(ends, bandwidth_back_mbps="20")).status_code == 302
    assert rows() == [("edge", "pi", 66.7, 20.0, "measured"), ("pi", "edge", 66.7, 1.6, "measured")]
    for page in ("/devices/links/", f"/devices/{ends[0].pk}/"):
        said = client.get(page).content.decode()
        assert "66.7 ms" in said and "1.60 Mbit/s" in said and "measured" in said


def test_said_again_it_is_replaced_and_the_trail_tells_from_what_to_what(
        cast: Cast, ends: tuple[Device, Device], client: Client) -> None:
    client.force_login(cast.mia)
    client.post("/devices/links/", typed(ends))
    client.post("/devices/links/", typed(ends[::-1], latency_ms="5", origin="typed", bandwidth_mbps="1.6"))
    assert rows() == [("edge", "pi", 5.0, 1.6, "typed"), ("pi", "edge", 5.0, 1.6, "typed")]
    last = LogEntry.objects.get_for_model(Link).filter(action=1).first()
    assert last and last.actor == cast.mia and last.changes["latency_ms"] == ["66.7", "5.0"]
    page = client.get(f"/devices/links/?source={ends[0].pk}&target={ends[1].pk}").content.decode()
    assert 'value="5"' in page and 'value="1.6"' in page


@pytest.mark.parametrize(("field", "value"), [
    ("latency_ms", "-1"), ("latency_ms", "1e308"), ("latency_ms", "nan"), ("bandwidth_mbps", "0"), ("bandwidth_mbps", "1,6"),
    ("bandwidth_mbps", "１"), ("bandwidth_back_mbps", "inf"), ("latency_ms", "")])
def test_an_impossible_number_is_refused_with_the_range(
        cast: Cast, ends: tuple[Device, Device], client: Client, field: str, value: str) -> None:
    client.force_login(cast.mia)
    answer = client.post("/devices/links/", typed(ends, **{field: value}))
    said = answer.content.decode()
    assert answer.status_code == 422 and ("a number from" in said or "required" in said) and not Link.objects.exists()


def test_a_device_is_not_linked_to_itself_nor_to_a_strangers(cast: Cast, ends: tuple[Device, Device], client: Client) -> None:
    stranger = Device.objects.create(team=Team.objects.get(name="Others"), name="theirs")
    client.force_login(cast.mia)
    for other, said in ((ends[0], "another device"), (stranger, "no longer there")):
        answer = client.post("/devices/links/", typed((ends[0], other)))
        assert answer.status_code == 422 and said in answer.content.decode()
    api = {"source": str(ends[0].pk), "target": str(stranger.pk), "latency_ms": 1, "bandwidth_mbps": 1}
    answer = client.post("/api/links", api, "application/json")
    assert answer.json()["errors"] == {"target": "There is no such device in this team."}


@pytest.mark.parametrize(("origin", "status"), [("measured", 302), ("typed", 302), ("guessed", 422)])
def test_whether_a_files_numbers_are_measured_is_chosen(
        cast: Cast, ends: tuple[Device, Device], client: Client, origin: str, status: int) -> None:
    client.force_login(cast.mia)
    said = {"text": f"{HEAD}\npi,edge,66.7,1.6\n", "origin": origin}
    assert client.post("/devices/links/take-in/", said).status_code == status
    assert [row[-1] for row in rows()] == [origin] * (status == 302)


def test_a_network_file_comes_in_and_goes_out_again(cast: Cast, ends: tuple[Device, Device], client: Client) -> None:
    client.force_login(cast.mia)
    file = SimpleUploadedFile("n.csv", f"{HEAD}\npi,edge,            66.7,  1.6\r\nedge,pi,100,20\n".encode())
    assert client.post("/devices/links/take-in/", {"file": file}).status_code == 302
    assert {origin for *_, origin in rows()} == {"typed"}
    out = client.get("/devices/links/network.csv").content.decode()
    assert out == f"{HEAD}\nedge,pi,100,20\npi,edge,66.7,1.6\n"
    assert client.get("/api/links/network").json()["text"] == out
    Link.objects.all().delete()
    assert client.post("/api/links/network", {"text": out}, "application/json").json() == {"directions": 2}
    assert client.get("/api/links/network").json()["text"] == out
    assert client.get(f"/api/links?device={ends[0].pk}").json()["total"] == 2


@pytest.mark.parametrize(("text", "said"), [
    ("", "got no line"), ("a,b\n1,2", "allowed: the header"), (HEAD, "no line below the header"),
    (f"{HEAD}\npi,moon,1,1", "line 2, column 4, destination: got moon; allowed: the name of a device of the team, as edge, pi."),
    (f"{HEAD}\npi,edge,-1,1", "line 2, column 9, ping(ms): got -1; allowed: a number from 0 to 60000 ms"),
    (f"{HEAD}\npi,edge,1,0", "line 2, column 11, bandwidth(mbps): got 0; allowed: a number from 0.001"),
    (f"{HEAD}\npi,pi,1,1", "another device than the source"), (f"{HEAD}\npi,edge,1", "3 cells"),
    (f"{HEAD}\npi,edge,1,1\npi,edge,2,2", "line 3, column 1: got pi to edge again; allowed: each direction once"),
])
def test_faults_are_named_by_line_and_column_and_nothing_is_kept(
        cast: Cast, ends: tuple[Device, Device], client: Client, text: str, said: str) -> None:
    with pytest.raises(Unfit) as caught:
        read_network(text, {device.name: device for device in ends})
    assert said in str(caught.value)
    client.force_login(cast.mia)
    answer = client.post("/devices/links/take-in/", {"text": text})
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 422 and text in page and not Link.objects.exists()
    assert said in page or not text


def test_a_name_that_a_spreadsheet_would_run_goes_out_guarded_and_comes_in_again(cast: Cast, client: Client) -> None:
    one, other = (Device.objects.create(team=cast.team, name=name) for name in ("=cmd|x", 'a "b", c'))
    Link.objects.create(team=cast.team, source=one, target=other, latency_ms=1e-3, bandwidth_mbps=1e6)
    client.force_login(cast.mia)
    out = client.get("/api/links/network").json()["text"]
    assert out == f"{HEAD}\n'=cmd|x,\"a \"\"b\"\", c\",0.001,1000000\n"
    Link.objects.all().delete()
    assert client.post("/api/links/network", {"text": out}, "application/json").status_code == 200
    assert Link.objects.get().source == one


@pytest.mark.parametrize("value", [0.0, 1.6, 66.7, 100.0, 1e-3, 1e6, 0.1 + 0.2])
def test_a_number_reads_as_itself_again(value: float) -> None:
    assert float(written(value)) == value


@pytest.mark.parametrize("name", ["network_stats.csv", "network_stats_wired.csv"])
def test_scissions_own_network_files_are_read(name: str) -> None:
    file = PUBLISHED / "scission" / name
    if not file.exists():
        pytest.skip("the published data of Scission is not here")
    text = file.read_text()
    names = {cell for line in text.splitlines()[1:] for cell in line.split(",")[:2]}
    found = read_network(text, dict.fromkeys(names))
    assert len(found) == len(text.strip().splitlines()) - 1 and found[0].source == "raspi4"


def test_one_direction_is_removed_by_whoever_may_edit(cast: Cast, ends: tuple[Device, Device], client: Client) -> None:
    link = Link.objects.create(team=cast.team, source=ends[0], target=ends[1], latency_ms=1, bandwidth_mbps=1)
    client.force_login(cast.victor)
    assert client.post(f"/devices/links/{link.pk}/remove/").status_code == 404
    client.force_login(cast.mia)
    assert client.post(f"/devices/links/{link.pk}/remove/").status_code == 302 and not Link.objects.exists()
