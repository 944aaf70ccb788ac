"""The agent believes one portal only, says why when it cannot talk to it, and asks again in a way that harms nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.agent.fake_portal import certificate, cuts_after, loses_the_answer, says, sends, served
from worker.agent import fetching
from worker.agent.fetching import Unfetchable, fetch_all
from worker.agent.joining import join
from worker.agent.portal import Patience, Portal
from worker.agent.state import Folder, Identity
from worker.agent.trust import Address
from worker.agent.wording import Away, Distrusted, Over, Refused

RUN = "/api/agent/runs/x"


def never(_seconds: float) -> bool:
    return False


def test_a_board_joins_the_portal_of_that_fingerprint_and_pins_its_certificate(tmp_path: Path) -> None:
    context, print_ = certificate(tmp_path)
    with served(context) as portal:
        folder = Folder(tmp_path / "board")
        shown = ":".join(print_[at:at + 2] for at in range(0, 64, 2)).upper()
        joined = join(folder, portal.base + "/", "CODE", shown, "porch")
        kept = Identity.of(folder)
        assert (kept, joined.device["name"]) == (joined, "porch") and "BEGIN CERTIFICATE" in kept.address.certificate
        assert (folder.path / "identity.json").stat().st_mode & 0o777 == 0o600 and folder.path.stat().st_mode & 0o777 == 0o700
        assert Portal(kept.address, "i").ask("POST", "/api/agent/beat", {"activity": "idle"}).status == 200
        with pytest.raises(Over, match="joined already"):
            join(folder, portal.base, "CODE", print_)


def test_another_certificate_gets_nothing_not_even_the_code(tmp_path: Path) -> None:
    (context, _), (_, other) = certificate(tmp_path), certificate(tmp_path, "two")
    with served(context) as portal:
        with pytest.raises(Over, match="another certificate"):
            join(Folder(tmp_path / "board"), portal.base, "CODE", other)
        pem = (tmp_path / "two.crt").read_text()
        with pytest.raises(Distrusted, match="another certificate"):
            Portal(Address(portal.base, other, pem), "i", lambda: "secret").ask("POST", "/api/agent/beat", {})
        with pytest.raises(Distrusted, match="not one that this board's system trusts"):
            Portal(Address(portal.base), "i", lambda: "secret").ask("POST", "/api/agent/beat", {})
        assert not portal.asked


def test_a_clock_that_is_wrong_is_told_as_such(tmp_path: Path) -> None:
    context, print_ = certificate(tmp_path, begins_in_days=5)
    with served(context) as portal, pytest.raises(Distrusted, match="clock of this board says"):
        Portal(Address(portal.base, print_, (tmp_path / "one.crt").read_text()), "i").ask("POST", "/api/agent/beat", {})


@pytest.mark.parametrize("url", ["http://192.0.2.7:8000", "http://portal.example.org", "ftp://127.0.0.1", "portal"])
def test_plain_http_is_for_this_machine_only(url: str) -> None:
    with pytest.raises(Over, match="must begin with https"):
        Address(url)


@pytest.mark.parametrize(("fault", "sentence"), [
    (says(403, title="This code does not let a board join."), "This code does not let a board join."),
    (says(426, title="x", needed="9.0.0"), "it needs version 9.0.0"),
    (says(429, title="x", retry_after=600), "has too much to do"),
])
def test_what_hinders_joining_is_a_sentence(tmp_path: Path, fault: object, sentence: str) -> None:
    with served() as portal:
        portal.faults["join"] = [fault]
        with pytest.raises(Over, match=sentence):
            join(Folder(tmp_path), portal.base, "CODE", "")
        assert not (tmp_path / "identity.json").exists()


def test_a_lost_answer_to_joining_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patience, "next", lambda *_: 0.01)
    with served() as portal:
        portal.faults["join"] = [loses_the_answer, says(503)]
        join(Folder(tmp_path), portal.base, "CODE", "")
        assert portal.asked["join"] == 3


def test_nobody_there_is_away_and_a_refusal_is_told_in_the_portals_words() -> None:
    with served() as portal:
        line = Portal(Address(portal.base), "i")
        portal.faults["beat"] = [says(409, title="Another board has joined."), says(429, retry_after=7), says(500)]
        with pytest.raises(Refused, match="Another board has joined"):
            line.ask("POST", "/api/agent/beat", {})
        with pytest.raises(Away) as busy:
            line.ask("POST", "/api/agent/beat", {})
        assert busy.value.retry_after == 7
        with pytest.raises(Away):
            line.ask("POST", "/api/agent/beat", {})
        gone = portal.base
    with pytest.raises(Away, match="does not answer"):
        Portal(Address(gone), "i").ask("POST", "/api/agent/beat", {})


def test_the_next_try_comes_later_and_never_before_it_was_asked_for() -> None:
    patience = Patience(first=1, most=60)
    waits = [patience.next() for _ in range(12)]
    assert all(0.5 * min(60, 2**n) <= wait <= min(60, 2**n) for n, wait in enumerate(waits))
    assert 30 <= patience.next(30) <= 36
    patience.over()
    assert patience.next() <= 1


def test_a_request_with_a_token_that_was_replaced_meanwhile_is_sent_with_the_new_one() -> None:
    tokens = iter(["old", "old", "old", "new", "new", "new", "new", "new"])
    with served() as portal:
        portal.faults["beat"] = [says(401)]
        assert Portal(Address(portal.base), "i", lambda: next(tokens)).ask("POST", "/api/agent/beat", {}).status == 200
        assert portal.tokens_seen[-1] == "Bearer new"


def ordered(portal: object, body: bytes) -> list[dict[str, object]]:
    portal.order("r", {}, {"net/model.onnx": body}, {})  # type: ignore[attr-defined]
    return portal.waiting[-1]["order"]["files"]  # type: ignore[attr-defined, no-any-return]


def test_a_file_that_was_cut_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patience, "next", lambda *_: 0.01)
    body = bytes(range(256)) * 1000
    with served() as portal:
        files = ordered(portal, body)
        portal.faults["files"] = [cuts_after(100_000), says(503)]
        assert fetch_all(files, tmp_path, Portal(Address(portal.base), "i"), never)
        assert (tmp_path / "net/model.onnx").read_bytes() == body and portal.asked["files"] == 3
        assert fetch_all(files, tmp_path, Portal(Address(portal.base), "i"), never) and portal.asked["files"] == 3


def test_wrong_bytes_are_thrown_away_and_after_three_times_it_is_said(tmp_path: Path) -> None:
    with served() as portal:
        files = ordered(portal, b"right bytes")
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        portal.faults["files"] = [sends(b"wrong bytes"), sends(b"right bytes and many more")]
        assert fetch_all(files, tmp_path / "a", Portal(Address(portal.base), "i"), never)
        portal.faults["files"] = [sends(b"wrong bytes")] * 3
        with pytest.raises(Unfetchable, match="other bytes than the portal promised"):
            fetch_all(files, tmp_path / "b", Portal(Address(portal.base), "i"), never)
        assert not list((tmp_path / "b").rglob("*.onnx*"))


@pytest.mark.parametrize("path", ["../up", "/etc/passwd", "a/../../b", "a\\b", ""])
def test_a_path_that_leads_out_is_never_written(tmp_path: Path, path: str) -> None:
    with pytest.raises(Unfetchable, match="leads out"):
        file = {"path": path, "sha256": "0", "size_bytes": 1, "url": "/x"}
        fetch_all([file], tmp_path, Portal(Address("https://h"), "i"), never)


def test_a_disk_without_room_is_told_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "free_bytes", lambda _folder: 10_000_000)
    with served() as portal, pytest.raises(Unfetchable, match="10 MB of disk left"):
        fetch_all(ordered(portal, b"x"), tmp_path, Portal(Address(portal.base), "i"), never)
