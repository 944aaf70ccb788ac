"""An emulated link takes as long as it says: the delay, and the bytes over the rate, both ways, messages behind each other."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from tests.portal import until
from tests.worker.links.ends import PATIENCE_S, beside
from worker.links import frames
from worker.links.emulation import Emulated
from worker.links.faults import LinkFault, Silent, Torn
from worker.links.frames import Frame
from worker.links.relay import Line
from worker.links.wire import Listener, Wire, connect

SAID = {"token": "t", "run": "r", "patience_s": PATIENCE_S, "most_bytes": 10**8}


@contextmanager
def over(link: Emulated, back: Emulated | None = None) -> Iterator[tuple[Wire, Wire]]:
    """A wire through the link: its two ends, greeted."""
    with (Listener("127.0.0.1", 0, **SAID) as there, link.to(there.address, back) as relay,
          connect(relay.address, **SAID) as near, there.accept() as far):
        yield near, far


def image(count: int) -> Frame:
    return Frame("image", tensors={"x": np.random.default_rng(0).integers(0, 255, count, np.uint8)})


def took(near: Wire, far: Wire, frame: Frame) -> float:
    begun = time.monotonic()
    with beside(lambda: near.send(frame)):
        assert np.array_equal(far.receive().tensors["x"], frame.tensors["x"])
    return time.monotonic() - begun


@pytest.mark.parametrize(("link", "count"), [(Emulated(0.02, 2.5e6), 200_000), (Emulated(0.05, 1e6), 1000),
                                             (Emulated(0.0, 5e6), 500_000), (Emulated(0.03), 1_000_000)], ids=str)
def test_a_message_takes_the_delay_and_its_bytes_over_the_rate(link: Emulated, count: int) -> None:
    """One of many: what else the machine does can only make it longer. Never is it shorter."""
    frame = image(count)
    expected = link.seconds(frames.size(frame))

    def is_exact() -> bool:
        measured = took(near, far, frame)
        assert measured >= expected * 0.999
        return measured <= expected * 1.05 + 0.005

    with over(link) as (near, far):
        until(is_exact, 20, f"a message that takes {expected:.4f} s")


def test_the_way_back_may_be_another() -> None:
    there, back = Emulated(0.01, 1e7), Emulated(0.06, 1e6)
    frame = image(50_000)
    with over(there, back) as (near, far):
        until(lambda: took(near, far, frame) < 0.05, 20, "a message that takes its own way's time")
        assert min(took(far, near, frame) for _ in range(3)) >= back.seconds(frames.size(frame)) * 0.999


def test_both_ways_at_once_do_not_slow_each_other() -> None:
    link, frame = Emulated(0.01, 2e6), image(200_000)
    def exchanged_s() -> float:
        begun = time.monotonic()
        with beside(lambda: near.send(frame)), beside(lambda: far.send(frame)), beside(near.receive):
            far.receive()
        return time.monotonic() - begun

    with over(link) as (near, far):
        until(lambda: exchanged_s() < 1.6 * link.seconds(frames.size(frame)), 20, "both in less than one after the other")


def test_the_next_message_leaves_while_the_last_one_travels() -> None:
    """Ten of them need one delay in all, not ten."""
    link, frame = Emulated(0.1, 5e6), image(20_000)
    expected = link.seconds(10 * frames.size(frame))

    def is_exact() -> bool:
        begun = time.monotonic()
        with beside(lambda: [near.send(frame) for _ in range(10)]):
            for _ in range(10):
                far.receive()
        measured = time.monotonic() - begun
        assert measured >= expected * 0.99
        return measured <= expected + 0.05

    with over(link) as (near, far):
        until(is_exact, 20, f"ten messages that take {expected:.4f} s in all")


def test_messages_of_several_connections_share_the_rate() -> None:
    link, frame = Emulated(0.0, 2e6), image(100_000)
    with Listener("127.0.0.1", 0, **SAID) as there, link.to(there.address) as relay:
        nears = [connect(relay.address, **SAID) for _ in range(3)]
        fars = [there.accept() for _ in nears]
        begun = time.monotonic()
        with beside(lambda: nears[0].send(frame)), beside(lambda: nears[1].send(frame)), beside(lambda: nears[2].send(frame)):
            for far in fars:
                far.receive()
        assert time.monotonic() - begun >= link.seconds(3 * frames.size(frame)) * 0.98
        for each in (*nears, *fars):
            each.close()


def test_a_burst_passes_at_once_after_a_while_of_silence() -> None:
    link, frame = Emulated(0.0, 1e5, burst_bytes=60_000), image(50_000)
    begun: list[float] = []

    def is_at_once() -> bool:
        begun.append(time.monotonic())
        return took(near, far, frame) < 0.1

    with over(link) as (near, far):
        until(is_at_once, 30, "the bucket to be full and empty it at once")
        took(near, far, frame)
        both = 2 * frames.size(frame) - 60_000
        assert time.monotonic() - begun[-1] >= both / 1e5 * 0.98, "the bucket was empty then"


def test_a_receiver_that_takes_its_time_loses_nothing() -> None:
    with over(Emulated(0.0)) as (near, far), beside(lambda: [near.send(image(10**6)) for _ in range(8)]):
        until(lambda: near.bytes_sent > 2 * 10**6, 20, "the first to be under way")
        assert [far.receive().tensors["x"].size for _ in range(8)] == [10**6] * 8


def test_an_end_comes_after_what_was_sent_before_it() -> None:
    link, frame = Emulated(0.05, 1e6), image(20_000)
    with over(link) as (near, far):
        near.send(frame)
        near.close()
        assert far.receive().kind == "image"
        with pytest.raises(Torn):
            far.receive()


def test_a_host_that_is_gone_is_noticed_through_the_link() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with Emulated(0.01).to(address) as relay, pytest.raises(LinkFault):
        connect(relay.address, **SAID)


def test_a_link_that_is_killed_is_torn_for_both() -> None:
    with (Listener("127.0.0.1", 0, **SAID) as there, Emulated(0.01).to(there.address) as relay,
          connect(relay.address, **SAID) as near, there.accept() as far):
        os.kill(relay.pid, signal.SIGKILL)
        for each in (near, far):
            with pytest.raises(Torn):
                each.receive()


STARTS_ONE = """
import time
from worker.links.emulation import Emulated
print(Emulated(0.01).to(("127.0.0.1", 9)).pid, flush=True)
time.sleep(600)
"""


def test_a_link_ends_with_the_process_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS_ONE], stdout=subprocess.PIPE) as starter:
        assert starter.stdout
        pid = int(starter.stdout.readline())
        assert psutil.pid_exists(pid)
        starter.kill()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 10, "the link to end")


def test_what_was_asked_of_a_link_is_checked() -> None:
    for wrong in ((-1, 1), (math.nan, 1), (math.inf, 1), (0, 0), (0, -1), (0, math.nan), (0, 1, -1), (0, 1, math.inf)):
        with pytest.raises(ValueError, match="delay"):
            Emulated(*wrong)


def test_the_bucket_gives_what_its_rate_allows_and_never_more() -> None:
    """Without a clock: random pieces at random moments; over any time no more than the rate and one burst."""
    chance = np.random.default_rng(0)
    for rate, burst in ((1000.0, 0.0), (1000.0, 200.0), (50.0, 500.0)):
        line, now, sent = Line(0.0, rate, burst), 0.0, []
        for _ in range(300):
            now += float(chance.exponential(0.05))
            count = int(chance.integers(1, 100))
            sent.append((line.arrives(now, count), count))
            assert sent[-1][0] >= now
        times, counts = [each[0] for each in sent], np.cumsum([0, *(each[1] for each in sent)])
        assert times == sorted(times)
        for first in range(0, 300, 7):
            for last in range(first, 300, 11):
                carried = counts[last + 1] - counts[first + 1]
                assert carried <= rate * (times[last] - times[first]) + burst + 1e-6


def test_a_relay_that_stands_still_costs_nothing() -> None:
    with (Listener("127.0.0.1", 0, **SAID) as there, Emulated(0.01, 1e6).to(there.address) as relay,
          connect(relay.address, **SAID) as near, there.accept() as far):
        took(near, far, image(1000))
        process = psutil.Process(relay.pid)
        before = sum(process.cpu_times()[:2])
        with pytest.raises(Silent):
            far.receive(within_s=0.3)
        assert sum(process.cpu_times()[:2]) - before <= 0.03
