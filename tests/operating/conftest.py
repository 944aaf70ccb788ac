from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apps.cast import Cast, gather
from tests.operating.store import Store


@pytest.fixture
def cast(db: None) -> Cast:
    """Alice (admin), Ruth (reviewer) and Victor (viewer) of one team; Mallory of another."""
    return gather()


@pytest.fixture(scope="session")
def s3() -> Iterator[Store]:
    """An S3 server in this process."""
    store = Store()
    yield store
    store.stop()


@pytest.fixture
def objects_in(s3: Store, settings: Any, tmp_path: Path) -> Store:
    """The portal's files lie in that server, in an empty bucket; this host's cache is empty too."""
    s3.empty()
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": s3.options()}}
    settings.OBJECT_STORE, settings.BLOB_CACHE = s3.bucket, tmp_path / "cache"
    return s3
