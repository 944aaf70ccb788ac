"""Hosts that die, hang or cannot: the run goes on from the last image, or fails with the reason; no process is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.portal import strain
from tests.worker.partitioning.slices_built import MOST_BYTES, Built, answers, built, chain, eventually, heard, hosts, is_gone
from worker.events import Log, Metric
from worker.links import frames
from worker.links.faults import LinkFault, Refused
from worker.links.frames import Frame
from worker.links.wire import Listener, connect
from worker.partitioning.slicing import streaming
from worker.partitioning.slicing.chain import TRIES
from worker.partitioning.slicing.faults import GaveUp
from worker.partitioning.slicing.local import Process
from worker.partitioning.slicing.serving import OPEN, OPENED, RAN, RUN, machine
from worker.partitioning.slicing.setup import Setup

pytestmark = pytest.mark.kill


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(tmp_path_factory.mktemp("slices"), links="pi to edge: 0 ms, 1 Gbit/s; edge to cloud: 0 ms, 1 Gbit/s")


@pytest.mark.parametrize("part", [1, 2, 3])
def test_a_host_that_is_killed_is_started_again_and_the_image_is_sent_again(given: Built, part: int) -> None:
    with hosts(given) as on, chain(given, on) as through:
        assert answers(given, through, 0, 1) == (True, [])
        before = on.pids
        os.kill(before[part - 1], signal.SIGKILL)
        same, said = answers(given, through, 2, 3)
        assert same and through.restarts == 1
        assert [pid for pid in on.pids if pid in before] == [pid for pid in before if pid != before[part - 1]]
    name = given.what.names[part - 1]
    assert [event.message for event in said if isinstance(event, Log)] == [
        f"Part {part}, {name}: Its process was killed by SIGKILL. Connecting again, try 2 of {TRIES}."]
    assert all(is_gone(pid) for pid in before)


def test_a_host_that_hangs_is_given_up_after_its_time_and_replaced(given: Built) -> None:
    with hosts(given) as on, chain(given, on, patience_s=2.0 * strain()) as through:
        heard(through.opened())
        hung = on.pids[1]
        os.kill(hung, signal.SIGSTOP)
        same, said = answers(given, through, 0)
        assert same and hung not in on.pids and is_gone(hung)
    assert "Part 2, edge: Nothing was said" in said[0].message  # type: ignore[union-attr]


def test_who_dies_each_time_makes_the_run_fail_with_the_reason(given: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    with hosts(given) as on, chain(given, on) as through:
        heard(through.opened())
        route = on.route

        def mortal() -> object:
            found = route()
            os.kill(on.pids[2], signal.SIGKILL)
            return found

        monkeypatch.setattr(on, "route", mortal)
        os.kill(on.pids[2], signal.SIGKILL)
        with pytest.raises(GaveUp, match=f"Part 3, cloud: Its process was killed by SIGKILL. That was try {TRIES} of {TRIES}."):
            answers(given, through, 0)
        pids = on.pids
    assert all(is_gone(pid) for pid in pids)


def test_an_image_that_no_slice_takes_fails_at_once(given: Built) -> None:
    with hosts(given) as on, chain(given, on) as through:
        with pytest.raises(GaveUp, match="Part 1, pi: It cannot run its slice on what it was given") as error:
            heard(through.image(0, np.zeros((1, 3, 8, 8), np.float32)))
        assert "InvalidArgument" in str(error.value.__cause__)  # A library's words are for the trace.
        assert through.restarts == 0
        assert answers(given, through, 1) == (True, [])  # The chain is whole afterwards.


def test_a_run_that_lost_a_host_tells_so_and_ends_with_the_same_answers(given: Built) -> None:
    running, killed, events = streaming.here(given.what, given.context), False, []
    try:
        while True:
            events.append(next(running))
            if isinstance(events[-1], Metric) and events[-1].name == "image_latency_ms" and not killed:
                killed = bool(_kill_a_child())
    except StopIteration as end:
        found = end.value
    assert killed and found["restarts"] == 1 and found["bit_equal"] and found["images"] == 8
    assert any(isinstance(event, Log) and "sent again" in event.message for event in events)


def _kill_a_child() -> int:
    """The last of this process's slice hosts."""
    ours = [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            if b"slicing.host" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(max(ours), signal.SIGKILL)
    return len(ours)


def test_a_frame_that_claims_10_gb_and_a_wrong_token_harm_no_good_caller(given: Built) -> None:
    claim = frames.HEAD.pack(frames.MAGIC, frames.VERSION, b"run", 16, 0, 10**10)
    with hosts(given) as on, chain(given, on) as through:
        (first, *_) = on.route()
        with first.reach(60.0, MOST_BYTES) as liar:
            liar._channel.send([memoryview(claim + frames.SEAL.pack(zlib.crc32(claim)))], time.monotonic() + 60)
            with pytest.raises(LinkFault):
                liar.receive()
        with pytest.raises(Refused):
            replace(first, token="guessed").reach(60.0, MOST_BYTES)
        assert answers(given, through, 0) == (True, [])


def test_a_torn_answer_is_known_as_such_and_the_image_is_sent_again(given: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    with hosts(given) as on, chain(given, on) as through:
        route, (first, second, _) = on.route, on.route()
        with Listener("127.0.0.1", 0, token=second.token, run=second.run, most_bytes=MOST_BYTES, patience_s=20.0) as torn:
            routes = iter([[first, replace(second, port=torn.port)]])
            monkeypatch.setattr(on, "route", lambda: next(routes, None) or route())
            tearer = threading.Thread(target=tear, args=(torn,))
            tearer.start()
            same, said = answers(given, through, 0)
            tearer.join()
    assert same and through.restarts == 1
    assert re.search(r"Part 2, edge: A frame 'ran' stopped after \d+ of \d+ bytes", said[0].message)  # type: ignore[union-attr]


def tear(listener: Listener) -> None:
    """Answer as the last part would, but only the first half of an image's answer."""
    about = {"part": 2, "pid": 1, "runtime": "none", "threads": 1, "machine": machine()}
    with listener.accept() as wire:
        while wire.receive().kind == OPEN:
            wire.send(Frame(OPENED, {"parts": [about], "clocks": []}))
        body = b"".join(frames.parts(Frame(RAN, {"image": 0, "stamps": []}, {"y": np.zeros((1, 10), np.float32)})))
        wire._channel.send([memoryview(body[:len(body) // 2])], time.monotonic() + 60)


def test_a_host_to_whom_nobody_speaks_any_more_ends_by_itself(given: Built) -> None:
    file = str(given.context.workdir / "part-1.onnx")
    host = Process(Setup(1, "pi", file, "onnxruntime", token="t", run="r", most_bytes=MOST_BYTES, idle_s=0.3))
    try:
        assert host.await_port() == "" and host.port
        assert eventually(lambda: not host.is_running)
        assert host.ending() == "Its process ended with 0."
    finally:
        host.kill()


def test_a_part_whose_message_comes_slowly_waits_for_its_end(given: Built) -> None:
    file, idle_s = str(given.context.workdir / "part-1.onnx"), 3.0
    host = Process(Setup(1, "pi", file, "onnxruntime", token="t", run="r", most_bytes=MOST_BYTES, idle_s=idle_s))
    try:
        assert host.await_port() == ""
        with connect(("127.0.0.1", host.port), token="t", run="r", patience_s=20.0, most_bytes=MOST_BYTES) as wire:
            content = b"".join(frames.parts(Frame(RUN, {"image": 0}, {"x": given.arrays["images"][:1]})))
            begun, at = time.monotonic(), 0
            while time.monotonic() - begun < 1.2 * idle_s:
                wire._channel.send([memoryview(content[at:at + 1])], time.monotonic() + 60)
                at += 1
                time.sleep(idle_s / 20)
            wire._channel.send([memoryview(content[at:])], time.monotonic() + 60)
            assert wire.receive().kind == RAN
    finally:
        host.kill()


def test_when_the_driver_is_killed_no_process_is_left(given: Built, tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from worker.partitioning.slicing.local import Local, Part
        from worker.planning.parted import LinkAsked
        folder = Path({str(given.context.workdir)!r})
        parts = [Part("a", folder / "part-1.onnx", LinkAsked("a", "b", 0, 1000)), Part("b", folder / "part-2.onnx")]
        on = Local(parts, run="r", engine="onnxruntime", threads=1, most_bytes=1 << 20)
        on.route()
        print(*on.pids, *on.relay_pids, flush=True)
        time.sleep(600)
    """)
    driver = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert driver.stdout
    pids = [int(pid) for pid in driver.stdout.readline().split()]
    assert len(pids) == 3 and not any(is_gone(pid) for pid in pids)
    driver.kill()
    driver.wait()
    driver.stdout.close()
    assert eventually(lambda: all(is_gone(pid) for pid in pids))
