"""1,000 sockets on one stream, 10 events a second, one web process on 2 cores; beside it Channels' plain group_send."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from bench.house import House
from bench.readers import request
from tests.portal import until

Row = tuple[str, str]
SOCKETS, PER_SECOND, PEOPLE = 1000, 10, 100
WARM_S, STEADY_S, DEAF_S = 5, 60, 20
# At 10 events a second group_send falls behind, loses its sockets' pings and then the sockets.
PLAIN_S, PLAIN_PER_SECOND = 20, 2
BYTES = 60


@dataclass
class Crowd:
    """A process full of readers, and afterwards what they said."""

    house: House
    path: str
    cookies: list[str]
    sockets: int
    said: dict[str, Any] = field(default_factory=dict)

    def open(self) -> None:
        self.out = self.house.folder / f"readers-{time.monotonic_ns()}.json"
        self.process = self.house.program("bench.readers", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        tell(self.process, {"port": self.house.port, "path": self.path, "cookies": self.cookies, "sockets": self.sockets,
                            "out": str(self.out)})
        assert self.process.stdout.readline().strip() == b"open", "not all sockets could be opened; see the log"

    def close(self, last: int = 0) -> None:
        """End it, but not before each of its sockets has that number."""
        tell(self.process, last)
        assert self.process.stdout.readline().strip() == b"written"
        self.process.wait(30)
        self.said = json.loads(self.out.read_text())


@dataclass
class Speaker:
    """A process that writes rows, and afterwards when each was committed."""

    house: House
    stream: str
    seconds: float
    size: int = BYTES
    by: str = "knock"
    per_second: float = PER_SECOND
    commits: dict[int, float] = field(default_factory=dict)

    def begin(self) -> None:
        self.out = self.house.folder / f"commits-{time.monotonic_ns()}.json"
        self.process = self.house.program("bench.speaker", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        tell(self.process, {"stream": self.stream, "per_second": self.per_second, "seconds": self.seconds, "bytes": self.size,
                            "by": self.by, "out": str(self.out)})
        assert self.process.stdout.readline().strip() == b"ready"

    def end(self) -> None:
        assert self.process.wait(self.seconds + 60) == 0
        self.commits = dict(json.loads(self.out.read_text()))


def tell(process: subprocess.Popen[Any], what: object) -> None:
    process.stdin.write(json.dumps(what).encode() + b"\n")
    process.stdin.flush()


@dataclass
class Heard:
    """What a crowd got of what was said: how many, whether all of it, and how late."""

    crowd: Crowd
    commits: dict[int, float]

    def between(self, begin: float, end: float) -> int:
        return sum(begin <= when < end for when in self.crowd.said["times"])

    @property
    def missing(self) -> int:
        return self.crowd.sockets * len(self.commits) - len(self.crowd.said["seqs"])

    @property
    def is_whole(self) -> bool:
        """Every socket has every number, in order, once, on the one connection it opened."""
        said, last = self.crowd.said, max(self.commits)
        return not (self.missing or said["out_of_order"] or said["lost_connections"] or set(said["at"]) != {last})

    def late_ms(self, share: float, begin: float = 0.0, end: float = 1e18) -> float:
        said = self.crowd.said
        late = sorted((when - self.commits[seq]) * 1e3 for seq, when in zip(said["seqs"], said["times"], strict=True)
                      if begin <= self.commits[seq] < end)
        return late[min(len(late) - 1, int(len(late) * share))]


class Stage:
    """A house with a team, its people's cookies, and streams."""

    def __init__(self, house: House, people: int = PEOPLE) -> None:
        from apps.accounts.models import Membership, Team, User
        from apps.live.models import Stream

        self.house = house
        team = Team.objects.create(name="Bench")
        self.cookies = []
        for number in range(people):
            user = User.objects.create(email=f"reader{number}@example.org")
            Membership.objects.create(team=team, user=user)
            self.cookies.append(house.session(user))
        self.new_stream = lambda: str(Stream.objects.create(team=team).pk)

    def crowd(self, stream: str, sockets: int) -> Crowd:
        return Crowd(self.house, f"/ws/streams/{stream}/?after=0", self.cookies, sockets)


def reads_of_events() -> int:
    """How often anybody has looked something up in the events' table, as PostgreSQL itself counts; inserting is none."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select coalesce(idx_scan, 0) + seq_scan from pg_stat_user_tables where relname = 'live_event'")
        return int(cursor.fetchone()[0])


def goal(text: str, is_met: bool, what: str) -> str:
    return f"{text} ({'goal' if is_met else '**MISSED** goal'}: {what})"


@dataclass
class Phase:
    """The steady part of a run: its edges, and what the web process spent between them."""

    begin: float
    end: float = 0.0
    cpu_s: float = 0.0


def watched(web: psutil.Process, warm_s: float, steady_s: float) -> Phase:
    time.sleep(warm_s)
    before, phase = cpu_s(web), Phase(time.monotonic())
    time.sleep(steady_s)
    phase.cpu_s, phase.end = cpu_s(web) - before, time.monotonic()
    return phase


def cpu_s(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


def rows() -> Iterator[Row]:
    house = House()
    try:
        house.start()
        stage = Stage(house)
        cost = yield from _stream(stage)
        yield from _deaf(stage)
        house.shut()
        yield from _plain(stage, cost)
    finally:
        house.stop()


def _stream(stage: Stage) -> Iterator[Row]:
    web, stream = stage.house.open(), stage.new_stream()
    crowd, speaker = stage.crowd(stream, SOCKETS), Speaker(stage.house, stream, WARM_S + STEADY_S + 2)
    alone = web.memory_info().rss / 1e6
    begun = time.monotonic()
    crowd.open()
    opened, full = time.monotonic() - begun, web.memory_info().rss / 1e6
    speaker.begin()
    time.sleep(WARM_S)
    reads = reads_of_events()
    phase = watched(web, 0, STEADY_S)
    reads = reads_of_events() - reads
    speaker.end()
    time.sleep(1)
    crowd.close()
    heard = Heard(crowd, speaker.commits)
    delivered = heard.between(phase.begin, phase.end)
    said = sum(phase.begin <= when < phase.end for when in speaker.commits.values())
    cost = phase.cpu_s / delivered * 1e6
    yield "sockets, people, events a second", f"{SOCKETS:,}, {PEOPLE}, {said / (phase.end - phase.begin):.1f}, for {STEADY_S} s"
    yield "delivered", goal(f"{len(crowd.said['seqs']):,} messages, {heard.missing} missing, {crowd.said['out_of_order']} out of "
                            f"order, {crowd.said['lost_connections']} connections lost", heard.is_whole, "all, once, in order")
    late = [heard.late_ms(share, phase.begin, phase.end) for share in (0.5, 0.99, 0.9999)]
    yield "from commit to client", goal(f"p50 {late[0]:.1f} ms, p99 {late[1]:.1f} ms, worst of 10,000 {late[2]:.0f} ms",
                                        late[1] < 50, "p99 under 50 ms")
    yield "CPU of the web process a message", goal(f"{cost:.1f} microseconds ({phase.cpu_s / (phase.end - phase.begin):.0%} of a "
                                                   "core)", cost <= 20, "at most 20")
    theirs = crowd.said["cpu_s"] / max(1, len(crowd.said["seqs"])) * 1e6
    yield "CPU of the readers' process", f"{theirs:.1f} microseconds a message"
    yield "reads of the events' table", goal(f"{reads} for {said} knocks", reads <= said * 1.05 + 15,
                                             "one a knock, not one a socket")
    yield "memory of the web process", goal(f"{alone:.0f} MB before, {full:.0f} MB with all sockets",
                                            full <= 150, "at most 150 MB")
    yield "opening all sockets", f"{opened:.1f} s"
    return cost


class Deaf:
    """A client that shakes hands and never reads a byte, with as little room for what it does not read as the kernel gives."""

    def __init__(self, port: int, path: str, cookie: str) -> None:
        self.line = socket.socket()
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.line.connect(("127.0.0.1", port))
        self.line.sendall(request(port, path, cookie))
        self.begun = time.monotonic()
        self.closed_after: float | None = None

    def look(self) -> bool:
        """Whether the server has ended it by now; asks the kernel, reads nothing."""
        if self.closed_after is None:
            poll = select.poll()
            poll.register(self.line, select.POLLRDHUP)
            if poll.poll(0):
                self.closed_after = time.monotonic() - self.begun
        return self.closed_after is not None


def _deaf(stage: Stage) -> Iterator[Row]:
    """Half of them get little and fill only the kernel's buffers, half get so much that the server's fill as well."""
    house, little, much = stage.house, stage.new_stream(), stage.new_stream()
    crowd = stage.crowd(little, SOCKETS)
    crowd.open()
    speakers = [Speaker(house, little, DEAF_S), Speaker(house, much, DEAF_S, size=100_000)]
    for speaker in speakers:
        speaker.begin()
    time.sleep(3)
    before, begun = house.web.memory_info().rss, time.monotonic()
    deaf = [Deaf(house.port, f"/ws/streams/{stream}/", stage.cookies[0]) for stream in (little, much) for _ in range(10)]
    worst = 0
    while not all([one.look() for one in deaf]) and time.monotonic() < begun + 15:
        worst = max(worst, house.web.memory_info().rss - before)
        time.sleep(0.05)
    ended = time.monotonic()
    for speaker in speakers:
        speaker.end()
    time.sleep(1)
    crowd.close()
    heard, longest = Heard(crowd, speakers[0].commits), max(one.closed_after or 99.0 for one in deaf)
    yield "20 that never read: closed", goal(f"the last one after {longest:.1f} s", longest <= 10, "within 10 s")
    late = heard.late_ms(0.99, begun, ended)
    yield f"20 that never read: the other {SOCKETS:,}", goal(f"p99 {late:.1f} ms, {heard.missing} missing",
                                                             heard.is_whole and late < 50, "nothing lost, p99 under 50 ms")
    yield "20 that never read: memory", f"{worst / 1e6:+.0f} MB at most"


def _plain(stage: Stage, ours: float) -> Iterator[Row]:
    web = stage.house.open("bench.group_send:application", ping_s=20)
    crowd = Crowd(stage.house, "/ws/plain/", stage.cookies, SOCKETS)
    crowd.open()
    stream = stage.new_stream()
    speaker = Speaker(stage.house, stream, PLAIN_S, by="group_send", per_second=PLAIN_PER_SECOND)
    before = cpu_s(web)
    speaker.begin()
    speaker.end()
    _wait_until_idle(web)
    spent = cpu_s(web) - before
    crowd.close()
    heard = Heard(crowd, speaker.commits)
    cost = spent / max(1, len(crowd.said["seqs"])) * 1e6
    theirs = f"{cost:.0f} microseconds a message, p99 {heard.late_ms(0.99):,.0f} ms, {heard.missing} missing"
    yield f"group_send to every consumer, {PLAIN_PER_SECOND} events a second", theirs
    yield "ours against group_send", goal(f"{cost / ours:.1f} times less CPU a message", cost / ours >= 8, "at least 8 times")


def _wait_until_idle(web: psutil.Process) -> None:
    """It may be behind: wait until it has handed everything out."""
    web.cpu_percent()
    until(lambda: max(web.cpu_percent(1) for _ in range(3)) < 10, 120, "group_send has caught up")
