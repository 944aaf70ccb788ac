"""Every hostile network through the limited process that the portal starts: nothing runs, nothing else is read."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.portal import strain
from tests.quiet import cpu_s
from tests.worker.inspection import hostile_onnx
from tests.worker.inspection.corpus import MODELS, NETWORKS, is_ours
from tests.worker.inspection.hidden import SECRET, Hidden
from tests.worker.inspection.hostile_onnx import ODD
from worker.firstlook import Unfit, look
from worker.forkserver import ForkServer
from worker.inspection.order import Order

# Of one file, on a machine that does other things too; most take a tenth of a second.
MOST_S = 30
MEMORY_BYTES, CPU_S = 6_000_000_000, 40


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    server = ForkServer(child="tests.worker.inspection.watched")
    server.warm()
    yield server
    server.stop()


class Room:
    """A folder for one inspection, secrets around it, and a canary."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a" / "b"
        self.folder.mkdir(parents=True)
        self.canary, self.heard = folder / "canary", folder / "a" / "heard.jsonl"
        self.hidden = Hidden(folder / "secret.bin", folder / "a" / "secret.bin", folder / "a" / "w.data")

    def inspect(self, forks: ForkServer, body: bytes, architecture: str = "", kind: Any = "model") -> dict[str, Any]:
        (self.folder / "upload").write_bytes(body)
        order = Order(kind=kind, file=str(self.folder / "upload"), folder=str(self.folder), name="net",
                      in_shape=(1, 8, 8) if architecture else None, architecture=architecture,
                      unpacked_bytes=2_000_000_000, memory_bytes=MEMORY_BYTES, cpu_s=CPU_S)
        child = forks.spawn(order)
        answer: dict[str, Any] = {}
        end = time.monotonic() + 2 * MOST_S * strain()
        while not child.gone and time.monotonic() < end:
            for said in child.lines(0.5):
                answer |= said
        child.kill()
        child.close()
        return answer

    def nothing_happened(self) -> None:
        assert not self.canary.exists()
        assert not self.hidden.was_opened()
        assert not self.heard.read_text()
        left = b"".join(path.read_bytes() for path in self.folder.iterdir() if path.name != "upload")
        assert SECRET[:24] not in left and b"root:" not in left


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.hidden.close()


@pytest.mark.parametrize("case", NETWORKS)
def test_it_is_refused_in_one_sentence_within_its_limits(room: Room, forks: ForkServer, case: str) -> None:
    body = NETWORKS[case](room.canary)
    begun = time.monotonic()
    answer = room.inspect(forks, body, "lenet5" if case in MODELS else "")
    assert time.monotonic() - begun < MOST_S * strain()
    room.nothing_happened()
    assert answer.get("exit") == 0, answer
    assert is_ours(answer["refused"]["why"]), answer


@pytest.mark.parametrize("case", ODD)
def test_a_good_network_under_bad_names_or_numbers_is_taken_or_refused_and_runs_nothing(
    room: Room, forks: ForkServer, case: str,
) -> None:
    answer = room.inspect(forks, ODD[case](room.canary))
    room.nothing_happened()
    assert answer.get("exit") == 0, answer
    assert "found" in answer or is_ours(answer["refused"]["why"]), answer


@pytest.mark.parametrize("seed", range(40))
def test_a_good_network_with_a_few_bytes_changed_is_taken_or_refused_and_breaks_nothing(
    room: Room, forks: ForkServer, seed: int,
) -> None:
    chance = random.Random(seed)
    body = bytearray(chance.choice([hostile_onnx.model(), hostile_onnx.bundle(), hostile_onnx.resized(2)]))
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(body))
        body[at:at + chance.randrange(3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(3)))
    answer = room.inspect(forks, bytes(body))
    room.nothing_happened()
    assert answer.get("exit") == 0, answer
    assert "found" in answer or is_ours(answer["refused"]["why"]), answer


@pytest.mark.parametrize("case", NETWORKS)
def test_the_first_look_takes_no_time_and_says_its_reasons_in_a_sentence(tmp_path: Path, case: str) -> None:
    body = NETWORKS[case](tmp_path / "canary")

    def looked() -> None:
        try:
            look("model", "net.onnx", body[:1_000_008], len(body))
        except Unfit as unfit:
            assert is_ours(str(unfit)), str(unfit)

    assert cpu_s(looked, 0.5) < 0.5
    assert not (tmp_path / "canary").exists()
