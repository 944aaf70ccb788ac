"""A folder's own certificate: made once, by whatever is there, for its owner's eyes alone."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from worker.links import certificate
from worker.links.certificate import Unmade
from worker.links.wire import Listener, connect


@pytest.fixture(params=["the library", "the program"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where one is to be made, by one or the other."""
    if request.param == "the library":
        monkeypatch.setattr(certificate, "OPENSSL", ("no such program",))
    elif shutil.which("openssl"):
        monkeypatch.setitem(sys.modules, "cryptography", None)
    else:
        pytest.skip("openssl is not installed here")
    return tmp_path / "own"


def test_it_is_made_once_and_stays(folder: Path) -> None:
    first = certificate.own(folder)
    assert certificate.own(folder).fingerprint == first.fingerprint
    shown = ssl.PEM_cert_to_DER_cert(first.file.read_text().partition("-----END PRIVATE KEY-----")[2].strip())
    assert first.fingerprint == hashlib.sha256(shown).hexdigest()


def test_only_its_owner_may_read_it(folder: Path) -> None:
    mine = certificate.own(folder)
    assert (mine.file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    mine.file.chmod(0o644)
    assert certificate.own(folder).file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in folder.iterdir()] == [mine.file.name]


def test_it_serves(folder: Path) -> None:
    mine = certificate.own(folder)
    said = {"token": "t", "run": "r", "patience_s": 20, "most_bytes": 10**6}
    with Listener("127.0.0.1", 0, certificate=mine, **said) as there, connect(there.address, pin=mine.fingerprint, **said):
        there.accept().close()


def test_two_folders_have_two(folder: Path) -> None:
    assert certificate.own(folder).fingerprint != certificate.own(folder.with_name("other")).fingerprint


@pytest.mark.parametrize("broken", [b"", b"no certificate", b"half"])
def test_one_that_cannot_be_used_is_made_again(folder: Path, broken: bytes) -> None:
    before = certificate.own(folder)
    whole = before.file.read_bytes()
    before.file.write_bytes(whole[:len(whole) // 2] if broken == b"half" else broken)
    assert not before.is_sound()
    assert certificate.own(folder).is_sound()


def test_of_several_that_make_one_at_once_all_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({made.fingerprint for made in pool.map(lambda _: certificate.own(tmp_path), range(8))}) == 1


def test_where_nothing_can_make_one_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "OPENSSL", ("no such program",))
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(Unmade, match="openssl or by Python's package cryptography"):
        certificate.own(tmp_path)
    assert not list(tmp_path.iterdir())
