"""A large upload through the real portal: cut at 60 %, web and desk killed; it lands once, and memory stays flat."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.memory import Memory
from tests.portal import Portal, strain, until

pytestmark = pytest.mark.kill
ROWS = 97_000  # of 32x32x3 bytes: 298 MB that no packer makes smaller
PART = 8_000_000
MOST_GROWTH = 40_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("upload") / "noise.npz"
    generator = np.random.default_rng(5)
    np.savez(path, images=generator.integers(0, 256, (ROWS, 32, 32, 3), np.uint8), labels=np.arange(ROWS) % 10)
    yield path
    path.unlink()


def ask(portal: Portal, method: str, path: str, **more: Any) -> httpx.Response:
    headers = {"X-CSRFToken": portal.http.cookies.get("csrftoken", ""), "Referer": portal.address}
    return portal.http.request(method, f"/api/uploads{path}", headers=headers | more.pop("headers", {}), timeout=300, **more)


def begin(portal: Portal, path: Path, kind: str = "dataset") -> dict[str, Any]:
    body = {"kind": kind, "name": path.name, "size_bytes": path.stat().st_size, "fingerprint": f"kill-{path.stat().st_mtime_ns}"}
    answer = ask(portal, "POST", "", json=body)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def send(portal: Portal, pk: str, file: Path, offset: int, until_byte: int) -> int:
    """Parts from `offset` on; where it stands when `until_byte` is passed."""
    with file.open("rb") as source:
        while offset < until_byte:
            source.seek(offset)
            answer = ask(portal, "PUT", f"/{pk}/parts?offset={offset}", content=source.read(PART),
                         headers={"Content-Type": "application/octet-stream"})
            assert answer.status_code == 200, answer.text
            offset = answer.json()["received_bytes"]
    return offset


def cut_in_the_middle_of_a_part(portal: Portal, pk: str, file: Path, offset: int) -> None:
    """Half a part, and then the line is gone."""
    with file.open("rb") as source, socket.create_connection(("127.0.0.1", portal.port)) as line:
        source.seek(offset)
        cookies = "; ".join(f"{name}={value}" for name, value in portal.http.cookies.items())
        head = (f"PUT /api/uploads/{pk}/parts?offset={offset} HTTP/1.1\r\nHost: 127.0.0.1:{portal.port}\r\nCookie: {cookies}\r\n"
                f"X-CSRFToken: {portal.http.cookies.get('csrftoken', '')}\r\nContent-Length: {PART}\r\n"
                "Content-Type: application/octet-stream\r\n\r\n")
        line.sendall(head.encode() + source.read(PART // 2))


def state(portal: Portal, pk: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(portal, "GET", f"/{pk}").json()
    return found


def is_up(portal: Portal) -> bool:
    try:
        return portal.http.get("/").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.slow
def test_300_mb_cut_at_60_percent_and_resumed_land_once_and_memory_stays_flat(portal: Portal, large: Path) -> None:
    portal.http.get("/data/")
    size = large.stat().st_size
    assert size > 297_000_000
    found = begin(portal, large)
    send(portal, found["id"], large, 0, PART)
    before = portal.web().memory_info().rss
    memory = Memory(portal)
    offset = send(portal, found["id"], large, PART, int(size * 0.6))
    cut_in_the_middle_of_a_part(portal, found["id"], large, offset)
    assert memory.most - before < MOST_GROWTH, (before, memory.most)
    portal.web().kill()
    until(lambda: is_up(portal), 60, "the web process is back")
    again = begin(portal, large)
    assert (again["id"], again["received_bytes"]) == (found["id"], offset)
    fresh = portal.web().memory_info().rss
    memory.most = 0
    send(portal, found["id"], large, again["received_bytes"], size)
    assert [ask(portal, "POST", f"/{found['id']}/finish").status_code for _ in range(2)] == [200, 200]
    until(lambda: state(portal, found["id"])["state"] in ("ready", "refused"), 240, "the end of the inspection")
    memory.done.set()
    assert memory.most - fresh < MOST_GROWTH, (fresh, memory.most)
    ended = state(portal, found["id"])
    assert (ended["state"], ended["why"]) == ("ready", "")
    rows = portal.sql("select id::text, counts from catalog_dataset where name like 'noise%%'")
    assert rows == [(ended["dataset"], {"train": 67_900, "validation": 9_700, "test": 19_400})]
    assert portal.sql("select count(*) from catalog_uploadpart where upload_id = %s", found["id"]) == [(0,)]
    portal.sql("delete from catalog_upload where id = %s", found["id"])


def test_a_desk_that_is_killed_while_it_checks_is_followed_by_another(portal: Portal, tmp_path: Path) -> None:
    path = tmp_path / "flowers.npz"
    np.savez_compressed(path, images=np.random.default_rng(2).integers(0, 256, (20_000, 32, 32, 3), np.uint8),
                        labels=np.arange(20_000) % 10)
    portal.http.get("/data/")
    found = begin(portal, path)
    send(portal, found["id"], path, 0, path.stat().st_size)
    ask(portal, "POST", f"/{found['id']}/finish")
    # The desk writes the steps down: a check of a second or two must not be over before that.
    portal.caught(lambda: state(portal, found["id"])["steps"], "the first step", whose="worker.inspection.child", spell_s=0.02)
    portal.program("celery", "desk@").kill()
    until(lambda: state(portal, found["id"])["state"] == "ready", 120, "ready after another attempt")
    attempts = portal.one("catalog_upload", "attempts", "id = %s", found["id"])
    assert int(attempts) == 2
    assert portal.sql("select count(*) from catalog_dataset where name like 'flowers%%'") == [(1,)]


def test_a_body_over_the_limit_is_refused_before_it_is_read_whether_or_not_it_says_how_long_it_is(portal: Portal) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield bytes(1_000_000)

    begun = time.monotonic()
    for content in (bytes(9_000_000), endless()):
        try:
            answer = ask(portal, "PUT", "/00000000-0000-0000-0000-000000000000/parts?offset=0", content=content)
            assert answer.status_code == 413
        except (httpx.WriteError, httpx.ReadError):
            pass  # It hung up while we were still talking.
    assert time.monotonic() - begun < 20 * strain()
