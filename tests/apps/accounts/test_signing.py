"""The portal's signing key: made once, its owner's alone, and in no backup."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from apps.accounts import signing
from apps.accounts.refusal import Conflict


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    settings.SIGNING_KEY_FILE = tmp_path / "var" / "signing_key"
    return tmp_path / "var" / "signing_key"


def test_it_is_made_at_its_first_use_and_is_its_owners_alone(file: Path) -> None:
    public = signing.public()
    assert file.stat().st_mode & 0o777 == 0o600
    assert signing.public() == public
    assert signing.fingerprint() == hashlib.sha256(public).hexdigest()
    assert [each.name for each in file.parent.iterdir()] == ["signing_key"]


def test_its_name_in_the_folder_outlives_a_power_cut(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = list[bool]()
    sync = os.fsync

    def seen(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            named.append(file.exists())
        sync(handle)

    monkeypatch.setattr(os, "fsync", seen)
    signing.public()
    assert named == [True]


def _told(queue: Any, barrier: Any) -> None:
    barrier.wait(60)
    queue.put(signing.public())


def test_processes_that_make_it_together_have_one(file: Path) -> None:
    fork = multiprocessing.get_context("fork")
    queue, barrier = fork.Queue(), fork.Barrier(6)
    every = [fork.Process(target=_told, args=(queue, barrier)) for _ in range(6)]
    for one in every:
        one.start()
    found = {queue.get(timeout=60) for _ in every}
    for one in every:
        one.join(60)
    assert found == {signing.public()}


def test_a_damaged_one_is_never_replaced_in_silence(file: Path) -> None:
    signing.public()
    file.write_bytes(b"short")
    with pytest.raises(Conflict, match="it has 5 bytes, not 32"):
        signing.public()
    assert file.read_bytes() == b"short"


def test_one_that_cannot_be_made_is_a_sentence(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").write_text("")
    settings.SIGNING_KEY_FILE = tmp_path / "file" / "signing_key"
    with pytest.raises(Conflict, match="an operator has to look at signing_key"):
        signing.public()
