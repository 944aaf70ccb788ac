"""A board takes what its portal sends: fetched once, tried, served, and said; what is wrong is said too, and nothing changes."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.worker.agent.fake_portal import FakePortal, cuts_after, loses_the_answer, says, served
from tests.worker.updating.conftest import built, exported  # noqa: F401  fixtures
from tests.worker.updating.versions_made import moved
from worker.addressed import signed
from worker.agent import serving
from worker.agent.portal import Portal
from worker.agent.serving import Serving
from worker.agent.state import Folder
from worker.agent.trust import Address
from worker.updating import trial
from worker.updating.change import make

INSTANCE = "instance-0001"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()


@pytest.fixture
def portal() -> Iterator[FakePortal]:
    with served() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "state")


def board(folder: Folder, portal: FakePortal, key: str = PUBLIC.hex()) -> Serving:
    return Serving(folder, INSTANCE, key, Portal(Address(portal.base), INSTANCE), threading.Event())


def addressed(body: bytes, number: int, **more: Any) -> bytes:
    return signed(body, KEY, device=INSTANCE, number=number, **more)


@pytest.fixture
def serves(folder: Folder, portal: FakePortal, exported: bytes) -> Serving:  # noqa: F811
    """A board that serves the first network, as number 1."""
    made = board(folder, portal)
    made.take(portal.sends(addressed(exported, 1, kind="first"), 1))
    assert portal.outcomes.pop()["state"] == "taken"
    return made


def current(folder: Folder) -> bytes:
    return (folder.network / "current").read_bytes()


def test_a_first_network_is_fetched_served_and_said(folder: Folder, serves: Serving, exported: bytes) -> None:  # noqa: F811
    digest = hashlib.sha256(exported).hexdigest()
    assert current(folder) == exported
    assert serves.about() == {"number": 1, "sha256": digest, "first_sha256": digest, "cannot": "",
                              "key": hashlib.sha256(PUBLIC).hexdigest()}
    assert not folder.incoming.exists()


def test_an_update_follows_and_what_waits_next_is_told(
    folder: Folder, serves: Serving, portal: FakePortal, exported: bytes,  # noqa: F811
) -> None:
    new, portal.next_network = moved(exported, 0.1), {"number": 3}
    assert serves.take(portal.sends(addressed(make(exported, new), 2), 2)) == {"number": 3}
    assert current(folder) == new
    (outcome,) = portal.outcomes
    assert (outcome["state"], outcome["network"]["number"]) == ("taken", 2)


def test_a_board_that_was_killed_knows_again_what_it_serves(folder: Folder, serves: Serving, portal: FakePortal) -> None:
    again = board(folder, portal)
    assert again.about()["number"] is None
    again.recover()
    assert again.about() == serves.about()


def test_taken_again_after_a_lost_answer_nothing_changes(
    folder: Folder, serves: Serving, portal: FakePortal, exported: bytes,  # noqa: F811
) -> None:
    update = portal.sends(addressed(make(exported, moved(exported, 0.1)), 2), 2)
    portal.faults[update["deployment"]] = [loses_the_answer]
    serves.take(update)
    names = sorted(path.name for path in folder.network.iterdir())
    board(folder, portal).take(update)
    assert sorted(path.name for path in folder.network.iterdir()) == names
    assert {outcome["state"] for outcome in portal.outcomes} == {"taken"}


def test_a_cut_download_goes_on_where_it_stopped(
    folder: Folder, serves: Serving, portal: FakePortal, exported: bytes,  # noqa: F811
) -> None:
    portal.faults["update"] = [cuts_after(100)]
    serves.take(portal.sends(addressed(make(exported, moved(exported, 0.1)), 2), 2))
    assert portal.outcomes[-1]["state"] == "taken"
    assert current(folder) == moved(exported, 0.1)


@pytest.mark.parametrize("how, why", [
    ("tampered", "not signed by the portal"), ("another board's", "for the device"), ("stale", "numbers only rise"),
    ("another base", "made for another network")])
def test_what_is_wrong_is_refused_and_said(
    folder: Folder, serves: Serving, portal: FakePortal, exported: bytes, how: str, why: str,  # noqa: F811
) -> None:
    new = moved(exported, 0.1)
    change = make(exported, new)
    body = {"tampered": addressed(change, 2).replace(b'"number":2', b'"number":9'),
            "another board's": signed(change, KEY, device="instance-0002", number=2), "stale": addressed(change, 1),
            "another base": addressed(make(new, exported), 2)}[how]
    serves.take(portal.sends(body, 2))
    (outcome,) = portal.outcomes
    assert outcome["state"] == "refused"
    assert why in outcome["reason"]
    assert current(folder) == exported


def test_one_that_was_withdrawn_meanwhile_is_dropped(serves: Serving, portal: FakePortal, exported: bytes) -> None:  # noqa: F811
    portal.faults["update"] = [says(404, title="There is no such thing, or not for you.")]
    assert serves.take(portal.sends(addressed(exported, 2, kind="first"), 2)) is None
    assert not portal.outcomes


def test_the_batch_is_fetched_once_and_every_network_tried_on_it(
    folder: Folder, portal: FakePortal, exported: bytes, tmp_path: Path,  # noqa: F811
) -> None:
    images = np.random.default_rng(0).standard_normal((8, 1, 8, 8), dtype=np.float32)
    (tmp_path / "made").mkdir()
    batch = trial.keep(tmp_path / "made", images, np.zeros(8, np.int64))
    right, body = trial.right(exported, batch), (tmp_path / "made" / "batch.npz").read_bytes()
    asks = {"batch_sha256": batch.sha256, "least_right": right}
    made = board(folder, portal)
    made.take(portal.sends(addressed(exported, 1, kind="first", **asks), 1, body))
    made.take(portal.sends(addressed(exported, 2, kind="first", **asks), 2, body))
    assert [(each["state"], each["tried"]) for each in portal.outcomes] == [("taken", True)] * 2
    assert portal.asked["batch"] == 1
    made.take(portal.sends(addressed(exported, 3, kind="first", **asks | {"least_right": 9}), 3, body))
    assert "at least 9 are asked for" in portal.outcomes[-1]["reason"]


def test_a_process_that_dies_over_it_is_given_up(
    folder: Folder, serves: Serving, portal: FakePortal, exported: bytes, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
) -> None:
    monkeypatch.setattr(serving.sys, "executable", "/bin/false")
    serves.take(portal.sends(addressed(exported, 2, kind="first"), 2))
    assert portal.outcomes[-1]["reason"] == (
        "The process that was to take it ended without a word (exit status 1), 3 times.")


def test_what_a_process_that_died_left_is_cleared_away(
    folder: Folder, portal: FakePortal, exported: bytes, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
) -> None:
    made, asked = board(folder, portal), Serving._asked

    def dies(serving_: Serving, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Written, and gone while it was tried."""
        if verb == "show":
            return asked(serving_, verb, *words)
        (folder.network / f"{1:016d}-{hashlib.sha256(exported).hexdigest()}.first.onnx").write_bytes(exported)
        return subprocess.CompletedProcess([verb], -11, "", "")

    monkeypatch.setattr(Serving, "_asked", dies)
    made.take(portal.sends(addressed(exported, 1, kind="first"), 1))
    assert portal.outcomes[-1]["state"] == "refused"
    assert not list(folder.network.glob("*.onnx"))
    assert made.about()["number"] is None


# The disk, and processes that cannot be had

def breaks(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_while_it_is_fetched_is_a_refusal(
    folder: Folder, serves: Serving, portal: FakePortal, exported: bytes, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
) -> None:
    monkeypatch.setattr(Portal, "fetch", breaks)
    assert serves.take(portal.sends(addressed(exported, 2, kind="first"), 2)) is None
    assert portal.outcomes[-1]["state"] == "refused"
    assert "No space left on device" in portal.outcomes[-1]["reason"]
    assert serves.about()["number"] == 1


def test_where_no_process_can_be_had_it_is_refused_and_a_start_says_so(
    folder: Folder, serves: Serving, portal: FakePortal, exported: bytes, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
) -> None:
    monkeypatch.setattr(serving.subprocess, "run", breaks)
    serves.take(portal.sends(addressed(exported, 2, kind="first"), 2))
    assert portal.outcomes[-1]["state"] == "refused"
    again = board(folder, portal)
    again.recover()
    assert "could not be looked at" in again.about()["cannot"]


# What a beat names, nobody signed

def test_a_batch_by_another_name_reaches_nothing_that_is_served(
    folder: Folder, serves: Serving, portal: FakePortal, exported: bytes,  # noqa: F811
) -> None:
    evil = moved(exported, 1.0, seed=9)
    for name in ("current", f"{2**53:016d}-{hashlib.sha256(evil).hexdigest()}.first.onnx"):
        sent = portal.sends(signed(evil, KEY, device="instance-0002", number=2, kind="first"), 2, evil)
        sent["batch"]["path"] = name
        serves.take(sent)
        assert evil not in [file.read_bytes() for file in folder.network.iterdir()]
        assert current(folder) == exported
        again = board(folder, portal)
        again.recover()
        assert again.about()["number"] == 1


def test_a_batch_of_other_images_than_were_signed_is_not_kept(
    folder: Folder, serves: Serving, portal: FakePortal, exported: bytes, tmp_path: Path,  # noqa: F811
) -> None:
    trial.keep(tmp_path, np.zeros((2, 1, 8, 8), np.float32), np.zeros(2, np.int64))
    other = (tmp_path / trial.NAME).read_bytes()
    serves.take(portal.sends(addressed(exported, 2, kind="first", batch_sha256="0" * 64, least_right=1), 2, other))
    assert "a batch that this device does not have" in portal.outcomes[-1]["reason"]
    assert trial.kept(folder.network) is None


def test_an_agent_of_before_says_that_it_must_join_again(folder: Folder, portal: FakePortal) -> None:
    assert "joined before its portal signed networks" in board(folder, portal, key="").about()["cannot"]


def test_a_board_without_numpy_says_so(folder: Folder, portal: FakePortal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    assert "NumPy is not installed" in board(folder, portal).about()["cannot"]


def test_the_agent_itself_loads_no_numpy_for_it() -> None:
    program = "import sys; import worker.agent.serving; assert not {'numpy', 'onnxruntime'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
