"""The team, a board of it that takes networks, and a run that offers one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from apps.experiments.models import Run
from tests.apps.boards import Board
from tests.apps.cast import Cast
from tests.apps.deployments.sent import Porch, finished


@pytest.fixture
def kept(tmp_path: Path, settings: Any) -> Path:
    settings.BLOBS, settings.SIGNING_KEY_FILE = tmp_path / "blobs", tmp_path / "var" / "signing_key"
    cache.clear()
    return tmp_path


@pytest.fixture
def porch(cast: Cast, kept: Path) -> Porch:
    """It joined, and said that it serves nothing yet."""
    made = Porch(Board.joined(cast.alice, cast.team))
    assert made.beat() is None
    return made


@pytest.fixture
def dpu(cast: Cast, kept: Path) -> Run:
    return finished(cast, kept)
