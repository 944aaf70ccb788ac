"""Profiles from files: what one would make, what it makes, who may, what stays when it is refused, and the way out again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.devices import profiles
from apps.devices.models import Device, Profile
from tests.apps.cast import Cast
from worker.profile.examples import FILES

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "scission"
NEW = "/devices/profiles/new/"
HEAD = "network,first,last,seconds,output_bytes"
ONE = f"{HEAD}\r\nnet,a,b,0.50,4\r\nnet,c,c,0.25,8\r\n"
TWO = f"{ONE}other,a,a,1.0,4\r\n"
DESCRIBED = ('device: {name: pi-3, tier: edge, cores: 4, memory_bytes: 4000000001, runtimes: {onnxruntime: "1.10"}, '
             "labels: [lab, arm]}")


@pytest.fixture
def board(cast: Cast) -> Device:
    return Device.objects.create(team=cast.team, name="board")


def file(text: str | bytes, name: str = "x.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text)


def post(client: Client, who: Any, **fields: Any) -> Any:
    client.force_login(who)
    return client.post(NEW, fields)


def test_a_look_tells_what_it_would_make_and_makes_nothing(cast: Cast, board: Device, client: Client) -> None:
    said = post(client, cast.mia, device=board.pk, file=file(TWO), look="1")
    page = said.content.decode()
    assert said.status_code == 200 and "What it would make" in page and "other" in page and "750 ms" in page
    assert "net,c,c,0.25,8" in page  # What was chosen stands in the form now: a file need not be chosen twice.
    assert not Profile.objects.exists()


def test_what_was_looked_at_is_kept_byte_for_byte_though_a_browser_changes_line_ends(
    cast: Cast, board: Device, client: Client,
) -> None:
    sent = TWO.replace("\r\n", "\n")
    form = post(client, cast.mia, device=board.pk, file=file(sent), look="1").context["form"]
    again = {name: form[name].value() or "" for name in form.fields if name != "file"}
    assert post(client, cast.mia, **again | {"text": again["text"].replace("\n", "\r\n")}, save="1").status_code == 302
    rows = list(Profile.objects.order_by("place"))
    assert [(row.network, row.blocks, row.total_ms, row.form, row.file_name) for row in rows] == [
        ("net", 2, 750, "house", "x.csv"), ("other", 1, 1000, "house", "x.csv")]
    assert client.get(f"/devices/{board.pk}/profiles/file/csv").content == sent.encode()


def test_a_second_profile_counts_and_the_first_stays(cast: Cast, board: Device) -> None:
    profiles.bring(cast.mia, cast.team, TWO.encode(), "x.csv", board)
    plan = profiles.bring(cast.mia, cast.team, ONE.replace("0.25", "0.75").encode(), "x.csv", board)
    assert [(each.network, each.state) for each in plan.arrivals] == [("net", "newer")]
    assert Profile.objects.filter(network="net").count() == 2
    assert [(row.network, row.total_ms) for row in profiles.newest(cast.team)] == [("net", 1250), ("other", 1000)]
    assert [row.total_ms for row in profiles.newest(cast.team, board, "net")] == [1250]
    profiles.remove(cast.mia, profiles.newest(cast.team, board, "net").get())
    assert profiles.newest(cast.team, board, "net").get().total_ms == 750


def test_what_was_predicted_is_kept_beside_what_was_measured(cast: Cast, board: Device) -> None:
    profiles.bring(cast.mia, cast.team, ONE.encode(), "x.csv", board)
    text = f"{HEAD},origin\nnet,a,b,9,4,predicted\n".encode()
    assert [profiles.bring(cast.mia, cast.team, text, "x.csv", board).arrivals[0].state for _ in range(2)] == ["beside", "same"]
    assert profiles.newest(cast.team, board, "net").get().total_ms == 750


def test_the_same_again_makes_nothing(cast: Cast, board: Device, client: Client) -> None:
    for _ in range(2):
        profiles.bring(cast.mia, cast.team, TWO.encode(), "x.csv", board)
    assert Profile.objects.count() == 2
    older = Profile.objects.get(network="net")
    del older.body["noisy"]  # A row of before the form had this field.
    older.save()
    said = post(client, cast.mia, device=board.pk, text=TWO.replace("\r\n", "\n"), ends="crlf", look="1")
    assert "All of it is there already" in said.content.decode()


def test_nothing_of_a_faulty_file_is_kept_and_its_text_stays_with_its_faults(cast: Cast, board: Device, client: Client) -> None:
    bad = TWO.replace("0.25", "-1").replace("other,a", "other,")
    said = post(client, cast.mia, device=board.pk, file=file(bad), save="1")
    page = said.content.decode()
    assert said.status_code == 422 and not Profile.objects.exists()
    assert "2 things to mend in the file" in page and 'data-line="3" data-column="9"' in page and 'data-line="4"' in page
    assert "net,c,c,-1,8" in page and f'value="{board.pk}" selected' in page and "a number between 0 and 3,600" in page


@pytest.mark.parametrize(("sent", "kept"), [
    ("name,location\npi,Küche\n".encode("cp1252"), "Küche"), ("name,location\npi,Küche\n".encode("utf-16"), "Küche"),
    (b"name,location\npi,a\x00b\n", "pi,a\ufffdb"),
])
def test_a_file_that_is_no_utf8_stands_in_the_form_to_be_mended(cast: Cast, client: Client, sent: bytes, kept: str) -> None:
    said = post(client, cast.alice, file=file(sent), save="1")
    assert said.status_code == 422 and kept in said.content.decode()


def test_a_file_over_a_megabyte_is_refused_unread(cast: Cast, board: Device, client: Client) -> None:
    said = post(client, cast.mia, device=board.pk, file=file(b"x" * 1_000_001), save="1")
    assert said.status_code == 422 and "1,000,001 bytes; at most 1,000,000" in said.content.decode()


def test_a_description_makes_a_device_and_changes_it(cast: Cast, client: Client) -> None:
    assert post(client, cast.alice, text=DESCRIBED, save="1").status_code == 302
    made = Device.objects.get(name="pi-3")
    assert (made.tier, made.cores, made.memory_bytes, made.labels, made.runtimes) == (
        "edge", 4, 4000000001, ["arm", "lab"], {"onnxruntime": "1.10"})
    page = post(client, cast.alice, text="device: {name: pi-3, cores: 8}", look="1").content.decode()
    assert "from the file" in page and "cores" in page and "memory" not in page.partition("The file")[0]
    post(client, cast.alice, text="device: {name: pi-3, cores: 8}", save="1")
    made.refresh_from_db()
    assert (made.cores, made.tier, made.memory_bytes) == (8, "edge", 4000000001)


@pytest.mark.parametrize("text", [DESCRIBED, "device: {name: board, cores: 64}"])
def test_only_an_administrator_brings_or_changes_a_device(cast: Cast, board: Device, client: Client, text: str) -> None:
    said = post(client, cast.mia, text=text, save="1")
    assert said.status_code == 422 and "Only an administrator" in said.content.decode()
    assert Device.objects.count() == 1 and Device.objects.get().cores is None


def test_what_a_device_says_of_itself_no_file_says(cast: Cast) -> None:
    Device.objects.create(team=cast.team, name="host", host="here", cores=2)
    profiles.look(cast.alice, cast.team, b"device: {name: host, cores: 2, location: shelf}")
    with pytest.raises(Refused, match="says cores of itself"):
        profiles.look(cast.alice, cast.team, b"device: {name: host, cores: 64}")


def test_a_description_of_another_device_changes_nothing_of_the_chosen_one(cast: Cast, board: Device, client: Client) -> None:
    text = f'{DESCRIBED}\nprofiles: [{{network: net, blocks: [{{first: a, last: b, seconds: 1, output_bytes: 2}}]}}]'
    assert "is not taken" in post(client, cast.mia, device=board.pk, text=text, look="1").content.decode()
    post(client, cast.mia, device=board.pk, text=text, save="1")
    board.refresh_from_db()
    assert board.cores is None and Profile.objects.get().device == board and Device.objects.count() == 1


def test_a_table_without_a_device_asks_for_one(cast: Cast, client: Client) -> None:
    said = post(client, cast.alice, text=ONE, save="1")
    assert said.status_code == 422 and "does not say which device" in said.content.decode()


def test_a_device_of_another_team_cannot_be_chosen(cast: Cast, client: Client) -> None:
    other = Device.objects.create(team=Team.objects.get(name="Others"), name="Secret")
    said = post(client, cast.alice, device=other.pk, text=ONE, save="1")
    assert said.status_code == 422 and "Secret" not in said.content.decode() and not Profile.objects.exists()


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith("schema.json")])
def test_every_file_to_fill_in_is_downloaded_and_brought(cast: Cast, board: Device, client: Client, name: str) -> None:
    client.force_login(cast.alice)
    sent = client.get(f"/devices/profiles/examples/{name}")
    assert f'filename="{name}"' in sent["Content-Disposition"]
    device = "" if name.startswith("dev") or name.startswith("edge") else board.pk
    assert post(client, cast.alice, device=device, file=file(sent.content, name), save="1").status_code == 302
    assert Profile.objects.exists() or Device.objects.filter(name="pi-4").exists()


@pytest.mark.parametrize("form", ["json", "yaml", "csv", "scission", "scissiontl"])
def test_a_profile_leaves_in_every_form(cast: Cast, board: Device, client: Client, form: str) -> None:
    profiles.bring(cast.mia, cast.team, ONE.encode(), "x.csv", board)
    client.force_login(cast.victor)
    sent = client.get(f"/devices/profiles/{Profile.objects.get().pk}/file/{form}")
    assert sent.status_code == 200 and "attachment" in sent["Content-Disposition"]
    assert b"0.25" in sent.content
    assert client.get(f"/devices/profiles/{Profile.objects.get().pk}/file/exe").status_code == 404


@pytest.mark.skipif(not DATA.is_dir(), reason="the published measurements are not here: ../shared/data/scission")
def test_the_published_profiles_come_in_and_leave_byte_for_byte(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    files = [*(DATA / "scission").glob("*-*.csv"), *(DATA / "scissiontl-tensorflow").glob("*-*.csv")]
    for each in files:
        assert post(client, cast.alice, file=file(each.read_bytes(), each.name), save="1").status_code == 302
        device = Device.objects.get(name=each.stem.partition("-")[2])
        form = device.profiles.all()[0].form
        sent = client.get(f"/devices/{device.pk}/profiles/file/{form}")
        assert sent.content == each.read_bytes() and f'filename="{each.name}"' in sent["Content-Disposition"]
    assert Profile.objects.filter(form="scission").count() == 5 * 18
    assert profiles.newest(cast.team, None, "vgg16").count() == 8


def test_what_a_file_says_of_a_device_is_shown_in_words_and_mb(cast: Cast, client: Client) -> None:
    page = post(client, cast.alice, file=file(DESCRIBED, "x.yaml"), look="1").content.decode()
    assert "onnxruntime 1.10" in page and "4,000.000001 MB" in page and ">arm lab<" in page
    assert "{&#x27;" not in page.partition("The file")[0]
