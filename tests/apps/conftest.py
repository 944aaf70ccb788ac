from __future__ import annotations

import pytest

from tests.apps.cast import Cast, gather
from tests.apps.house import house  # noqa: F401  a fixture for modules that call everything


@pytest.fixture
def cast(db: None) -> Cast:
    """Alice (admin), Ruth (reviewer) and Victor (viewer) of one team; Mallory of another."""
    return gather()


@pytest.fixture
def crowd(transactional_db: None) -> Cast:
    """The same people where transactions really commit: for races, sockets and knocks."""
    return gather()
