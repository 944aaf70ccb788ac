"""Files in object storage: put once, fetched once and checked, streamed, and clearly missed when they are gone."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from apps.catalog import blobs, cache
from apps.catalog.models import Blob
from tests.operating.store import Store

pytestmark = pytest.mark.django_db


def made(tmp_path: Path, body: bytes) -> Blob:
    file = tmp_path / hashlib.sha256(body).hexdigest()[:8]
    file.write_bytes(body)
    return blobs.keep(file)


def whole(sha256: str, size: int = 1000) -> bytes:
    source = blobs.open(sha256)
    return b"".join(iter(lambda: source.read(size), b""))


def forget_here() -> None:
    """Another host: nothing is in its cache."""
    for file in blobs.path("0" * 64).parents[2].rglob("*"):
        if file.is_file():
            file.unlink()


def test_a_file_kept_by_one_host_is_read_by_another(objects_in: Store, tmp_path: Path) -> None:
    body = os.urandom(2_500_000)
    blob = made(tmp_path, body)
    assert objects_in.names() == [blobs.name(blob.sha256)]
    forget_here()
    assert whole(blob.sha256) == body
    assert blobs.local(blob.sha256).read_bytes() == body


def test_the_same_bytes_are_put_once(objects_in: Store, tmp_path: Path) -> None:
    first = made(tmp_path, b"same")
    at = objects_in.client.head_object(Bucket=objects_in.bucket, Key=blobs.name(first.sha256))["LastModified"]
    time.sleep(1.1)
    made(tmp_path, b"same")
    again = objects_in.client.head_object(Bucket=objects_in.bucket, Key=blobs.name(first.sha256))["LastModified"]
    assert again == at and Blob.objects.count() == 1


def test_damaged_bytes_are_never_taken_for_the_file(objects_in: Store, tmp_path: Path) -> None:
    body = b"x" * 5000
    blob = made(tmp_path, body)
    forget_here()
    objects_in.put(blobs.name(blob.sha256), body[:-1] + b"y")
    with pytest.raises(blobs.Damaged):
        blobs.local(blob.sha256)
    assert not blobs.path(blob.sha256).exists(), "nothing damaged stays in the cache"
    source, seen = blobs.open(blob.sha256), b""
    with pytest.raises(blobs.Damaged):
        while piece := source.read(1000):
            seen += piece
    assert len(seen) < len(body), "who downloads never gets it whole"


def test_a_damaged_copy_in_the_cache_is_fetched_anew(objects_in: Store, tmp_path: Path) -> None:
    blob = made(tmp_path, b"good bytes")
    there = blobs.path(blob.sha256)
    there.chmod(0o600)
    there.write_bytes(b"evil bytes")
    assert blobs.local(blob.sha256).read_bytes() == b"good bytes"


def test_a_file_that_is_gone_is_missing(objects_in: Store) -> None:
    with pytest.raises(blobs.Missing):
        blobs.open("a" * 64)
    with pytest.raises(blobs.Missing):
        blobs.local("a" * 64)


def test_a_store_that_does_not_answer_is_away_and_not_missing(objects_in: Store, settings: Any) -> None:
    from botocore.config import Config

    options = objects_in.options() | {"endpoint_url": "http://127.0.0.1:1",
                                      "client_config": Config(retries={"total_max_attempts": 1}, connect_timeout=1)}
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}}
    with pytest.raises(blobs.Away):
        blobs.local("a" * 64)


def test_the_cache_is_bounded_and_what_is_in_use_stays(objects_in: Store, settings: Any, tmp_path: Path) -> None:
    settings.BLOB_CACHE_BYTES = 2500
    kept = [made(tmp_path, bytes([n]) * 1000).sha256 for n in range(4)]
    old = time.time() - 2 * cache.IN_USE_S
    for sha256 in kept[:2]:
        os.utime(blobs.path(sha256), (old, old))
    cache.trim(Path(settings.BLOB_CACHE), settings.BLOB_CACHE_BYTES)
    assert [blobs.path(sha256).exists() for sha256 in kept] == [False, False, True, True]
    assert blobs.local(kept[0]).read_bytes() == b"\0" * 1000


def test_in_a_folder_a_flipped_byte_is_seen_too(settings: Any, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"
    blob = made(tmp_path, b"a" * 3000)
    assert whole(blob.sha256) == b"a" * 3000
    there = blobs.path(blob.sha256)
    there.chmod(0o600)
    there.write_bytes(b"a" * 2999 + b"b")
    with pytest.raises(blobs.Damaged):
        blobs.local(blob.sha256)
    with pytest.raises(blobs.Damaged):
        whole(blob.sha256)
    made(tmp_path, b"a" * 3000)
    assert blobs.local(blob.sha256) == there and whole(blob.sha256) == b"a" * 3000, "the right bytes, sent again, mend it"
    there.unlink()
    with pytest.raises(blobs.Missing):
        blobs.local(blob.sha256)


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000])
def test_a_stream_holds_every_byte_whatever_the_pieces(settings: Any, tmp_path: Path, size: int) -> None:
    settings.BLOBS = tmp_path / "blobs"
    body = os.urandom(size)
    assert whole(made(tmp_path, body).sha256) == body
