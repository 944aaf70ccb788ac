"""Many sockets on one stream: each gets every row once and in order, the rows are read once, and who never reads is closed."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.stream import Crowd, Deaf, Heard, Speaker
from tests.portal import ROOT, Portal, until

pytestmark = pytest.mark.kill
SOCKETS, SECONDS = 50, 5
# The measurement on a quiet machine holds 10 s.
CLOSED_S = 10
READS = "select coalesce(idx_scan, 0) + seq_scan from pg_stat_user_tables where relname = 'live_event'"


class Hall:
    """The running portal, with the readers and the speaker of the measurement as guests."""

    def __init__(self, portal: Portal, folder: Path) -> None:
        self.portal, self.folder, self.port = portal, folder, portal.port
        self.guests: list[subprocess.Popen[Any]] = []

    def program(self, *words: str, **more: Any) -> subprocess.Popen[Any]:
        guest = subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=self.portal.environ(), **more)
        self.guests.append(guest)
        return guest


@pytest.fixture
def hall(portal: Portal, tmp_path: Path) -> Iterator[Hall]:
    portal.clear_the_slot()
    hall = Hall(portal, tmp_path)
    yield hall
    for guest in hall.guests:
        guest.kill()
        guest.wait()


@pytest.fixture
def stream(portal: Portal) -> Iterator[str]:
    """A stream of the sample team on which nobody else speaks."""
    made = str(uuid.uuid4())
    portal.sql("insert into live_stream (id, team_id, created, head, is_teams) select %s, id, now(), 0, false"
               " from accounts_team where is_sample", made)
    yield made
    portal.sql("delete from live_event where stream_id = %s", made)
    portal.sql("delete from live_stream where id = %s", made)


def cookie(portal: Portal) -> str:
    return str(portal.http.cookies["sessionid"])


def opened(hall: Hall, stream: str, sockets: int = SOCKETS) -> Crowd:
    crowd = Crowd(hall, f"/ws/streams/{stream}/?after=0", [cookie(hall.portal)], sockets)  # type: ignore[arg-type]
    crowd.open()
    return crowd


def spoken(hall: Hall, stream: str, **how: Any) -> Speaker:
    speaker = Speaker(hall, stream, SECONDS, **how)  # type: ignore[arg-type]
    speaker.begin()
    return speaker


def reads(portal: Portal) -> int:
    """As PostgreSQL counts them; it may tell up to ten seconds late."""
    time.sleep(11)
    return int(portal.sql(READS)[0][0])


def test_50_sockets_get_every_row_in_order_and_each_row_is_read_once(hall: Hall, stream: str) -> None:
    crowd = opened(hall, stream)
    before = reads(hall.portal)
    speaker = spoken(hall, stream)
    speaker.end()
    after = reads(hall.portal)
    crowd.close(max(speaker.commits))
    heard = Heard(crowd, speaker.commits)
    assert len(speaker.commits) == SECONDS * 10
    assert heard.is_whole, (heard.missing, crowd.said["out_of_order"], crowd.said["lost_connections"], crowd.said["at"])
    assert after - before <= len(speaker.commits) + 10, "one read a knock and a few, not one a socket"


def test_a_socket_that_joins_while_rows_come_misses_and_doubles_none(hall: Hall, stream: str) -> None:
    speaker = spoken(hall, stream, per_second=50)
    crowds = []
    while len(crowds) < 3:
        crowds.append(opened(hall, stream, 10))
    speaker.end()
    for crowd in crowds:
        crowd.close(max(speaker.commits))
        heard = Heard(crowd, speaker.commits)
        assert heard.is_whole, (heard.missing, crowd.said["out_of_order"], crowd.said["at"])


@pytest.mark.parametrize("size", [60, 100_000])
def test_one_that_never_reads_is_closed_and_the_others_get_everything(hall: Hall, stream: str, size: int) -> None:
    crowd = opened(hall, stream, 10)
    deaf = Deaf(hall.port, f"/ws/streams/{stream}/", cookie(hall.portal))
    speaker = spoken(hall, stream, size=size)
    until(deaf.look, CLOSED_S, "the one that never reads is closed")
    speaker.end()
    crowd.close(max(speaker.commits))
    assert Heard(crowd, speaker.commits).is_whole
    answer = hall.portal.http.get("/")
    assert answer.status_code == 200


def test_one_that_goes_silent_on_a_silent_stream_is_closed_too(hall: Hall, stream: str) -> None:
    """Nothing is sent that could fail: only the unanswered ping tells."""
    gone = Deaf(hall.port, f"/ws/streams/{stream}/", cookie(hall.portal))
    until(gone.look, CLOSED_S, "the one that answers no ping is closed")
