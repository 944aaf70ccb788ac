"""Data sets through the limited process that the portal starts: good ones come out whole, hostile ones reach nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from tests.portal import strain
from tests.worker.inspection import made, recorded, test_cifar, test_pictures, test_recordings
from tests.worker.inspection.corpus import DATA, is_ours
from tests.worker.inspection.test_hostile_in_the_child import MOST_S, Room, forks, room
from worker.forkserver import ForkServer

__all__ = ["forks", "room"]

GOOD: dict[str, Callable[[], bytes]] = {
    "CIFAR-10": lambda: made.tape(made.cifar_10()),
    "CIFAR-100 in a zip": lambda: made.folder(made.cifar_100()),
    "Tiny ImageNet": lambda: made.folder(made.tiny_imagenet()),
    "folders of every format": lambda: made.folder({
        f"{name}/{n}.{form.lower()}": made.picture((n, 9, 9), form=form)
        for name in "ab" for form in ("JPEG", "PNG", "BMP", "WEBP") for n in range(3)}),
}
HOSTILE: dict[str, Callable[[], bytes]] = {
    **{f"pictures: {case}": lambda files=files: files if isinstance(files, bytes) else made.folder(files)
       for case, (files, _) in test_pictures.CASES.items()},
    **{f"CIFAR: {case}": make for case, (make, _) in test_cifar.CASES.items()},
    **{f"arrays: {case}": lambda make=make: make(None) for case, (make, _) in DATA.items() if case != "an array of objects"},
    **{f"recordings: {case}": make for case, (make, _) in test_recordings.BAD.items()},
    "a tar of zeros packed 1000 to 1": lambda: made.tape({"data_batch_1.bin": bytes(3073 * 100_000)}, folders=False),
    "pictures of 60 million pixels each": lambda: made.folder({
        f"{name}/{n}.png": WIDE for name in "ab" for n in range(10)}),
}
WIDE = made.drawn(np.zeros((7000, 8500), np.uint8))


@pytest.mark.parametrize("case", GOOD)
def test_a_good_one_is_read_by_a_process_that_opens_nothing_else(room: Room, forks: ForkServer, case: str) -> None:
    answer = room.inspect(forks, GOOD[case](), kind="dataset")
    room.nothing_happened()
    assert answer.get("exit") == 0 and answer["found"]["samples"] == "samples.png", answer


def test_recorded_detections_are_read_by_a_process_that_opens_nothing_else(room: Room, forks: ForkServer) -> None:
    answer = room.inspect(forks, recorded.archive(), kind="dataset")
    room.nothing_happened()
    assert answer.get("exit") == 0 and answer["found"]["recorded"]["detectors"] == {"full": 1, "tiny": 2}, answer


@pytest.mark.parametrize("case", HOSTILE)
def test_a_bad_one_is_refused_in_one_sentence_within_its_limits(room: Room, forks: ForkServer, case: str) -> None:
    body = HOSTILE[case]()
    begun = time.monotonic()
    answer = room.inspect(forks, body, kind="dataset")
    assert time.monotonic() - begun < MOST_S * strain()
    room.nothing_happened()
    assert answer.get("exit") == 0, answer
    # Some are too large for a test's small limit only.
    assert "found" in answer if case == "arrays: more than is unpacked" else is_ours(answer["refused"]["why"]), answer
