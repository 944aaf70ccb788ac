from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import Scope
from tests.apps.cast import Cast, gather
from tests.apps.house import house  # noqa: F401  a fixture for modules that call everything
from tests.apps.things import gather_things

Ask = Callable[..., Any]


@pytest.fixture
def cast(db: None) -> Cast:
    return gather()


@pytest.fixture
def things(cast: Cast, tmp_path: Path, settings: Any) -> dict[str, Any]:
    settings.BLOBS = tmp_path / "blobs"
    return gather_things(cast, tmp_path)


@pytest.fixture
def ask(cast: Cast) -> Ask:
    """Ask the API as a token of Alice's that may write; `body` may be text that is no JSON."""
    token = cast.token(Scope.ADMIN)

    def asking(method: str, path: str, body: object = None, **headers: str) -> HttpResponse:
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        answer: HttpResponse = Client().generic(
            method, f"/api{path}", b"" if body is None else data, content_type=headers.pop("type", "application/json"),
            headers={"Authorization": f"Bearer {token}", **headers})
        return answer

    return asking
