from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def quick_hashes(settings: Any) -> None:
    """The real hashing takes half a second of a busy machine for each password."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def no_attempts_counted() -> Iterator[None]:
    """The limits on signing in count in Redis, which all tests share."""
    cache.clear()
    yield
    cache.clear()
